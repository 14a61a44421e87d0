// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/access"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
)

// entry is whom a tree of Require lets in, as far as a Caddyfile can say it: who
// comes from an address of each list in from, and from none in except, and logs in.
type entry struct {
	from   [][]string
	except []string
	login  bool
	users  []string // that may log in; none: all that can
	either bool     // an address or a login is enough
}

// guard keeps out of a place whom its Require does not let in, but for what later
// sections speak of.
func (b *site) guard(section config.Section, paths string, later []config.Section) {
	r := section.Access
	e, ok := entryOf(r.Require)
	if !ok || len(r.Order)+len(r.Allow)+len(r.Deny)+len(r.Satisfy) > 0 || r.RequireSSL || strings.EqualFold(r.Merging, "Or") {
		b.keepOutOf(section.Line, "<Location "+section.Path+">", paths) // Order and SSLRequireSSL hold in later ones, too
		return
	}
	where := append([]string{"path " + paths}, elsewhere(section, later)...)
	b.linef("# %s", section.Line)
	if e.either {
		b.login(section, append(where, notFrom(e.from[0])...), e.users)
		return
	}
	for _, list := range e.from {
		b.refuseAt(append(slices.Clone(where), notFrom(list)...))
	}
	if len(e.except) > 0 {
		b.refuseAt(append(slices.Clone(where), "client_ip "+strings.Join(e.except, " ")))
	}
	if e.login {
		b.login(section, where, e.users)
	}
}

func notFrom(list []string) []string {
	if len(list) == 0 {
		return nil // nobody comes from there
	}
	return []string{"not client_ip " + strings.Join(list, " ")}
}

func (b *site) refuseAt(where []string) {
	b.linef("respond %s 403", b.define(where))
}

// define writes a matcher of such lines, and returns its name.
func (b *site) define(lines []string) string {
	name := b.matcher()
	if len(lines) == 1 {
		b.linef("%s %s", name, lines[0])
	} else {
		b.linef("%s {\n%s\n}", name, strings.Join(lines, "\n"))
	}
	return name
}

// elsewhere leaves out of a matcher of a section what later ones speak of: their
// Require counts in the place of its own. Like httpd it tells upper and lower case
// apart, which the matcher path does not.
func elsewhere(section config.Section, later []config.Section) (lines []string) {
	for _, s := range later {
		if _, located := locationPaths(s); !located || s.Access == nil || s.Access.Require == nil || strings.EqualFold(s.Access.Merging, "And") {
			continue
		}
		if !strings.HasPrefix(s.Path, section.Path) && !strings.HasPrefix(section.Path, s.Path) {
			continue
		}
		if word, ok := expression(below(s.Path), false); ok { // or this one's counts, too
			lines = append(lines, "not path_regexp "+word)
		}
	}
	return lines
}

func entryOf(q *access.Require) (e entry, ok bool) {
	if q == nil {
		return e, false
	}
	q = only(q)
	if len(q.Any) > 0 {
		from, others, ok := addressesAmong(q.Any)
		e.from = [][]string{from}
		for _, one := range others {
			ok = ok && (one.ValidUser || len(one.User) > 0) && e.add(one)
		}
		e.either = e.login && len(from) > 0
		if e.login && !e.either {
			e.from = nil
		}
		return e, ok
	}
	all := q.All
	if len(all) == 0 {
		all = []*access.Require{q}
	}
	for _, one := range all {
		if !e.add(only(one)) {
			return e, false
		}
	}
	return e, true
}

// only is what a section of one Require is about.
func only(q *access.Require) *access.Require {
	for len(q.Any) == 1 && len(q.Limit)+len(q.Except) == 0 && !q.Not {
		q = q.Any[0]
	}
	return q
}

// add adds what has to hold, too. It reports whether that can be said.
func (e *entry) add(q *access.Require) bool {
	switch {
	case len(q.Limit)+len(q.Except)+len(q.All)+len(q.None) > 0:
		return false
	case len(q.Any) > 0:
		from, others, ok := addressesAmong(q.Any)
		e.from = append(e.from, from)
		return ok && len(others) == 0 && !q.Not
	case len(q.IP) > 0 || q.Local:
		from, _, ok := addressesAmong([]*access.Require{{IP: q.IP, Local: q.Local}})
		if q.Not {
			e.except = append(e.except, from...)
		} else {
			e.from = append(e.from, from)
		}
		return ok
	case q.Not:
		return false
	case q.AllGranted:
		return true
	case q.AllDenied:
		e.from = append(e.from, nil)
		return true
	case q.ValidUser:
		e.login = true
		return len(e.users) == 0
	case len(q.User) > 0:
		known := e.login
		e.login, e.users = true, q.User
		return !known
	}
	return false
}

// addressesAmong are those of which each is enough, and what is none.
func addressesAmong(list []*access.Require) (from []string, others []*access.Require, ok bool) {
	ok = true
	for _, one := range list {
		switch {
		case one.Not || len(one.Limit)+len(one.Except) > 0:
			ok = false
		case len(one.IP) > 0:
			ips, known := ranges(one.IP)
			ok = ok && known
			from = append(from, ips...)
		case one.Local:
			from = append(from, "127.0.0.0/8", "::1")
		case one.AllDenied:
		default:
			others = append(others, one)
		}
	}
	return from, others, ok
}

var bcryptHash = regexp.MustCompile(`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`)

// login writes basic_auth with the users of a password file, as they are now; of
// those, if only some may log in.
func (b *site) login(section config.Section, where, only []string) {
	text, err := os.ReadFile(section.Access.UserFile)
	var users []string
	for entry := range strings.SplitSeq(string(text), "\n") {
		user, hash, ok := strings.Cut(strings.TrimSpace(entry), ":")
		if !ok || strings.HasPrefix(user, "#") || len(only) > 0 && !slices.Contains(only, user) {
			continue
		}
		if !bcryptHash.MatchString(hash) {
			b.not(section.Line, "the password of "+user+" is not stored with bcrypt; make it anew by caddy hash-password")
			continue
		}
		users = append(users, token(user)+" "+hash)
	}
	if err != nil || len(users) == 0 || !strings.EqualFold(section.Access.AuthType, "Basic") || section.Access.AuthName == "" {
		b.not(section.Line, "the users of "+section.Access.UserFile+" could not be taken over, so everybody is kept out")
		b.refuseAt(where)
		return
	}
	b.linef("basic_auth %s bcrypt %s {\n%s\n}", b.define(where), token(section.Access.AuthName), strings.Join(users, "\n"))
}
