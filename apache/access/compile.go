// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/htpasswd"
)

// Options are what guards have in common.
type Options struct {
	// ServerRoot is where relative paths of files begin.
	ServerRoot string

	// Hosts looks up the names of clients. Nil: those of the system, with a memory
	// of the guard's own.
	Hosts *Hosts

	// Files are the password and group files. Nil: the guard reads them for itself.
	Files *htpasswd.Files
}

// Guard lets requests pass or not. It may be used by many goroutines. A nil
// *Guard lets all pass.
type Guard struct {
	tree       *node // of Require; nil: there is none
	gate       gate
	satisfy    []chosen
	requireSSL bool
	basic      *basic // nil: AuthType None, or none
	forbidden  bool   // AuthzSendForbiddenOnFailure
	hosts      *Hosts
	groups     *htpasswd.Groups
}

// Compile makes rules ready for requests. It opens no file, and fails where httpd
// does when it starts and where something cannot be evaluated here. What a login
// lacks may stand in another section, so that Check finds it missing.
func (rs *Rules) Compile(o Options) (*Guard, error) {
	if rs == nil {
		return nil, nil
	}
	if err := rs.check(); err != nil {
		return nil, err
	}
	g := &Guard{
		requireSSL: rs.RequireSSL,
		forbidden:  strings.EqualFold(rs.Forbidden, "on"),
		hosts:      o.Hosts,
	}
	if g.hosts == nil {
		g.hosts = NewHosts(nil)
	}
	files := o.Files
	if files == nil {
		files = htpasswd.NewFiles()
	}
	absolute := func(name string) string {
		if !path.IsAbs(name) {
			name = path.Join(cmp.Or(o.ServerRoot, "/"), name)
		}
		return path.Clean(name)
	}
	var err error
	if g.gate, err = rs.gate(); err != nil {
		return nil, err
	}
	if g.satisfy, err = words("Satisfy", rs.Satisfy, "all", "any"); err != nil {
		return nil, err
	}
	if rs.Require != nil {
		if g.tree, err = compile(rs.Require, false); err != nil {
			return nil, err
		}
	}
	if rs.GroupFile != "" {
		g.groups = files.Groups(absolute(rs.GroupFile))
	}
	switch strings.ToLower(rs.AuthType) {
	case "", "none":
	case "basic":
		g.basic = newBasic(rs)
		if rs.UserFile != "" {
			g.basic.passwords = files.Passwords(absolute(rs.UserFile))
		}
	default:
		return nil, fmt.Errorf("AuthType %s is not supported; Basic is", rs.AuthType)
	}
	return g, nil
}

// check makes sure that no word is passed over, which might let somebody in.
func (rs *Rules) check() error {
	for _, w := range []struct{ directive, value, values string }{
		{"AuthMerging", rs.Merging, "off and or"},
		{"AuthzSendForbiddenOnFailure", rs.Forbidden, "on off"},
		{"AuthBasicAuthoritative", rs.Authoritative, "on off"},
	} {
		if w.value != "" && !slices.Contains(strings.Fields(w.values), strings.ToLower(w.value)) {
			return fmt.Errorf("%s must be one of %s, not %q", w.directive, w.values, w.value)
		}
	}
	for _, provider := range rs.Providers {
		if provider != "file" && provider != "socache" {
			return fmt.Errorf("AuthBasicProvider %s is not supported; file is", provider)
		}
	}
	return nil
}

// gate compiles Order, Allow and Deny.
func (rs *Rules) gate() (g gate, err error) {
	if g.order, err = words("Order", rs.Order, "deny,allow", "allow,deny", "mutual-failure"); err != nil {
		return g, err
	}
	for _, list := range []struct {
		from []From
		into *[]source
	}{{rs.Allow, &g.allow}, {rs.Deny, &g.deny}} {
		for _, from := range list.from {
			for _, word := range from.From {
				s, err := compileFrom(word)
				if err != nil {
					return g, fmt.Errorf("%sfrom %s: %w", at(from.Line), word, err)
				}
				s.methods, s.line = from.set(), from.Line
				*list.into = append(*list.into, s)
			}
		}
	}
	return g, nil
}

// words compiles Order or Satisfy.
func words(name string, all []Word, values ...string) ([]chosen, error) {
	var words []chosen
	for _, word := range all {
		value := strings.ToLower(word.Value)
		if !slices.Contains(values, value) {
			return nil, fmt.Errorf("%s%s must be one of %s, not %q", at(word.Line), name, strings.Join(values, " "), word.Value)
		}
		words = append(words, chosen{value, word.set()})
	}
	return words, nil
}

// compile compiles a part of the tree. Whether it is in a section where one that
// is met is not enough, a Require not has a meaning.
func compile(q *Require, inAll bool) (*node, error) {
	if err := q.check(inAll); err != nil {
		return nil, fmt.Errorf("%s%w", at(q.Line), err)
	}
	n := &node{not: q.Not || len(q.None) > 0, and: len(q.All) > 0, methods: q.set(), line: q.Line}
	if children := q.children(); len(children) > 0 {
		n.methods = methods{}
		for _, child := range children {
			compiled, err := compile(child, n.and)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, compiled)
			n.methods = n.methods.or(compiled.methods)
		}
		if n.and {
			if err := q.onlyNegative(); err != nil {
				return nil, fmt.Errorf("%s%w", at(q.Line), err)
			}
		}
		return n, nil
	}
	var err error
	if n.test, err = q.test(); err != nil {
		return nil, fmt.Errorf("%s%w", at(q.Line), err)
	}
	return n, nil
}

// check makes sure that exactly one thing is required, and that it can have an
// effect.
func (q *Require) check(inAll bool) error {
	kinds := 0
	for _, set := range []bool{
		len(q.All) > 0, len(q.Any) > 0, len(q.None) > 0, q.AllGranted, q.AllDenied, len(q.IP) > 0, len(q.Host) > 0,
		len(q.ForwardDNS) > 0, q.Local, len(q.Env) > 0, len(q.Method) > 0, q.Expr != "", len(q.User) > 0, len(q.Group) > 0, q.ValidUser,
	} {
		if set {
			kinds++
		}
	}
	section := len(q.All)+len(q.Any)+len(q.None) > 0
	switch {
	case kinds != 1:
		return errors.New("a require must have one thing in it that is required, or be one section")
	case slices.Contains(q.children(), nil):
		return errors.New("a section must not have null in it")
	case section && q.Not:
		return errors.New("not is for a require that is no section; none is such a section")
	case !inAll && (q.Not || len(q.None) > 0):
		return errors.New("what forbids has no effect where one that is met is enough; it has to stand in <RequireAll>")
	}
	return nil
}

// test compiles what one Require asks.
func (q *Require) test() (test, error) {
	switch {
	case q.AllGranted:
		return always(granted), nil
	case q.AllDenied:
		return always(denied), nil
	case q.Local:
		return isLocal, nil
	case len(q.IP) > 0:
		return isIP(q.IP)
	case len(q.Host) > 0:
		if err := plain("host", q.Host); err != nil {
			return nil, err
		}
		return isHost(q.Host), nil
	case len(q.ForwardDNS) > 0:
		if err := plain("forward-dns", q.ForwardDNS); err != nil {
			return nil, err
		}
		return isForwardDNS(q.ForwardDNS), nil
	case len(q.Env) > 0:
		return hasEnv(q.Env), nil
	case len(q.Method) > 0:
		for _, name := range q.Method {
			if !slices.Contains(knownMethods, name) {
				return nil, fmt.Errorf("%q is no method that httpd knows; they are in capitals", name)
			}
		}
		return isMethod(methods{names: known(q.Method)}), nil
	case q.Expr != "":
		condition, err := expr.ParseCondition(q.Expr)
		if err != nil {
			return nil, fmt.Errorf("expr: %w", err)
		}
		return holds(condition, strings.Contains(strings.ToUpper(q.Expr), "%{REMOTE_USER}")), nil
	case q.ValidUser:
		return isValidUser, nil
	case len(q.User) > 0:
		return isUser(q.User), plain("user", q.User)
	}
	return inGroup(q.Group), plain("group", q.Group)
}

// plain refuses words that httpd evaluates for each request.
func plain(provider string, words []string) error {
	for _, word := range words {
		if strings.Contains(word, "%{") {
			return fmt.Errorf("%s %s: variables are not supported here; Require expr can compare them", provider, word)
		}
	}
	return nil
}

// at is a line in front of what is wrong with it.
func at(line string) string {
	if line == "" {
		return ""
	}
	return line + ": "
}
