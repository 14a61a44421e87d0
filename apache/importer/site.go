// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/access"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/header"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
)

// site is a virtual host on its way into a Caddyfile.
type site struct {
	*writer
	s     *config.Server
	named int // matchers so far
}

// matcher makes up a name.
func (b *site) matcher() string {
	b.named++
	return fmt.Sprintf("@m%d", b.named)
}

func (b *site) tls() {
	t := b.s.TLS
	if t == nil || t.Engine == nil || !*t.Engine {
		return
	}
	switch {
	case len(t.CertificateFiles) == 0: // Caddy gets one
	case t.ChainFile != "":
		b.not(b.s.Line, "SSLCertificateChainFile: put the chain behind the certificate, in one file")
		fallthrough
	default:
		key := t.CertificateFiles[0]
		if len(t.KeyFiles) > 0 {
			key = t.KeyFiles[0]
		}
		b.linef("tls %s %s", token(t.CertificateFiles[0]), token(key))
	}
	if t.VerifyClient != "" && t.VerifyClient != "none" {
		b.not(b.s.Line, "SSLVerifyClient: see client_auth of the directive tls")
	}
}

// headers writes what Header and RequestHeader set without looking at the request.
func (b *site) headers(rules *header.Rules) {
	if rules == nil {
		return
	}
	if rules.Expires != nil {
		b.not(b.s.Line, "ExpiresActive and the like: see the directive header")
	}
	for _, side := range []struct {
		name  string
		rules []header.Rule
	}{{"request_header", rules.Request}, {"header", rules.Response}} {
		for _, r := range side.rules {
			value, ok := headerValue(r.Value)
			prefix := map[string]string{"set": "", "add": "+", "append": "+", "unset": "-", "setifempty": "?"}
			sign, known := prefix[r.Action]
			if !ok || !known || r.Condition != "" || r.Early || r.Action == "setifempty" && side.name == "request_header" {
				b.not(r.Line, fmt.Sprintf("%s %s %s", side.name, r.Action, r.Name))
				continue
			}
			b.linef("# %s", r.Line)
			if r.Action == "unset" {
				b.linef("%s -%s", side.name, token(r.Name))
			} else {
				b.linef("%s %s%s %s", side.name, sign, token(r.Name), token(value))
			}
		}
	}
}

// headerValue is a value of httpd's in Caddy's words, if it can be said.
func headerValue(value string) (string, bool) {
	switch value {
	case "%{REMOTE_ADDR}s", "expr=%{REMOTE_ADDR}":
		return "{client_ip}", true
	case "%{REQUEST_SCHEME}s", "expr=%{REQUEST_SCHEME}":
		return "{scheme}", true
	case "%{HTTP_HOST}s", "expr=%{HTTP_HOST}":
		return "{hostport}", true
	}
	return value, !strings.Contains(value, "%") && !strings.HasPrefix(value, "expr=") && !strings.Contains(value, "{")
}

// access writes what Locations ask of their visitors.
func (b *site) access() {
	for _, section := range b.s.Sections {
		if section.Access == nil || open(section.Access) {
			continue
		}
		paths, ok := locationPaths(section)
		if !ok {
			b.not(section.Line, "<"+section.Kind+" "+section.Path+"> with access control")
			continue
		}
		b.guard(section, paths)
	}
}

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
	name := b.matcher()
	switch {
	case !simple || login && len(allowed) > 0:
		b.not(section.Line, "<Location "+section.Path+">: its access control is not said, so everybody is kept out")
		b.linef("%s path %s\nrespond %[1]s 403", name, paths)
	case len(allowed) == 0:
		b.linef("# %s\n%s path %s\nrespond %[2]s 403", section.Line, name, paths)
	default:
		b.linef("# %s\n%s {\npath %s\nnot client_ip %s\n}\nrespond %[2]s 403", section.Line, name, paths, strings.Join(allowed, " "))
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

// prefixPaths matches what httpd matches: /ws is /ws and all below it, /ws/ all
// below only.
func prefixPaths(path string) string {
	switch {
	case path == "/" || path == "":
		return "/*"
	case strings.HasSuffix(path, "/"):
		return path + "*"
	}
	return path + " " + path + "/*"
}

// redirects writes Redirect and its like.
func (b *site) redirects() {
	if b.s.Mapping == nil {
		return
	}
	for _, r := range b.s.Mapping.Redirect {
		if r.Match || r.Location != "" || r.URL == "" || strings.ContainsAny(r.URL+r.Path, "{}") {
			b.not(r.Line, "Redirect "+r.Path+" "+r.URL)
			continue
		}
		b.handle(r.Line, r.Path)
		if strip := strings.TrimSuffix(r.Path, "/"); strip != "" {
			b.linef("uri strip_prefix %s", strip)
		}
		b.linef("redir * %s{uri} %d\n}", strings.TrimSuffix(r.URL, "/"), r.Status)
	}
}

// rest names what is left of a virtual host.
func (b *site) rest() {
	for _, section := range b.s.Sections {
		switch {
		case section.Kind == "proxy" || section.Kind == "proxymatch":
			if section.Access != nil && !open(section.Access) && !onlyOrder(section.Access) {
				b.not(section.Line, "<Proxy "+section.Path+"> with access control")
			}
		case section.Kind == "directory" || section.Kind == "files" || section.Kind == "filesmatch" || section.Kind == "directorymatch":
			if section.Access != nil && !open(section.Access) || section.Files.Overrides() || section.Rewrite != nil {
				b.not(section.Line, "<"+section.Kind+" "+section.Path+">: access control, rewriting or .htaccess files")
			}
		case section.Rewrite != nil || section.Header != nil || section.Env != nil || strings.HasPrefix(section.Kind, "if") || strings.HasPrefix(section.Kind, "else"):
			b.not(section.Line, "<"+section.Kind+" "+section.Path+">: what it does beside access control")
		}
	}
	if b.s.Env != nil {
		b.not(b.s.Line, "SetEnv and SetEnvIf: there is no environment; see the directive map")
	}
	if m := b.s.Mapping; m != nil {
		for _, a := range m.Alias {
			b.not(a.Line, "Alias "+a.Path+" "+a.File+": see handle_path, root and file_server")
		}
	}
	for status := range b.s.ErrorDocuments {
		b.not(b.s.Line, fmt.Sprintf("ErrorDocument %d: see handle_errors", status))
	}
	if b.s.Logs != nil && len(b.s.Logs.Access()) > 0 {
		b.not(b.s.Line, "CustomLog: see the directive log")
	}
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

// preservesHost says whether an origin is sent the Host of the client.
func (b *site) preservesHost() bool {
	p := b.s.Proxy
	return p != nil && p.PreserveHost != nil && *p.PreserveHost
}

// targetOf is where a ProxyPass leads, if that is known beforehand.
func targetOf(m *mapping.Mapper, url string) (mapping.Target, bool) {
	t, err := m.ProxyURL(url, "", true)
	return t, err == nil && t.Scheme != "balancer"
}
