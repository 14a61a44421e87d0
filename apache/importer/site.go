// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"fmt"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/header"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/tlsconf"
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

func speaksTLS(s *config.Server) bool { return s.TLS != nil && s.TLS.Engine != nil && *s.TLS.Engine }

func (b *site) tls() {
	t := b.s.TLS
	if !speaksTLS(b.s) {
		return
	}
	files := ""
	if len(t.CertificateFiles) > 0 { // otherwise Caddy gets one
		key := t.CertificateFiles[0]
		if len(t.KeyFiles) > 0 {
			key = t.KeyFiles[0]
		}
		files = " " + token(t.CertificateFiles[0]) + " " + token(key)
	}
	if files != "" && t.ChainFile != "" {
		b.not(b.s.Line, "SSLCertificateChainFile: put the chain behind the certificate, in one file")
	}
	mode, ok := clientAuth(t)
	switch {
	case ok && mode != "":
		b.linef("tls%s {\nclient_auth {\nmode %s\ntrust_pool file %s\n}\n}", files, mode, token(t.CAFile))
	case files != "":
		b.linef("tls%s", files)
	}
}

// clientAuth is what the directive tls asks clients for. ok says whether it can ask
// as httpd does.
func clientAuth(t *tlsconf.Rules) (mode string, ok bool) {
	switch t.VerifyClient {
	case "", "none":
		return "", true
	case "require":
		mode = "require_and_verify"
	case "optional":
		mode = "verify_if_given"
	}
	return mode, mode != "" && t.CAFile != "" && t.CAPath == "" && t.VerifyDepth == nil
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
			if !ok || !known || !isWord(r.Name) || r.Condition != "" || r.Early || r.Action == "setifempty" && side.name == "request_header" {
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
	return value, isSaid(value) && !strings.Contains(value, "%") && !strings.HasPrefix(value, "expr=") && !strings.Contains(value, "{")
}

// prefixPaths matches what httpd matches: /ws is /ws and all below it, /ws/ all
// below only, and / whatever is asked for, also without a path.
func prefixPaths(path string) string {
	switch {
	case path == "/" || path == "":
		return "*"
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
		if r.Match || r.Location != "" || !isWord(r.URL) || !isPath(r.Path) {
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
	b.filesOf(b.s.Line, "", b.s.Files)
	for _, section := range b.s.Sections {
		b.filesOf(section.Line, "<"+section.Kind+" "+section.Path+">: ", section.Files)
		switch {
		case isProxy(section):
		case aboutFiles(section):
			if section.Rewrite != nil {
				b.not(section.Line, "<"+section.Kind+" "+section.Path+">: rewriting")
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
			if a.Script {
				b.not(a.Line, "ScriptAlias "+a.Path+" "+a.File+": CGI is not run")
				continue
			}
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

// filesOf names what a place says of files and is not in the Caddyfile.
func (b *site) filesOf(line, where string, f *config.Files) {
	if f == nil {
		return
	}
	if f.Charset != "" && !strings.EqualFold(f.Charset, "utf-8") {
		b.not(line, where+"AddDefaultCharset "+f.Charset+": files are said to be in UTF-8")
	}
	if f.Fallback != "" && !strings.EqualFold(f.Fallback, "disabled") {
		b.not(line, where+"FallbackResource "+f.Fallback+": see try_files")
	}
	if page := f.Page(); page != "" {
		b.not(line, where+"SetHandler "+page+": there is no such page; see ws_status")
	}
}

// preservesHost says whether an origin is sent the Host of the client.
func (b *site) preservesHost() bool {
	p := b.s.Proxy
	return p != nil && p.PreserveHost != nil && *p.PreserveHost
}

// targetOf is where a ProxyPass leads, if that is known beforehand.
func targetOf(m *mapping.Mapper, url string) (mapping.Target, bool) {
	t, err := m.ProxyURL(url, "", true)
	return t, err == nil && t.Scheme != "balancer" && isWord(t.Address) && (t.Path == "" || isPath(t.Path))
}
