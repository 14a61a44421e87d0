// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"io/fs"
	"strings"
)

// conditional says whether a section is decided while the file is read.
func conditional(name string) bool {
	switch lower(name) {
	case "ifdefine", "ifdirective", "iffile", "ifmodule", "ifsection", "ifversion":
		return true
	}
	return false
}

// holds decides a conditional section. One that is wrong does not hold.
func (p *parser) holds(n *Node) bool {
	if lower(n.Name) == "ifversion" {
		return p.ifVersion(n)
	}
	condition, not := strings.CutPrefix(n.Raw, "!")
	what, rest := Word(condition)
	switch {
	case what == "":
		p.errorf(n.Position, "<%[1]s> needs something to look for: <%[1]s %[2]s>", n.Name, example(n.Name))
		return false
	case rest != "":
		p.warnf(n.Position, "<%s> looks for %s only, not for %s", n.Name, what, rest)
	}
	return p.finds(lower(n.Name), what) != not
}

func (p *parser) finds(condition, what string) bool {
	o := p.options
	switch condition {
	case "ifdefine":
		return p.defines.Defined(what)
	case "iffile":
		_, err := p.stat(p.absolute(what))
		return err == nil
	case "ifmodule":
		return o.Module != nil && o.Module(what)
	case "ifsection":
		what = "<" + what
	}
	return o.Directive != nil && o.Directive(lower(what))
}

func example(condition string) string {
	switch lower(condition) {
	case "ifdefine":
		return "NAME"
	case "iffile":
		return "/path"
	case "ifmodule":
		return "mod_ssl.c"
	case "ifsection":
		return "Location"
	}
	return "ProxyPass"
}

// stat looks for a file under its absolute path.
func (p *parser) stat(name string) (fs.FileInfo, error) {
	if p.options.FS == nil {
		return nil, fs.ErrNotExist
	}
	return fs.Stat(p.options.FS, inFS(name))
}

// inFS is what an fs.FS calls the file.
func inFS(name string) string {
	if name = strings.TrimPrefix(name, "/"); name == "" {
		return "."
	}
	return name
}
