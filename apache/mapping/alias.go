// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Alias is an Alias or AliasMatch, or a ScriptAlias or ScriptAliasMatch.
type Alias struct {
	Line     string `json:"line,omitempty"`
	Location string `json:"location,omitempty"` // see location
	Match    bool   `json:"match,omitempty"`    // Path is a regular expression
	Path     string `json:"path,omitempty"`
	// File is an absolute path. In a <Location> it is an expression, and all of the
	// Location is that one file.
	File string `json:"file"`
	// Script says that what is there is a program. It is not run, and not shown.
	Script bool `json:"script,omitempty"`
}

func (rs *Rules) alias(ctx *directive.Context, n *syntax.Node) error {
	name := strings.ToLower(n.Name)
	a := Alias{Line: directive.Line(n), Match: strings.HasSuffix(name, "match"), Script: strings.HasPrefix(name, "script")}
	if err := directive.Args(n, 1, 2, "Alias /files /var/www/files"); err != nil {
		return err
	}
	if len(n.Args) == 1 {
		if ctx.Place != directive.Location || a.Match {
			return fmt.Errorf("%s needs a path and a file, for example: Alias /files /var/www/files", n.Name)
		}
		a.Location, a.File = location(ctx), n.Args[0]
	} else {
		if err := serverOnly(ctx, n); err != nil {
			return err
		}
		a.Path, a.File = n.Args[0], n.Args[1]
		if a.Path == "" {
			return fmt.Errorf("%s has an empty path", n.Name)
		}
		if !strings.HasPrefix(a.File, "/") && !strings.HasPrefix(a.File, "$") {
			a.File = strings.TrimSuffix(ctx.ServerRoot, "/") + "/" + a.File
		}
	}
	if _, err := a.compile(); err != nil {
		return err
	}
	if a.Location == "" && !a.Match {
		a.warnHidden(ctx, n, rs.Alias)
		if strings.HasSuffix(a.Path, "/") != strings.HasSuffix(a.File, "/") && a.Path != "/" {
			ctx.Warnf(n, "end the path and the file both with / or neither, or %s/x and %sx are not what they seem", strings.TrimSuffix(a.Path, "/"), a.File)
		}
	}
	if a.Script {
		ctx.Warnf(n, "%s: CGI is not run here, and what is there is answered with 403; use ProxyPass to what runs it", n.Name)
	}
	rs.Alias = append(rs.Alias, a)
	return nil
}

func (a *Alias) warnHidden(ctx *directive.Context, n *syntax.Node, earlier []Alias) {
	for _, e := range earlier {
		if e.Location == "" && !e.Match && prefix(a.Path, e.Path) > 0 {
			ctx.Warnf(n, "never reached: Alias %s of line %s comes first and takes %s, too", e.Path, e.Line, a.Path)
			return
		}
	}
}

// compiledAlias is an Alias that is ready to be asked.
type compiledAlias struct {
	Alias
	place  place
	regexp *regex.Regexp
	text   *expr.Text
}

func (a *Alias) compile() (c compiledAlias, err error) {
	c.Alias = *a
	if a.Location != "" {
		if c.text, err = expr.ParseText(a.File); err != nil {
			return c, fmt.Errorf("Alias %s: %w", a.File, err)
		}
		c.place, err = compileLocation(a.Location)
		return c, err
	}
	if a.Match {
		c.regexp, err = regex.Compile(a.Path, false)
	}
	return c, err
}

// file is the file of a request. It is empty if the alias does not hold.
func (c *compiledAlias) file(r *request.Request) (string, error) {
	var file string
	switch {
	case c.text != nil:
		in, err := c.place.has(r.URI)
		if err != nil || !in {
			return "", err
		}
		if file, err = c.text.Expand(r); err != nil {
			return "", err
		}
	case c.regexp != nil:
		match, err := c.regexp.Find(r.URI)
		if err != nil || match == nil {
			return "", err
		}
		file = substitute(c.File, r.URI, match)
	default:
		n := prefix(r.URI, c.Path)
		if n == 0 {
			return "", nil
		}
		file = c.File + r.URI[n:]
	}
	// AliasMatch ^/a(.*) /srv/$1 makes /a.. the folder around /srv. httpd would go
	// there and leave it to <Directory> whether that is allowed.
	if !strings.HasPrefix(file, "/") || strings.Contains(file+"/", "/../") {
		return "", &StatusError{http.StatusForbidden, fmt.Sprintf("Alias of line %s leads to %s", c.Line, file)}
	}
	if c.Script {
		return "", &StatusError{http.StatusForbidden, fmt.Sprintf("ScriptAlias of line %s: CGI is not run", c.Line)}
	}
	if strings.HasSuffix(file, "/") && file != "/" {
		return path.Clean(file) + "/", nil
	}
	return path.Clean(file), nil
}
