// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
)

// layer is a section or a .htaccess file that is ready to be merged.
type layer struct {
	id      uint32
	walk    walk
	dir     *config.Dir
	kind    directive.Place
	path    string // of a Location, for its rewriting
	folder  string // of a Directory or a .htaccess file
	matcher config.Matcher
	files   []*layer   // <Files> sections in it
	ifs     [][]*layer // <If> sections in it, each with its <ElseIf> and <Else>

	line, name string // for notes
}

// walk is one of httpd's rounds through sections of a kind. What is merged in it
// goes over what was before.
type walk int

const (
	proxyWalk walk = iota
	directoryWalk
	filesWalk
	locationWalk
	ifWalk // and each level of <If> in <If> by itself
)

// serverLayers are the sections of a server in the order in which they hold.
type serverLayers struct {
	proxy     []*layer
	directory []*layer // by the number of folders in their path, then those by expression
	files     []*layer
	location  []*layer
	ifs       [][]*layer
}

func (ps *places) addSections(sections []config.Section) error {
	for i := range sections {
		l, err := ps.newLayer(&sections[i], nil)
		if err != nil {
			return err
		}
		switch kind := sections[i].Kind; kind {
		case "proxy", "proxymatch":
			ps.layers.proxy = append(ps.layers.proxy, l)
		case "directory", "directorymatch":
			ps.layers.directory = append(ps.layers.directory, l)
		case "files", "filesmatch":
			ps.layers.files = append(ps.layers.files, l)
		case "location", "locationmatch":
			ps.layers.location = append(ps.layers.location, l)
		default:
			ps.layers.ifs = addCondition(ps.layers.ifs, kind, l)
		}
		// A section that cannot be compiled is an error when the config is loaded, and
		// not when somebody asks for what is in it.
		if _, err := ps.compile(l.dir, l.folder, l.path); err != nil {
			return fmt.Errorf("%s: <%s %s>: %w", sections[i].Line, sections[i].Kind, sections[i].Path, err)
		}
	}
	slices.SortStableFunc(ps.layers.directory, func(a, b *layer) int { return depth(a) - depth(b) })
	return nil
}

// depth orders <Directory> sections: shorter paths first, and those by expression
// behind all others.
func depth(l *layer) int {
	if l.folder == "" {
		return 1 << 20
	}
	return strings.Count(l.folder, "/")
}

// addCondition puts an <If> behind those before, and an <ElseIf> or <Else> with
// the <If> that it belongs to.
func addCondition(ifs [][]*layer, kind string, l *layer) [][]*layer {
	if kind == "if" || len(ifs) == 0 {
		return append(ifs, []*layer{l})
	}
	ifs[len(ifs)-1] = append(ifs[len(ifs)-1], l)
	return ifs
}

// newLayer makes a layer of a section, which may be in another one.
func (ps *places) newLayer(s *config.Section, outer *layer) (*layer, error) {
	matcher, err := config.Compile(*s)
	if err != nil {
		return nil, fmt.Errorf("%s: <%s %s>: %w", s.Line, s.Kind, s.Path, err)
	}
	l := &layer{
		dir: &s.Dir, matcher: matcher, kind: directive.Directory, walk: directoryWalk,
		line: s.Line, name: sectionName(s),
	}
	level := ifWalk
	if outer != nil {
		l.folder = outer.folder
		level = max(level, outer.walk+1)
	}
	switch s.Kind {
	case "location", "locationmatch":
		l.kind, l.walk, l.path = directive.Location, locationWalk, s.Path
	case "directory":
		l.folder = strings.TrimSuffix(s.Path, "/") + "/"
	case "files", "filesmatch":
		l.walk = filesWalk
	case "proxy", "proxymatch":
		l.kind, l.walk = directive.Proxy, proxyWalk
	case "if", "elseif", "else":
		l.kind, l.walk = directive.Condition, level
	}
	return l, ps.addInner(l)
}

// sectionName is a section as it is written.
func sectionName(s *config.Section) string {
	kind, match := strings.CutSuffix(s.Kind, "match")
	name := "<" + strings.ToUpper(kind[:1]) + kind[1:]
	switch {
	case match:
		name += "Match"
	case kind == "elseif":
		name = "<ElseIf"
	}
	if s.Path == "" {
		return name + ">"
	}
	return name + " " + s.Path + ">"
}

// addInner makes layers of the sections in a section.
func (ps *places) addInner(l *layer) error {
	ps.mu.Lock()
	ps.nextID++
	l.id = ps.nextID
	ps.mu.Unlock()
	for i := range l.dir.Sections {
		s := &l.dir.Sections[i]
		inner, err := ps.newLayer(s, l)
		if err != nil {
			return err
		}
		if s.Kind == "files" || s.Kind == "filesmatch" {
			l.files = append(l.files, inner)
		} else {
			l.ifs = addCondition(l.ifs, s.Kind, inner)
		}
	}
	return nil
}
