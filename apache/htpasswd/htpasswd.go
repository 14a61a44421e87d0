// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package htpasswd reads the files of AuthUserFile and AuthGroupFile, anew when
// they change, and verifies passwords by the hashes that httpd on Debian takes.
package htpasswd

import (
	"fmt"
	"sync"
)

// Files are the files in use, each read once for all who ask for it. It may be
// used by many goroutines.
type Files struct {
	mu        sync.Mutex
	passwords map[string]*Passwords
	groups    map[string]*Groups
}

// NewFiles returns Files without any file yet.
func NewFiles() *Files {
	return &Files{passwords: make(map[string]*Passwords), groups: make(map[string]*Groups)}
}

// Passwords returns the password file of that path. It is not opened before it
// is needed.
func (f *Files) Passwords(path string) *Passwords {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.passwords[path]
	if p == nil {
		p = &Passwords{file: file[users]{path: path, parse: parseUsers}, verified: newVerified()}
		f.passwords[path] = p
	}
	return p
}

// Groups returns the group file of that path.
func (f *Files) Groups(path string) *Groups {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.groups[path]
	if g == nil {
		g = &Groups{file: file[members]{path: path, parse: parseGroups}}
		f.groups[path] = g
	}
	return g
}

// Passwords is a password file.
type Passwords struct {
	file     file[users]
	verified *verified
}

// Check says whether the file has the user, and whether the password is right.
// The error is one of the file or of the user's entry; nobody has a right
// password then.
func (p *Passwords) Check(user, password string) (known, ok bool, err error) {
	all, err := p.file.content()
	if err != nil {
		return false, false, err
	}
	entry, known := all.entries[user]
	if !known {
		// An answer that comes sooner would tell which names there are.
		_, _ = verify(all.slowest, password)
		return false, false, nil
	}
	key := p.verified.key(user, entry, password)
	if p.verified.has(key) {
		return true, true, nil
	}
	ok, err = verify(entry, password)
	if err != nil {
		return true, false, fmt.Errorf("%s: user %q: %w", p.file.path, user, err)
	}
	if ok {
		p.verified.add(key)
	}
	return true, ok, nil
}

// Groups is a group file.
type Groups struct{ file file[members] }

// Member says whether a user is in one of the groups.
func (g *Groups) Member(user string, groups []string) (bool, error) {
	all, err := g.file.content()
	if err != nil {
		return false, err
	}
	for _, group := range groups {
		if all[membership{user, group}] {
			return true, nil
		}
	}
	return false, nil
}
