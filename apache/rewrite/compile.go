// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// CompileOptions are what rules cannot say of the server that they are for. The
// zero value will do for a server without ServerAlias.
type CompileOptions struct {
	// Server is, for the rules of a folder, the engine of the server, whose maps are
	// the folder's, too.
	Server *Engine

	// OwnName says whether a host is a name of the server, so that a URL with it
	// need not be a redirect. If it is nil, only ServerName is one.
	OwnName func(host string) bool

	// Lookup is for the conditions -U and -F: the status that a request for the URL
	// path, or for the file, would be answered with. Without it they are errors.
	Lookup func(r *request.Request, name string, file bool) (status int, err error)
}

// Engine is rules that are ready to run. It may be used by many goroutines. A nil
// one, or one that is off, changes nothing.
type Engine struct {
	on    bool
	base  string
	rules []*rule
	maps  map[string]lookup

	server  *Engine
	ownName func(string) bool
	lookup  func(*request.Request, string, bool) (int, error)

	anyURI        bool // RewriteOptions AllowAnyURI
	noSlash       bool // AllowNoSlash
	anyPrefix     bool // UnsafePrefixStat
	legacyRoot    bool // LegacyPrefixDocRoot
	ignoreContext bool // IgnoreContextInfo
}

// rule is a RewriteRule, ready to run.
type rule struct {
	flags
	written    Rule
	line       string
	pattern    *regex.Regexp
	not        bool
	conditions []*condition

	keep         bool   // the substitution is -: nothing is substituted
	noQuery      bool   // there is no query string, whatever comes out
	twoSlashes   bool   // the substitution begins with //, which is meant
	text         string // the substitution as written
	substitution template
}

// Compile makes rules ready to run. An error names the line.
func (rs *Rules) Compile(o CompileOptions) (*Engine, error) {
	e := &Engine{
		on:            rs.Engine != nil && *rs.Engine,
		base:          rs.Base,
		maps:          make(map[string]lookup, len(rs.Maps)),
		server:        o.Server,
		ownName:       o.OwnName,
		lookup:        o.Lookup,
		anyURI:        rs.option("AllowAnyURI"),
		noSlash:       rs.option("AllowNoSlash"),
		anyPrefix:     rs.option("UnsafePrefixStat"),
		legacyRoot:    rs.option("LegacyPrefixDocRoot"),
		ignoreContext: rs.option("IgnoreContextInfo"),
	}
	for _, m := range rs.Maps {
		opened, err := m.open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Line, err)
		}
		e.maps[m.Name] = opened
	}
	for _, r := range rs.Rules {
		compiled, err := r.compile()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Line, err)
		}
		for i, c := range r.Conditions {
			condition, _, err := c.compile()
			if err == nil && (condition.op == "-U" || condition.op == "-F") && o.Lookup == nil {
				err = errNoLookup
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.Conditions[i].Line, err)
			}
			compiled.conditions = append(compiled.conditions, condition)
		}
		e.rules = append(e.rules, compiled)
	}
	return e, nil
}

// compile makes a rule ready, but not its conditions.
func (r Rule) compile() (*rule, error) {
	f, err := parseFlags(r.Flags)
	if err != nil {
		return nil, err
	}
	pattern, not := strings.CutPrefix(r.Pattern, "!")
	compiled := &rule{flags: f, written: r, line: r.Line, not: not, keep: r.Substitution == "-" || f.status != 0}
	if compiled.pattern, err = regex.Compile(pattern, f.noCase); err != nil {
		return nil, err
	}
	text := r.Substitution
	switch {
	case strings.HasSuffix(text, "?") && f.qsAppend:
		compiled.qsLast = true
	case strings.HasSuffix(text, "?"):
		compiled.noQuery = true
		text = strings.TrimSuffix(text, "?")
	case f.qsDiscard && !strings.Contains(text, "?"):
		compiled.noQuery = true
	}
	compiled.text = text
	compiled.twoSlashes = strings.HasPrefix(text, "//")
	compiled.substitution = parseTemplate(text)
	return compiled, nil
}

// lookUp looks up a key in a map. One that does not exist has nothing in it.
func (e *Engine) lookUp(name, key string) (string, bool) {
	for ; e != nil; e = e.server {
		if m := e.maps[name]; m != nil {
			return m.lookUp(key)
		}
	}
	return "", false
}
