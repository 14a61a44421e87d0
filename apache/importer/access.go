// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/access"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
)

// access writes what sections ask of visitors. Where that cannot be said, nobody is
// let in.
func (b *site) access() {
	if t := b.s.TLS; t != nil {
		if _, ok := clientAuth(t); !ok {
			b.keepOut(b.s.Line, "SSLVerifyClient "+t.VerifyClient)
		}
	}
	for _, section := range b.s.Sections {
		title := "<" + section.Kind + " " + section.Path + ">"
		paths, located := locationPaths(section)
		asks, more := section.Access != nil && !open(section.Access), hidden(&section.Dir)
		switch {
		case !asks && !more, aboutFiles(section), isProxy(section) && !more && onlyOrder(section.Access):
		case !located:
			b.keepOut(section.Line, title)
		case more:
			b.keepOutOf(section.Line, title, paths)
		default:
			b.guard(section, paths)
		}
	}
}

// hidden says whether there is access control of which only the adapter knows: by
// client certificates, rewriting, or in sections within.
func hidden(d *config.Dir) bool {
	if d.TLS != nil && d.TLS.VerifyClient != "" && d.TLS.VerifyClient != "none" || refusesAny(d.Rewrite) {
		return true
	}
	return slices.ContainsFunc(d.Sections, func(s config.Section) bool {
		return s.Access != nil && !open(s.Access) || hidden(&s.Dir)
	})
}

// keepOut closes a site whose access control is not said.
func (b *site) keepOut(line, what string) {
	b.not(line, what+": its access control is not said, so everybody is kept out of the site")
	b.linef("respond 403")
}

// keepOutOf closes some paths.
func (b *site) keepOutOf(line, what, paths string) {
	b.not(line, what+": its access control is not said, so everybody is kept out")
	b.linef("%s path %s\nrespond %[1]s 403", b.matcher(), paths)
}

func isProxy(s config.Section) bool { return s.Kind == "proxy" || s.Kind == "proxymatch" }

func aboutFiles(s config.Section) bool {
	return slices.Contains([]string{"directory", "directorymatch", "files", "filesmatch"}, s.Kind)
}

// files serves those of the document root, unless it is not said who may have them.
func (b *site) files() {
	for _, s := range b.s.Sections {
		if aboutFiles(s) && (s.Access != nil && !open(s.Access) || hidden(&s.Dir) || s.Files.Overrides()) {
			b.not(s.Line, "<"+s.Kind+" "+s.Path+">: its access control, or what .htaccess files have of it, is not said, so no file is served")
			b.linef("respond 403")
			return
		}
	}
	if m := b.s.Mapping; m != nil {
		for _, a := range m.Alias {
			if a.Script && (a.Match || a.Location != "") {
				b.not(a.Line, "ScriptAlias "+a.File+": where the programs are is not said, so no file is served")
				b.linef("respond 403")
				return
			}
		}
	}
	b.linef("file_server {\nhide .ht* %s\n}", strings.Join(b.programs(), " "))
}

// programs are the files that httpd runs, and that would be shown.
func (b *site) programs() []string {
	names := []string{"*.php", "*.phtml", "*.phar", "*.cgi", "*.fcgi"}
	for _, extension := range handled(&b.s.Dir) {
		pattern := anyCase(extension)
		names = append(names, token("*."+pattern), token("*."+pattern+".*"))
	}
	if m := b.s.Mapping; m != nil {
		for _, a := range m.Alias {
			if a.Script {
				names = append(names, token(strings.TrimSuffix(a.File, "/")))
			}
		}
	}
	return names
}

// handled are the extensions that AddHandler has something run anywhere in a place.
func handled(d *config.Dir) (extensions []string) {
	if d.Files != nil {
		for extension, handler := range d.Files.Handlers {
			if handler != "" {
				extensions = append(extensions, extension)
			}
		}
	}
	for _, section := range d.Sections {
		extensions = append(extensions, handled(&section.Dir)...)
	}
	slices.Sort(extensions)
	return slices.Compact(extensions)
}

// anyCase is a pattern for a text in upper and lower case: httpd does not tell them
// apart in extensions, and hide does.
func anyCase(text string) string {
	var pattern strings.Builder
	for _, r := range text {
		if lower, upper := unicode.ToLower(r), unicode.ToUpper(r); lower != upper {
			pattern.WriteString("[" + string(lower) + string(upper) + "]")
		} else {
			pattern.WriteString(quoteGlob.Replace(string(r)))
		}
	}
	return pattern.String()
}

var quoteGlob = strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`)

// open says whether rules let everybody pass.
func open(r *access.Rules) bool {
	q := r.Require
	for q != nil && len(q.Any) == 1 {
		q = q.Any[0]
	}
	return q != nil && q.AllGranted && len(r.Order)+len(r.Deny) == 0 && !r.RequireSSL
}

func (b *site) guard(section config.Section, paths string) {
	r := section.Access
	q := r.Require
	simple := len(r.Order)+len(r.Allow)+len(r.Deny)+len(r.Satisfy) == 0 && !r.RequireSSL && q != nil && len(q.All)+len(q.None) == 0
	var allowed []string
	login := false
	if simple {
		for _, one := range q.Any {
			switch {
			case one.Not || len(one.Limit)+len(one.Except)+len(one.Any)+len(one.All)+len(one.None) > 0:
				simple = false
			case len(one.IP) > 0:
				list, ok := ranges(one.IP)
				simple = simple && ok
				allowed = append(allowed, list...)
			case one.Local:
				allowed = append(allowed, "127.0.0.0/8", "::1")
			case one.ValidUser:
				login = true
			case one.AllDenied:
			default:
				simple = false
			}
		}
	}
	if simple && login && len(allowed) == 0 {
		b.login(section, paths)
		return
	}
	switch {
	case !simple || login && len(allowed) > 0:
		b.keepOutOf(section.Line, "<Location "+section.Path+">", paths)
	case len(allowed) == 0:
		b.linef("# %s\n%s path %s\nrespond %[2]s 403", section.Line, b.matcher(), paths)
	default:
		b.linef("# %s\n%s {\npath %s\nnot client_ip %s\n}\nrespond %[2]s 403", section.Line, b.matcher(), paths, strings.Join(allowed, " "))
	}
}

var bcryptHash = regexp.MustCompile(`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`)

// login writes basic_auth with the users of a password file, as they are now.
func (b *site) login(section config.Section, paths string) {
	text, err := os.ReadFile(section.Access.UserFile)
	var users []string
	for entry := range strings.SplitSeq(string(text), "\n") {
		user, hash, ok := strings.Cut(strings.TrimSpace(entry), ":")
		if !ok || strings.HasPrefix(user, "#") {
			continue
		}
		if !bcryptHash.MatchString(hash) {
			b.not(section.Line, "the password of "+user+" is not stored with bcrypt; make it anew by caddy hash-password")
			continue
		}
		users = append(users, token(user)+" "+hash)
	}
	name := b.matcher()
	if err != nil || len(users) == 0 {
		b.not(section.Line, "the users of "+section.Access.UserFile+" could not be taken over, so everybody is kept out")
		b.linef("%s path %s\nrespond %[1]s 403", name, paths)
		return
	}
	b.linef("# %s\n%s path %s", section.Line, name, paths)
	b.linef("basic_auth %s bcrypt %s {\n%s\n}", name, token(section.Access.AuthName), strings.Join(users, "\n"))
}

// locationPaths are a Location in the words of the matcher path.
func locationPaths(s config.Section) (string, bool) {
	if s.Kind != "location" || strings.ContainsAny(s.Path, "*?[{ ") {
		return "", false
	}
	return prefixPaths(s.Path), true
}

// onlyOrder is the idiom Order deny,allow with Allow from all, which lets all pass.
func onlyOrder(r *access.Rules) bool {
	if r.Require != nil || len(r.Deny) > 0 || r.RequireSSL {
		return false
	}
	for _, a := range r.Allow {
		if len(a.From) == 1 && strings.EqualFold(a.From[0], "all") {
			return true
		}
	}
	return false
}
