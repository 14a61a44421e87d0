// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Pass is a ProxyPass or ProxyPassMatch.
type Pass struct {
	Line     string `json:"line,omitempty"`
	Location string `json:"location,omitempty"` // see location
	Match    bool   `json:"match,omitempty"`    // Path is a regular expression
	Path     string `json:"path"`
	URL      string `json:"url"` // "!": not to be proxied

	// Params are those of this rule: nocanon, noquery. Those of the connection to
	// URL, such as timeout=60, are its worker's, which may serve other rules, too.
	Params string `json:"params,omitempty"`

	// Guard is an expression under which alone the rule holds. httpd has no such
	// thing; it is the caller's answer to a ProxyPass in <If> (lab case E11a).
	Guard string `json:"guard,omitempty"`
}

const exampleProxyPass = "ProxyPass /chat/ ws://localhost:8000/"

func (rs *Rules) proxyPass(ctx *directive.Context, n *syntax.Node) error {
	located, err := proxyPlace(ctx, n)
	if err != nil {
		return err
	}
	p := Pass{Line: directive.Line(n), Match: strings.EqualFold(n.Name, "ProxyPassMatch")}
	args := n.Args
	if located {
		p.Location, p.Path = location(ctx), ctx.Path
		// A path with wildcards is taken for a regular expression: lab case E3e.
		p.Match = p.Match || strings.ContainsAny(ctx.Path, "*?[")
	} else {
		if len(args) > 0 && args[0] == "~" && !p.Match {
			p.Match, args = true, args[1:]
		}
		if len(args) > 0 {
			p.Path, args = args[0], args[1:]
		}
	}
	if len(args) == 0 {
		if located {
			return fmt.Errorf("%s needs a URL, for example: ProxyPass ws://localhost:8000/", n.Name)
		}
		return fmt.Errorf("%s needs a path and a URL, for example: %s", n.Name, exampleProxyPass)
	}
	p.URL, args = args[0], args[1:]
	if located && strings.HasPrefix(p.URL, "/") {
		return fmt.Errorf("%s in a <Location> must not have a path before the URL", n.Name)
	}
	if p.Path == "" {
		return fmt.Errorf("%s has an empty path", n.Name)
	}
	params, err := p.takeParams(args)
	if err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	if p.URL != "!" {
		if err := rs.passWorker(ctx, n, &p, params); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	if _, err := p.compile(); err != nil {
		return err
	}
	p.warn(ctx, n, rs.Pass)
	rs.Pass = append(rs.Pass, p)
	return nil
}

// proxyPlace says whether a directive of mod_proxy stands in a <Location>, and
// refuses it where it would not be looked at.
func proxyPlace(ctx *directive.Context, n *syntax.Node) (located bool, err error) {
	switch ctx.Place {
	case directive.Server:
		return false, nil
	case directive.Location:
		return true, nil
	case directive.Condition:
		if ctx.Strict {
			return false, fmt.Errorf("%s cannot stand in <If>; use RewriteCond and RewriteRule, or Require in the <Location>", n.Name)
		}
		return ctx.Path != "", nil
	}
	return false, fmt.Errorf("%s has to stand outside all sections, in <VirtualHost> or in <Location>", n.Name)
}

// takeParams keeps the parameters of the rule and returns those of the worker.
func (p *Pass) takeParams(args []string) (worker []string, err error) {
	var own []string
	for _, arg := range args {
		switch word := strings.ToLower(arg); word {
		case "nocanon", "noquery":
			own = append(own, word)
		case "interpolate":
			return nil, errors.New("interpolate is not supported: write what the variables stand for")
		case "mapping=encoded", "mapping=servlet":
			return nil, fmt.Errorf("%s is not supported", word)
		default:
			worker = append(worker, arg)
		}
	}
	p.Params = strings.Join(own, " ")
	return worker, nil
}

// passWorker defines the worker or balancer of the URL, or finds it.
func (rs *Rules) passWorker(ctx *directive.Context, n *syntax.Node, p *Pass, params []string) error {
	if name, ok := balancerName(p.URL); ok {
		if name == balancerScheme {
			return errNoBalancerName
		}
		return rs.balancer(name, directive.Line(n)).set(params)
	}
	w := Worker{Line: p.Line, URL: p.URL, Match: p.Match}
	if err := w.compile(); err != nil {
		return err
	}
	if err := w.checkHost(ctx, n); err != nil {
		return err
	}
	// httpd looks for a worker as it will for a request: by prefix, not by name.
	if shared := findWorker(rs.Workers, w.at, w.path, w.kind()); shared != nil {
		if w.socket != shared.socket {
			ctx.Warnf(n, "goes where line %s does, not to %s: the URLs behind the socket have to differ, in the host at least",
				shared.Line, p.URL)
		}
		if len(params) > 0 {
			ctx.Warnf(n, "%s has no effect, since the connection is that of %s of line %s; say it there",
				strings.Join(params, " "), shared.URL, shared.Line)
		}
		return nil
	}
	if err := w.Params.set(params); err != nil {
		return err
	}
	rs.Workers = append(rs.Workers, w)
	return nil
}

// compiledPass is a Pass that is ready to be asked.
type compiledPass struct {
	Pass
	place     place
	regexp    *regex.Regexp   // if Match
	guard     *expr.Condition // may be nil
	url       string          // without unix:
	socket    string
	origin    *origin // of all targets; nil if it is from the request, or can be none
	authority int     // where in url the origin ends, if there is one
	raw       bool    // nocanon
}

func (p *Pass) compile() (c compiledPass, err error) {
	c.Pass = *p
	if c.place, err = compileLocation(p.Location); err != nil {
		return c, err
	}
	if p.Match {
		if c.regexp, err = regex.Compile(p.Path, false); err != nil {
			return c, err
		}
	}
	if p.Guard != "" {
		if c.guard, err = expr.ParseCondition(p.Guard); err != nil {
			return c, fmt.Errorf("guard: %w", err)
		}
	}
	for param := range strings.FieldsSeq(p.Params) {
		switch param {
		case "nocanon":
			c.raw = true
		case "noquery": // 2.4.71 sends the query nevertheless
		default:
			return c, fmt.Errorf("%s is not a parameter of a rule; a worker may have it", param)
		}
	}
	if p.URL == "!" {
		return c, nil
	}
	var ok bool
	if c.socket, c.url, ok = cutSocket(p.URL); !ok {
		return c, fmt.Errorf("%s has to be of the form unix:/run/chat.sock|http://localhost/", p.URL)
	}
	scheme, rest, ok := strings.Cut(c.url, "://")
	if !ok {
		return c, fmt.Errorf("%s is not a URL, for example ws://localhost:8000/", p.URL)
	}
	if err := knownScheme(strings.ToLower(scheme)); err != nil {
		return c, err
	}
	authority, fixed := p.fixedAuthority(rest)
	if !fixed {
		return c, nil
	}
	// Without an origin, each request is told what is wrong with its URL.
	if o, bad := parseAuthority(strings.ToLower(scheme), authority); bad == nil {
		c.origin, c.authority = &o, len(scheme)+len("://")+len(authority)
	}
	return c, nil
}

// fixedAuthority is the authority that all targets have, of a URL without its
// scheme. There is none if it is from the request, as in ws://$1:5900/.
//
// In http://chat$1 it is chat if the group may have a slash in it: then it is a
// path that is meant. httpd takes what comes before the slash for a part of the
// host, and connects to chat.example.org if it is asked for .example.org/.
func (p *Pass) fixedAuthority(rest string) (authority string, fixed bool) {
	authority, _, hasPath := strings.Cut(rest, "/")
	at := reference(authority)
	if !p.Match || at < 0 {
		return authority, true
	}
	if hasPath || at == 0 {
		return "", false
	}
	return authority[:at], pathGroup(p.Path, int(authority[at+1]-'0'))
}

// pathGroup says whether a group of a regular expression is for a path: whether
// it begins with a slash or with anything.
func pathGroup(pattern string, group int) bool {
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\':
			i++
		case pattern[i] == '(' && !strings.HasPrefix(pattern[i:], "(?"):
			if group--; group == 0 {
				inside := strings.TrimPrefix(pattern[i+1:], `\`)
				return strings.HasPrefix(inside, "/") || strings.HasPrefix(inside, ".*") || strings.HasPrefix(inside, ".+")
			}
		}
	}
	return false
}

// reference is where the first $1 or the like is, -1 if there is none.
func reference(s string) int {
	for i := range len(s) - 1 {
		if s[i] == '$' && '0' <= s[i+1] && s[i+1] <= '9' {
			return i
		}
	}
	return -1
}

func (c *compiledPass) holds(r *request.Request) (bool, error) {
	if c.guard == nil {
		return true, nil
	}
	return c.guard.Holds(r)
}
