// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
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
	for i, section := range b.s.Sections {
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
			b.guard(section, paths, b.s.Sections[i+1:])
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
	b.refuseAt([]string{"path " + paths})
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

// locationPaths are a Location in the words of the matcher path.
func locationPaths(s config.Section) (string, bool) {
	if s.Kind != "location" || !isPath(s.Path) {
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
		if len(a.Limit)+len(a.Except) == 0 && len(a.From) == 1 && strings.EqualFold(a.From[0], "all") {
			return true
		}
	}
	return false
}
