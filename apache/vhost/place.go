// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/access"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/envif"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/header"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/rewrite"
)

// place is what holds for a request: the server and all sections that it is in,
// merged and compiled.
type place struct {
	dir       *config.Dir
	env       *envif.Setter
	rewriting *rewrite.Engine
	redirects *mapping.Mapper
	guard     *access.Guard
	editor    *header.Editor

	// folder is where the rewriting rules are from: a folder with a slash at its
	// end, or empty for a Location, whose path location is.
	folder, location string
}

// places finds the place of a request. Places are made when they are first asked
// for, and kept: a site has few of them.
type places struct {
	server   *Handler
	env      *envif.Setter // SetEnvIf of the server itself, which comes first
	base     *place        // the server without its sections
	layers   serverLayers
	htaccess *htaccess // nil: there is no place for one

	mu     sync.RWMutex
	known  map[string]*place // by the ids of their layers; guarded by mu
	nextID uint32            // guarded by mu
}

// maxPlaces bounds what .htaccess files that are changed again and again leave
// behind.
const maxPlaces = 1024

func newPlaces(h *Handler) (*places, error) {
	ps := &places{server: h, known: make(map[string]*place)}
	base := h.Dir
	base.Rewrite, base.Mapping, base.Sections = h.Rewrite.Folder(), nil, nil
	if h.Env != nil {
		own := &envif.Rules{If: h.Env.If}
		var err error
		if ps.env, err = own.Compile(); err != nil {
			return nil, err
		}
		base.Env = &envif.Rules{Fixed: h.Env.Fixed}
	}
	var err error
	if ps.base, err = ps.compile(&base, "", ""); err != nil {
		return nil, err
	}
	if err := ps.addSections(h.Sections); err != nil {
		return nil, err
	}
	ps.htaccess = newHTAccess(h, ps)
	return ps, nil
}

// find returns the place of a request that has been mapped.
func (ps *places) find(x *exchange) (*place, error) {
	var space [16]*layer
	var conditions [8][]*layer
	layers, ifs := space[:0], append(conditions[:0], ps.layers.ifs...)
	add := func(l *layer) {
		layers = append(layers, l)
		ifs = append(ifs, l.ifs...)
		if x.trial != nil {
			x.note(l.line, l.name, "", true, "")
		}
	}
	addMatching := func(from []*layer, name string) error {
		for _, l := range from {
			switch ok, err := l.matcher.Matches(name); {
			case err != nil:
				return failed(err)
			case ok:
				add(l)
			}
		}
		return nil
	}
	if x.target != nil {
		if err := addMatching(ps.layers.proxy, strings.TrimPrefix(x.req.Filename, "proxy:")); err != nil {
			return nil, err
		}
	} else if x.req.Filename != "" {
		if err := ps.addFolders(x, add); err != nil {
			return nil, err
		}
		folders := slices.Clone(layers)
		if err := addMatching(ps.layers.files, x.req.Filename); err != nil {
			return nil, err
		}
		for _, l := range folders {
			if err := addMatching(l.files, x.req.Filename); err != nil {
				return nil, err
			}
		}
	}
	if err := addMatching(ps.layers.location, x.req.URI); err != nil {
		return nil, err
	}
	// An <If> in one that holds comes behind all of those around it.
	for len(ifs) > 0 {
		level := ifs
		ifs = nil
		for _, chain := range level {
			l, err := holding(chain, x)
			if err != nil {
				return nil, err
			}
			if l != nil {
				add(l)
			}
		}
	}
	return ps.merged(layers)
}

// holding returns the first section of an <If> with its <ElseIf> and <Else> whose
// condition holds; nil if none does.
func holding(chain []*layer, x *exchange) (*layer, error) {
	for _, l := range chain {
		if l.matcher.Condition == nil {
			return l, nil
		}
		if ok, err := l.matcher.Condition.Holds(x.req); err != nil {
			return nil, failed(err)
		} else if ok {
			return l, nil
		}
	}
	return nil, nil
}

// addFolders adds the <Directory> sections of a file and the .htaccess files on
// the way to it, the outermost first.
func (ps *places) addFolders(x *exchange, add func(*layer)) error {
	filename := x.req.Filename
	at := 0
	sections := func(folder string, last bool) error {
		for ; at < len(ps.layers.directory); at++ {
			l := ps.layers.directory[at]
			if !last && depth(l) > strings.Count(folder, "/") {
				return nil
			}
			switch ok, err := l.matcher.Matches(filename); {
			case err != nil:
				return failed(err)
			case ok:
				add(l)
			}
		}
		return nil
	}
	if ps.htaccess != nil {
		if err := ps.htaccess.walk(filename, sections, add); err != nil {
			return err
		}
	}
	return sections(filename, true)
}

// merged returns the place of layers, each of which goes over those before.
func (ps *places) merged(layers []*layer) (*place, error) {
	if len(layers) == 0 {
		return ps.base, nil
	}
	var space [128]byte
	key := space[:0]
	for _, l := range layers {
		key = binary.BigEndian.AppendUint32(key, l.id)
	}
	ps.mu.RLock()
	p := ps.known[string(key)]
	ps.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	dir, folder, location := ps.base.dir, "", ""
	for _, l := range layers {
		dir = config.Merge(dir, l.dir, l.kind)
		if l.dir.Rewrite != nil {
			folder, location = l.folder, l.path
		}
	}
	dir.Access = ps.mergeAccess(layers)
	p, err := ps.compile(dir, folder, location)
	if err != nil {
		return nil, failed(err)
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if len(ps.known) >= maxPlaces {
		clear(ps.known)
	}
	ps.known[string(key)] = p
	return p, nil
}

// mergeAccess merges what layers say of who may: those of a walk first, and then
// the walks, which makes a difference with AuthMerging.
func (ps *places) mergeAccess(layers []*layer) *access.Rules {
	rules := ps.base.dir.Access
	for len(layers) > 0 {
		walk := layers[0].walk
		var own *access.Rules
		for len(layers) > 0 && layers[0].walk == walk {
			own = access.Merge(own, layers[0].dir.Access)
			layers = layers[1:]
			if walk == proxyWalk {
				break // mod_proxy merges each with what was before
			}
		}
		rules = access.Merge(rules, own)
	}
	return rules
}

// compile makes what was merged ready to run.
func (ps *places) compile(dir *config.Dir, folder, location string) (p *place, err error) {
	p = &place{dir: dir, folder: folder, location: location}
	if p.env, err = dir.Env.Compile(); err != nil {
		return nil, err
	}
	if dir.Rewrite != nil && len(dir.Rewrite.Rules) > 0 {
		if p.rewriting, err = dir.Rewrite.Compile(rewrite.CompileOptions{Server: ps.server.rewriting, OwnName: ps.server.ownName}); err != nil {
			return nil, err
		}
	}
	if dir.Mapping != nil {
		if p.redirects, err = dir.Mapping.Compile(); err != nil {
			return nil, err
		}
	}
	if dir.Access != nil {
		if p.guard, err = dir.Access.Compile(access.Options{}); err != nil {
			return nil, err
		}
	}
	if dir.Header != nil {
		if p.editor, err = dir.Header.Compile(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// folderURI is the URL path of the folder that the rewriting rules are from.
func (x *exchange) folderURI() string {
	p := x.place
	if p.folder == "" {
		return p.location
	}
	// What of the file is below the folder is below it in the path, too.
	rest, ok := strings.CutPrefix(x.req.Filename, p.folder)
	if !ok {
		return ""
	}
	uri, ok := strings.CutSuffix(x.req.URI, rest)
	if !ok {
		return ""
	}
	return uri
}
