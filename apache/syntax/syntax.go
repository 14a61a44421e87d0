// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package syntax reads Apache httpd's configuration language: it turns files
// into the tree of directives that httpd 2.4 would execute.
//
// All that httpd does while it reads is done here: lines are joined and split
// into words, variables replaced, conditional sections such as <IfModule>
// decided, included files put in place. What a directive means, which exist and
// where they may stand is the caller's business.
//
// Where httpd's manual and httpd differ, this is what httpd 2.4.71 does. Some
// faults that httpd passes over in silence are warnings, and a NUL byte, behind
// which it loses the rest of a line, is an error.
package syntax

import (
	"io/fs"
	"path"
	"strings"
)

// DefaultVersion is the version of httpd that this package follows.
const DefaultVersion = "2.4.71"

// Options are what a file cannot say about the machine it is on. The zero value
// is a machine without files, modules and variables.
type Options struct {
	// FS holds the files to be included. It has the root directory at its root, as
	// os.DirFS("/") has.
	FS fs.FS

	// ServerRoot is where relative paths begin, until a directive ServerRoot says
	// otherwise. If it is empty they begin in the folder of the file that is parsed.
	ServerRoot string

	// Missing may supply the text of an included file that does not exist.
	// See CertbotFile.
	Missing func(path string) (text []byte, ok bool)

	// Defines are the variables defined before the file begins.
	Defines Defines

	// LookupEnv finds variables that are not defined, as os.LookupEnv does.
	LookupEnv func(name string) (value string, ok bool)

	// Module says whether <IfModule> finds a module. It is asked for names of both
	// forms, mod_ssl.c and ssl_module, in the case they are written in.
	Module func(name string) bool

	// Restricts says whether a directive with these arguments keeps somebody out.
	// Where <IfModule> does not find a module, one such is an error: httpd may have
	// the module. Nil: none does.
	Restricts func(name, args string) bool

	// Directive says whether <IfDirective> or <IfSection> finds a directive. Names
	// are in lower case, and those of sections begin with <.
	Directive func(name string) bool

	// Version is what <IfVersion> compares with, three numbers and perhaps a suffix.
	// If it is empty it is DefaultVersion.
	Version string

	// HTAccess is for .htaccess files, in which httpd has neither Include nor
	// Define, and lines of at most 8 KiB.
	HTAccess bool
}

// Config is a file that was parsed, with all that it includes.
type Config struct {
	// Nodes are the directives and sections outside any section, in the order of
	// execution. What has done its work while the files were read is not among them:
	// conditional sections (their content is), Include, Define.
	Nodes []*Node

	// Warnings are what httpd passes over, or logs, and somebody may not have meant.
	// They are at most 100.
	Warnings []Problem

	// Defines are the variables at the end of the file. They are the ones to begin
	// a .htaccess file with.
	Defines Defines
}

// Parse reads the text of the file called name, and what it includes. The name
// is for messages and for finding files beside it, which takes an absolute one.
// The error, if there is one, is of type Errors; what could be read is returned
// beside it.
func Parse(name string, text []byte, o Options) (*Config, error) {
	p := &parser{
		options: o,
		root:    o.ServerRoot,
		defines: o.Defines.clone(),
		left:    maxText,
	}
	if p.root == "" {
		p.root = path.Dir(name)
	}
	var nodes []*Node
	p.file(name, text, &nodes)
	c := &Config{Nodes: nodes, Warnings: p.warnings, Defines: p.defines}
	if len(p.errors) > 0 {
		return c, p.errors
	}
	return c, nil
}

// parser is what holds across the files of one Parse.
type parser struct {
	options  Options
	root     string // of relative paths
	defines  Defines
	reading  []reading       // the files that are open, each included by the one before
	changes  int             // of anything that may decide otherwise when a file is read again
	left     int             // bytes that may still be used, see take
	unknown  map[string]bool // variables that were warned of
	stopped  bool
	errors   Errors
	warnings []Problem
}

const (
	// maxText is what the text of all files, as often as they are included, and of
	// all variables, as often as they are replaced, may amount to. It bounds what a
	// hostile file costs; the largest configurations of hosters have a few megabytes.
	maxText = 32 << 20

	// nodeCost is charged for a node or an opened file, since many of them would
	// take more memory than the text they are from.
	nodeCost = 64
)

// take says whether n more bytes may be used, and stops the parser otherwise.
func (p *parser) take(n int, at Position) bool {
	if p.left -= n; p.left < 0 {
		p.fatal(at, "the configuration has more than %d MiB with all that is included and replaced", maxText>>20)
	}
	return !p.stopped
}

// absolute makes a path of the configuration one that does not depend on where
// it stands.
func (p *parser) absolute(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = p.root + "/" + name
	}
	return path.Clean(name)
}

// move makes relative paths begin at root.
func (p *parser) move(root string) {
	if p.root != root {
		p.root = root
		p.changes++
	}
}
