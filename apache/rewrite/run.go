// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// run is one going through the rules. While it lasts, the request's Filename is
// what the rules have made of it so far, as REQUEST_FILENAME shows: at first the
// path, in a folder the file.
type run struct {
	engine   *Engine
	r        *request.Request
	inFolder bool
	dir      string // the folder, with / at its end

	uri       string // what patterns are searched in
	matched   groups // $1
	condition groups // %1

	result      Result
	status      int   // of the last R
	substituted *rule // the last that was not -
	changed     bool
	reduced     bool // the URL was one of this server
}

const (
	proxyPrefix = "proxy:"

	// maxFilename is how long rules may make a path: httpd's twice LimitRequestLine.
	maxFilename = 2 * 8190
)

// list runs all rules. It says whether an answer is decided: by result.Status.
func (x *run) list() (answered bool, err error) {
	rules := x.engine.rules
	round := 1
	for i := 0; i < len(rules); i++ {
		rule := rules[i]
		applied, answered, err := x.apply(rule)
		if err != nil {
			return false, err
		}
		if !applied {
			for i < len(rules) && rules[i].chain {
				i++
			}
			continue
		}
		x.result.Rule = rule.line
		x.note(rule)
		if answered {
			return true, nil
		}
		if len(x.r.Filename) > maxFilename || len(x.r.Query) > maxText {
			x.result.Status = http.StatusInternalServerError
			return true, nil
		}
		switch {
		case rule.status != 0:
			x.result.Status = rule.status
			return true, nil
		case rule.pass:
			x.result.Kind = PassThrough
			x.changed, x.result.NoEscape = true, false
			return false, nil
		case rule.end:
			x.result.End = true
			return false, nil
		case rule.proxy, rule.last:
			return false, nil
		case rule.rounds > 0:
			if round++; round >= rule.rounds {
				x.result.Status = http.StatusInternalServerError
				return true, nil
			}
			i = -1
		default:
			i += rule.skip
		}
	}
	return false, nil
}

// apply runs one rule: the pattern first, then the conditions. It may decide the
// answer.
func (x *run) apply(rule *rule) (applied, answered bool, err error) {
	proxied := x.look()
	match, err := rule.pattern.Find(x.uri)
	if err != nil {
		return false, false, err
	}
	if (match == nil) != rule.not {
		x.noteMismatch(rule)
		return false, false, nil
	}
	x.matched, x.condition = groups{text: x.uri, at: match}, groups{}
	if ok, err := x.conditions(rule); err != nil || !ok {
		return false, false, err
	}
	var text string
	if !rule.keep {
		var unsafe bool
		if text, unsafe, err = x.substitute(rule.substitution, &rule.flags); err != nil {
			return false, false, err
		}
		if unsafe { // lab case E1
			x.result.Status = http.StatusForbidden
			return true, true, nil
		}
	}
	if err := x.sideEffects(rule); err != nil {
		return false, false, err
	}
	if rule.keep {
		return true, false, x.force(rule)
	}
	x.substituted, x.changed, x.result.NoEscape = rule, true, rule.noEscape
	return true, false, x.set(rule, text, proxied)
}

// look finds out what the pattern is for. It says whether that is a URL which the
// request was mapped to.
func (x *run) look() (proxied bool) {
	x.uri = x.r.Filename
	if !x.inFolder {
		return false
	}
	proxied = strings.HasPrefix(x.uri, proxyPrefix)
	if x.r.PathInfo != "" {
		x.uri += x.r.PathInfo
	}
	if !proxied {
		x.uri = strings.TrimPrefix(x.uri, x.dir)
	}
	return proxied
}

func (x *run) conditions(rule *rule) (bool, error) {
	conditions := rule.conditions
	for i := 0; i < len(conditions); i++ {
		ok, err := x.holds(conditions[i])
		switch {
		case err != nil:
			return false, err
		case ok: // the rest of those with OR need not be tested
			for i < len(conditions) && conditions[i].or {
				i++
			}
		case !conditions[i].or:
			x.noteFalse(rule, i)
			return false, nil
		}
	}
	return true, nil
}

// sideEffects are what a rule does whether it substitutes or not.
func (x *run) sideEffects(rule *rule) error {
	for _, t := range rule.env {
		text, err := x.expand(t, nil)
		if err != nil {
			return err
		}
		if name, unset := strings.CutPrefix(text, "!"); unset {
			x.r.UnsetEnv(name)
			continue
		}
		name, value, _ := strings.Cut(text, ":")
		x.r.SetEnv(name, value)
	}
	for _, t := range rule.flags.cookies {
		text, err := x.expand(t, nil)
		if err != nil {
			return err
		}
		x.result.addCookie(text, x.r.Time)
	}
	return nil
}

// force sets what the flags T and H say.
func (x *run) force(rule *rule) error {
	for _, forced := range []struct {
		to   *string
		from template
	}{{&x.result.Type, rule.mediaType}, {&x.result.Handler, rule.handler}} {
		text, err := x.expand(forced.from, &rule.flags)
		if err != nil {
			return err
		}
		if text != "" {
			*forced.to = mapBytes(text, toLower)
		}
	}
	return nil
}

// set makes what came out of a rule the request's.
func (x *run) set(rule *rule, text string, proxied bool) error {
	prefixed := false
	if length, _ := absolute(text); length == 0 && !proxied && !strings.HasPrefix(text, "/") {
		switch {
		case x.inFolder:
			text, prefixed = x.dir+text, true
		case !rule.proxy && !rule.redirect:
			text, prefixed = "/"+text, true
		}
	}
	x.r.Filename = text
	if x.inFolder && rule.dropPathInfo {
		x.r.PathInfo = ""
	}
	x.splitQuery(rule)
	switch {
	case rule.proxy:
		x.r.Filename = proxyPrefix + x.qualified()
		return nil
	case rule.redirect:
		x.r.Filename = x.qualified()
		x.status = rule.redirectBy
		return nil
	}
	x.reduce()
	if length, _ := absolute(x.r.Filename); length > 0 { // a redirect though there is no R
		x.status = http.StatusFound
		return nil
	}
	if !rule.slashes && !prefixed && !rule.twoSlashes {
		for strings.HasPrefix(x.r.Filename, "//") {
			x.r.Filename = x.r.Filename[1:]
		}
	}
	return x.force(rule)
}

// splitQuery takes the query string off a path that rules have made.
func (x *run) splitQuery(rule *rule) {
	r := x.r
	scheme, query := absolute(r.Filename)
	if rule.noQuery || scheme > 0 && !query {
		r.Query = ""
		return
	}
	if rule.qsDiscard {
		r.Query = ""
	}
	at := strings.IndexByte(r.Filename[scheme:], '?')
	if rule.qsLast {
		at = strings.LastIndexByte(r.Filename[scheme:], '?')
	}
	if at < 0 {
		return
	}
	own := r.Filename[scheme+at+1:]
	r.Filename = r.Filename[:scheme+at]
	switch {
	case !rule.qsAppend:
		r.Query = own
	case own != "":
		r.Query = own + "&" + r.Query
	}
	r.Query = strings.TrimSuffix(r.Query, "&")
}

// qualified is the path as an absolute URL, of this server if it is none yet.
func (x *run) qualified() string {
	path := x.r.Filename
	if length, _ := absolute(path); length > 0 || x.r.Method == http.MethodConnect {
		return path
	}
	host := x.r.ServerName()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := x.r.ServerPort(); port != x.r.DefaultPort() {
		host += ":" + strconv.Itoa(port)
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return x.r.Scheme() + "://" + host + path
}

// reduce makes a URL of this server a path of it.
func (x *run) reduce() {
	scheme := x.r.Scheme() + "://"
	url := x.r.Filename
	if len(url) <= len(scheme) || compareFold(url[:len(scheme)], scheme) != 0 {
		return
	}
	url = url[len(scheme):]
	path := "/"
	if slash := strings.IndexByte(url, '/'); slash >= 0 {
		url, path = url[:slash], url[slash:]
	}
	host, portText, hasPort := strings.Cut(url, ":")
	port := x.r.DefaultPort()
	if hasPort {
		port = atoi(portText)
	}
	if x.engine.owns(x.r, host, port) {
		x.r.Filename = path
		x.reduced = !x.engine.legacyRoot
	}
}

func (e *Engine) owns(r *request.Request, host string, port int) bool {
	own := r.Server.Port
	if own == 0 {
		own = r.DefaultPort()
	}
	return port == own && (strings.EqualFold(host, r.Server.Name) || e.ownName != nil && e.ownName(host))
}
