// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package directive is what all readers of directives have in common: where a
// directive stands, how warnings are given, and how arguments are taken.
package directive

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Place is where a directive stands.
type Place int

const (
	Server    Place = iota // outside all sections, or in <VirtualHost>
	Location               // <Location>, <LocationMatch>
	Directory              // <Directory>, <DirectoryMatch>, <Files>, <FilesMatch>
	Proxy                  // <Proxy>, <ProxyMatch>
	HTAccess               // a .htaccess file
	Condition              // <If>, <ElseIf>, <Else>
)

// Context is where a directive stands, and what holds for reading it.
type Context struct {
	Place Place

	// Path is that of the section, as written; of a .htaccess file its folder.
	Path string

	// Match says that Path is a regular expression, as in <LocationMatch>.
	Match bool

	// Strict refuses what httpd refuses, too.
	Strict bool

	// ServerRoot is where relative paths begin.
	ServerRoot string

	// Warn is told what httpd passes over and somebody may not have meant. It may
	// be nil.
	Warn func(syntax.Problem)
}

// Warnf gives a warning about a directive.
func (c *Context) Warnf(n *syntax.Node, format string, args ...any) {
	if c.Warn != nil {
		c.Warn(syntax.Problem{Position: n.Position, Message: fmt.Sprintf(format, args...)})
	}
}

// Line is how a directive is called in what the adapter prints and in logs: its
// file, without the folder, and its line.
func Line(n *syntax.Node) string {
	return path.Base(n.File) + ":" + strconv.Itoa(n.Line)
}

// Absolute is a path of the configuration as one that begins at the root.
func (c *Context) Absolute(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = c.ServerRoot + "/" + name
	}
	return path.Clean(name)
}

// Args makes sure that a directive has from least to most arguments; most below
// 0 is any number. The example is what would be right.
func Args(n *syntax.Node, least, most int, example string) error {
	switch {
	case len(n.Args) < least:
		return fmt.Errorf("%s needs more than that, for example: %s", n.Name, example)
	case most >= 0 && len(n.Args) > most:
		if strings.HasPrefix(n.Args[most], "#") {
			return fmt.Errorf("%s has a comment behind it; a # begins a comment at the start of a line only", n.Name)
		}
		return fmt.Errorf("%s has too many arguments from %q on; right would be, for example: %s", n.Name, n.Args[most], example)
	}
	return nil
}

// OnOff takes the first argument of a switch. Like httpd it passes over what is
// behind, as in RewriteEngine on # comment.
func OnOff(n *syntax.Node) (bool, error) {
	if err := Args(n, 1, -1, n.Name+" On"); err != nil {
		return false, err
	}
	switch strings.ToLower(n.Args[0]) {
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	return false, fmt.Errorf("%s must be On or Off, not %q", n.Name, n.Args[0])
}
