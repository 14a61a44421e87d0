// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// A case is a set of rules in testdata, and requests with what httpd 2.4.71 made of
// them. A line that begins with
//
//	==  names a case, and where its rules stand if that is not a server:
//	    htaccess FOLDER, location PATH [URL of a ProxyPass], or alias PATH for
//	    the .htaccess of /srv/other
//	>   is a request: method, target and header fields
//	<   is what became of it, as outcome has it
//
// and any other is a line of the configuration. /srv/site is the document root,
// THIS the host and port of the server, and backend:1 a backend that nobody is at.
type httpdCase struct {
	name  string // the line
	place []string
	rules string
	asked []*asked
}

type asked struct {
	request string
	answer  []string
}

// differs has the requests whose outcome is another than httpd's, and why.
var differs = map[string]string{
	"GET /i../etc": "403",             // httpd looks for /../etc/up
	"GET /root":    "file /srv/site/", // httpd takes it for the root of the file system
	"GET /fr":      "403",             // httpd answers [F,R=301] with 301, but where to?
}

// TestServerAsHTTPD compares the rules of a server with what httpd did.
func TestServerAsHTTPD(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	for _, c := range httpdCases(t, "server.txt") {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rs, _ := read(t, &directive.Context{}, "RewriteEngine On\n"+site.in(c.rules))
			e, err := rs.Compile(CompileOptions{})
			if err != nil {
				t.Fatal(err)
			}
			c.compare(t, site, e.Server)
		})
	}
}

// TestFoldersAsHTTPD compares the rules of .htaccess files and Locations with what
// httpd did.
func TestFoldersAsHTTPD(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	for _, c := range httpdCases(t, "folder.txt") {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			place := directive.HTAccess
			if c.place[0] == "location" {
				place = directive.Location
			}
			rs, _ := read(t, &directive.Context{Place: place}, "RewriteEngine On\n"+site.in(c.rules))
			e, err := rs.Compile(CompileOptions{})
			if err != nil {
				t.Fatal(err)
			}
			c.compare(t, site, func(r *request.Request) (Result, error) {
				dir, dirURI := c.locate(site, r)
				return e.Directory(r, dir, dirURI)
			})
		})
	}
}

// locate maps a request as httpd does before the rules of a folder run, and returns
// which folder that is.
func (c *httpdCase) locate(site site, r *request.Request) (dir, dirURI string) {
	r.Filename = site.root + r.URI
	place := append(c.place, "", "")
	if place[0] == "location" {
		if place[2] != "" {
			r.Filename = proxyPrefix + place[2] + strings.TrimPrefix(r.URI, place[1])
			return "", place[1]
		}
		r.Filename, r.PathInfo = walk(r.Filename)
		return "", place[1]
	}
	if place[0] == "alias" {
		r.Filename, r.PathInfo = walk(other(site.root) + strings.TrimPrefix(r.URI, place[1]))
		return other(site.root) + "/", place[1] + "/"
	}
	r.Filename, r.PathInfo = walk(r.Filename)
	folder := "/"
	if place[1] != "" {
		folder += place[1] + "/"
	}
	return site.root + folder, folder
}

// walk splits what is behind a file, or behind the first name that does not exist,
// off a path.
func walk(name string) (file, pathInfo string) {
	for i := 1; i < len(name); i++ {
		if name[i] != '/' {
			continue
		}
		if info, err := os.Stat(name[:i]); err != nil || !info.IsDir() {
			return name[:i], name[i:]
		}
	}
	return name, ""
}

func (c *httpdCase) compare(t *testing.T, site site, run func(*request.Request) (Result, error)) {
	for _, a := range c.asked {
		r := newRequest(t, site.root, a.request)
		result, err := run(r)
		var got string
		if err != nil {
			got = "error " + err.Error()
		} else {
			got = site.out(outcome(result, r))
		}
		want := strings.Join(a.answer, "\n")
		if other, ok := differs[a.request]; ok {
			want = other
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", a.request, got, want)
		}
	}
}

// outcome is a result in words.
func outcome(result Result, r *request.Request) string {
	query := ""
	if r.Query != "" {
		query = "?" + r.Query
	}
	var b strings.Builder
	switch result.Kind {
	case Unchanged:
		b.WriteString("unchanged")
	case Rewritten:
		if r.Filename != "" {
			b.WriteString("file " + r.Filename + query)
		} else {
			b.WriteString("internal " + r.URI + query)
		}
	case PassThrough:
		b.WriteString("pass " + r.URI + query)
	case Proxy:
		if result.Query != "" {
			query = "?" + result.Query
		}
		b.WriteString("proxy " + result.URL + query)
	case Redirect:
		fmt.Fprintf(&b, "%d %s", result.Status, result.URL)
	case Status:
		fmt.Fprintf(&b, "%d", result.Status)
	}
	if result.Type != "" {
		b.WriteString("\ntype " + result.Type)
	}
	if result.Handler != "" {
		b.WriteString("\nhandler " + result.Handler)
	}
	for _, cookie := range result.Cookies {
		b.WriteString("\ncookie " + cookie)
	}
	return b.String()
}

// newRequest makes the request of a line of testdata: GET /x?q=1 Upgrade:websocket.
func newRequest(t testing.TB, root, line string) *request.Request {
	t.Helper()
	words := strings.Fields(line)
	method, target := words[0], words[1]
	rawPath, query, _ := strings.Cut(target, "?")
	uri, err := url.PathUnescape(rawPath)
	if err != nil {
		t.Fatal(err)
	}
	for strings.Contains(uri, "//") {
		uri = strings.ReplaceAll(uri, "//", "/")
	}
	header := http.Header{}
	for _, field := range words[2:] {
		name, value, _ := strings.Cut(field, ":")
		header.Add(name, value)
	}
	address := netip.MustParseAddrPort("127.0.0.1:50000")
	return &request.Request{
		Method: method, Line: method + " " + target + " HTTP/1.1", Protocol: "HTTP/1.1",
		Host: this, Header: header, URI: uri, Query: query,
		Server: &request.Server{Name: "this.test", Port: 8080, DocumentRoot: root},
		Remote: address, Peer: address, Local: netip.MustParseAddrPort("127.0.0.1:8080"),
		Time: time.Date(2026, 11, 25, 20, 30, 0, 0, time.UTC),
	}
}

// this is the host that requests of the tests are for.
const this = "this.test:8080"

// site is the document root of testdata: /srv/site.
type site struct{ root string }

func newSite(t testing.TB) site {
	t.Helper()
	root := filepath.Join(t.TempDir(), "site")
	makeSite(t, root)
	return site{root}
}

// other is the folder beside the document root.
func other(root string) string { return filepath.Join(filepath.Dir(root), "other") }

// makeSite puts the files into the document root.
func makeSite(t testing.TB, root string) {
	t.Helper()
	app := filepath.Join(root, "app")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(app, "sub"), 0o755),
		os.Mkdir(other(root), 0o755),
		os.WriteFile(filepath.Join(app, "real.txt"), []byte("real\n"), 0o644),
		os.WriteFile(filepath.Join(app, "empty"), nil, 0o644),
		os.WriteFile(filepath.Join(root, "index.html"), []byte("index\n"), 0o644),
		os.Symlink("real.txt", filepath.Join(app, "link")),
		os.WriteFile(filepath.Join(root, "map.txt"), []byte(mapText), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

const mapText = `# key value
s1 backend:1
s2	second
 indented no
spaced   a b c
novalue
twice one
twice two
q "in quotes"
`

// in replaces what stands for things that are known when the test runs, and out
// puts it back.
func (s site) in(text string) string {
	return strings.NewReplacer("/srv/site", s.root, "/srv/other", other(s.root), "THIS", this).Replace(text)
}

func (s site) out(text string) string {
	return strings.NewReplacer(s.root, "/srv/site", other(s.root), "/srv/other", this, "THIS").Replace(text)
}

// httpdCases reads a file of testdata.
func httpdCases(t testing.TB, name string) []*httpdCase {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var cases []*httpdCase
	var c *httpdCase
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		kind, rest, _ := strings.Cut(line, " ")
		switch kind {
		case "==":
			c = &httpdCase{name: rest, place: strings.Fields(rest)}
			cases = append(cases, c)
		case ">":
			c.asked = append(c.asked, &asked{request: rest})
		case "<":
			a := c.asked[len(c.asked)-1]
			a.answer = append(a.answer, rest)
		default:
			c.rules += line + "\n"
		}
	}
	return cases
}

// read reads directives, and returns the warnings as well.
func read(t testing.TB, ctx *directive.Context, text string) (*Rules, []string) {
	t.Helper()
	rs, warnings, err := tryRead(ctx, text)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return rs, warnings
}

func tryRead(ctx *directive.Context, text string) (*Rules, []string, error) {
	file, err := syntax.Parse("chat.conf", []byte(text), syntax.Options{})
	if err != nil {
		return nil, nil, err
	}
	var warnings []string
	ctx.Warn = func(p syntax.Problem) { warnings = append(warnings, p.Message) }
	rs := &Rules{}
	for _, n := range file.Nodes {
		if err := rs.Directive(ctx, n); err != nil {
			return nil, warnings, fmt.Errorf("%s: %w", n.Position, err)
		}
	}
	rs.Finish(ctx)
	return rs, warnings, nil
}
