// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// readers are the directives of this package, by their names in lower case.
var readers = map[string]func(*Rules, *directive.Context, *syntax.Node) error{
	"rewriteengine":  (*Rules).readEngine,
	"rewriteoptions": (*Rules).readOptions,
	"rewritebase":    (*Rules).readBase,
	"rewritemap":     (*Rules).readMap,
	"rewritecond":    (*Rules).readCond,
	"rewriterule":    (*Rules).readRule,
}

// Reads says whether a directive, in any case, is one of this package.
func Reads(name string) bool { return readers[strings.ToLower(name)] != nil }

// Directive takes one directive. What httpd would refuse is an error. Where its
// meaning is plain, it is a warning unless ctx.Strict is set.
func (rs *Rules) Directive(ctx *directive.Context, n *syntax.Node) error {
	read := readers[strings.ToLower(n.Name)]
	if read == nil {
		return fmt.Errorf("%s is not about rewriting", n.Name)
	}
	return read(rs, ctx, n)
}

// Finish ends the reading of a place.
func (rs *Rules) Finish(ctx *directive.Context) {
	if rs == nil {
		return
	}
	for _, c := range rs.pending {
		if ctx.Warn != nil {
			ctx.Warn(syntax.Problem{
				Position: c.position,
				Message:  "RewriteCond without a RewriteRule behind it, so it is about none",
			})
		}
	}
	rs.pending = nil
}

func (rs *Rules) readEngine(_ *directive.Context, n *syntax.Node) error {
	on, err := directive.OnOff(n)
	if err == nil {
		rs.Engine = &on
	}
	return err
}

var options = []string{
	"Inherit", "InheritBefore", "InheritDown", "InheritDownBefore", "IgnoreInherit",
	"AllowNoSlash", "AllowAnyURI", "MergeBase", "IgnoreContextInfo",
	"LegacyPrefixDocRoot", "UnsafePrefixStat",
}

func (rs *Rules) readOptions(ctx *directive.Context, n *syntax.Node) error {
	for _, word := range n.Args {
		if len(word) > 13 && strings.EqualFold(word[:13], "MaxRedirects=") {
			ctx.Warnf(n, "the option MaxRedirects no longer exists, and has no effect")
			continue
		}
		i := slices.IndexFunc(options, func(option string) bool { return strings.EqualFold(option, word) })
		if i < 0 {
			return fmt.Errorf("unknown option %q of RewriteOptions; there are %s", word, strings.Join(options, ", "))
		}
		if !rs.option(word) {
			rs.Options = append(rs.Options, options[i])
		}
	}
	return nil
}

func (rs *Rules) readBase(ctx *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, 1, "RewriteBase /app/"); err != nil {
		return err
	}
	switch {
	case ctx.Place == directive.Server && ctx.Strict:
		return errors.New("RewriteBase is for folders only: <Directory> or .htaccess")
	case ctx.Place == directive.Server:
		ctx.Warnf(n, "RewriteBase has no effect here, since it is for folders: <Directory> or .htaccess")
		return nil
	case !strings.HasPrefix(n.Args[0], "/"):
		return fmt.Errorf("RewriteBase needs a URL path that begins with /, not %q", n.Args[0])
	}
	rs.Base = n.Args[0]
	return nil
}

func (rs *Rules) readMap(ctx *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 2, 3, "RewriteMap hosts txt:/etc/apache2/hosts.txt"); err != nil {
		return err
	}
	if ctx.Place != directive.Server {
		return errors.New("RewriteMap is for servers only, outside all sections or in <VirtualHost>")
	}
	kind, source, err := parseSource(n.Args[1])
	if err != nil {
		return err
	}
	if kind != "int" {
		source = ctx.Absolute(source)
	}
	rs.Maps = append(rs.Maps, Map{Line: directive.Line(n), Name: n.Args[0], Type: kind, Source: source})
	return nil
}

func (rs *Rules) readCond(ctx *directive.Context, n *syntax.Node) error {
	test, rest, closed := word(n.Raw)
	if !closed {
		return errors.New("RewriteCond needs a text and a pattern, for example: RewriteCond %{HTTP:Upgrade} websocket [NC]")
	}
	pattern, rest, _ := word(rest)
	flags, rest, _ := word(rest)
	if operator, ok := apart(pattern, flags); ok && !ctx.Strict {
		ctx.Warnf(n, "httpd refuses %s and %s apart, and compares the text with %[1]s%[2]s by its length first; "+
			`this is taken for the comparison of numbers, "%[3]s %[2]s"`, pattern, flags, operator)
		pattern = operator + " " + flags
		flags, rest, _ = word(rest)
	}
	behind(ctx, n, rest)
	c := Condition{Line: directive.Line(n), Test: test, Pattern: pattern, Flags: flags, position: n.Position}
	_, warning, err := c.compile()
	if err != nil {
		return err
	}
	if warning != "" {
		ctx.Warnf(n, "%s", warning)
	}
	rs.pending = append(rs.pending, c)
	return nil
}

// apart finds an operator with a number apart from it, which httpd takes for
// flags, and returns the operator for numbers. Lab cases E5a, S4b.
func apart(pattern, number string) (operator string, ok bool) {
	digits := strings.TrimPrefix(number, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	pattern, not := strings.CutPrefix(pattern, "!")
	operator, ok = map[string]string{
		"<": "-lt", "<=": "-le", ">": "-gt", ">=": "-ge", "=": "-eq", "==": "-eq",
	}[pattern]
	if slices.Contains(integerOperators, pattern) {
		operator, ok = pattern, true
	}
	if not {
		operator = "!" + operator
	}
	return operator, ok
}

func (rs *Rules) readRule(ctx *directive.Context, n *syntax.Node) error {
	pattern, rest, closed := word(n.Raw)
	if !closed {
		return errors.New("RewriteRule needs a pattern and a substitution, for example: RewriteRule ^/ws/(.*) ws://localhost:8080/$1 [P]")
	}
	substitution, rest, _ := word(rest)
	flags, rest, _ := word(rest)
	behind(ctx, n, rest)
	r := Rule{Line: directive.Line(n), Conditions: rs.pending, Pattern: pattern, Substitution: substitution, Flags: flags}
	if _, err := r.compile(); err != nil {
		return err
	}
	warnOfPlace(ctx, n, pattern)
	rs.pending = nil
	rs.Rules = append(rs.Rules, r)
	return nil
}

// warnOfPlace warns of rules that do something else than in a server.
func warnOfPlace(ctx *directive.Context, n *syntax.Node, pattern string) {
	switch ctx.Place {
	case directive.Directory, directive.HTAccess:
		pattern, not := strings.CutPrefix(pattern, "!")
		if !strings.HasPrefix(pattern, "^/") || strings.HasPrefix(pattern, "^/?") || strings.HasPrefix(pattern, "^/*") || strings.Contains(pattern, "|") {
			return
		}
		if not {
			ctx.Warnf(n, "the pattern !%s always matches here: a path in a folder has no / in front", pattern)
			return
		}
		ctx.Warnf(n, "the pattern %s never matches here: a path in a folder has no / in front; right would be ^%s", pattern, pattern[2:])
	case directive.Location, directive.Proxy, directive.Condition:
		ctx.Warnf(n, "httpd's manual does not support RewriteRule here: the pattern finds a file such as /var/www/html/ws, "+
			"or proxy:http://… of a ProxyPass, not the path, so ^ is at another place; it belongs outside the section")
	}
}

// behind warns of what is behind the flags.
func behind(ctx *directive.Context, n *syntax.Node, rest string) {
	if rest != "" {
		ctx.Warnf(n, "%s passes over what is behind the flags: %s", n.Name, rest)
	}
}
