// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddy-wstunnel/caddy-wstunnel"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// TestLab runs the cases that httpd 2.4.71 was measured with: testdata/lab.txt has
// each configuration, and what httpd answered. What is meant to be another answer
// here has ~ and that behind it, and stands in docs/apache.md.
func TestLab(t *testing.T) {
	text, err := os.ReadFile("testdata/lab.txt")
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t)
	for _, c := range strings.Split(string(text), "\n== ")[0:] {
		title, rest, _ := strings.Cut(strings.TrimPrefix(c, "== "), "\n")
		conf, probes, ok := strings.Cut(rest, "\n--\n")
		if !ok {
			t.Fatalf("case %q has no probes", title)
		}
		t.Run(title, func(t *testing.T) { l.run(t, conf, strings.Split(strings.TrimSpace(probes), "\n")) })
	}
}

// lab is what the cases have around them: origins that answer with what they were
// asked, and files.
type lab struct {
	dir     string
	origins map[string]string // addresses by @A, @B, @C
}

// keyAccepted is set if origins answer a key as they should; httpd does not miss
// it.
var keyAccepted atomic.Bool

func newLab(t *testing.T) *lab {
	l := &lab{dir: t.TempDir(), origins: make(map[string]string)}
	for _, name := range []string{"A", "B", "C"} {
		server := httptest.NewServer(nil)
		server.Config.Handler = echo(name, server.URL)
		t.Cleanup(server.Close)
		l.origins["@"+name] = strings.TrimPrefix(server.URL, "http://")
	}
	l.write(t, "htdocs/index.html", "root")
	l.write(t, "htdocs/app/index.html", "static")
	l.write(t, "htp", "u:$apr1$8lLFAtBC$OJUWXx60Gi8CtakoOkXTs0\n") // p
	l.write(t, "map.txt", "s1 "+l.origins["@B"]+"\ns2 "+l.origins["@C"]+"\n")
	return l
}

func (l *lab) write(t *testing.T, name, text string) {
	t.Helper()
	name = filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fill replaces what stands for an origin or the lab's folder, and back.
func (l *lab) fill(s string) string {
	for name, address := range l.origins {
		s = strings.ReplaceAll(s, name, address)
	}
	return strings.ReplaceAll(s, "@W", l.dir)
}

func (l *lab) canonical(s string) string {
	for i, name := range []string{"@A", "@B", "@C"} {
		s = strings.ReplaceAll(s, l.origins[name], fmt.Sprintf("127.0.0.1:1900%d", i+1))
	}
	return strings.ReplaceAll(s, l.dir, "@W")
}

// base is around each case, as in the lab that httpd was measured in.
const base = `
ServerName base.test
Listen 127.0.0.1:%s
DocumentRoot @W/htdocs
<Directory @W/htdocs>
 AllowOverride All
 Options FollowSymLinks
 Require all granted
</Directory>
`

func (l *lab) run(t *testing.T, conf string, probes []string) {
	port := wstest.FreePort(t)
	conf = strings.ReplaceAll(l.fill(fmt.Sprintf(base, port)+conf), "@P", port)
	adapted, err := adapt(conf)
	switch probes[0] {
	case "error":
		if err == nil {
			t.Error("it should have been refused")
		}
		return
	case "error if strict":
		if _, err := adapt("Define CADDY_STRICT\n" + conf); err == nil {
			t.Error("it should have been refused")
		}
		probes = probes[1:]
	}
	if err != nil {
		t.Fatal(err)
	}
	load(t, adapted)
	for _, probe := range probes {
		request, want, ok := strings.Cut(probe, " -> ")
		if !ok {
			t.Fatalf("probe %q has no answer", probe)
		}
		if httpd, ours, differs := strings.Cut(want, " ~ "); differs {
			if want = ours; ours == httpd {
				t.Errorf("%s: there is no difference", request)
			}
		}
		if got := l.ask(t, "127.0.0.1:"+port, request, want); got != want {
			t.Errorf("%s\n got %s\nwant %s", request, got, want)
		}
	}
}

// adapt runs the adapter on a file of the lab.
func adapt(text string) ([]byte, error) {
	adapted, _, err := caddyconfig.GetAdapter("apache").Adapt([]byte(text), map[string]any{"filename": "lab.conf"})
	return adapted, err
}

// load runs a config, without an admin endpoint.
func load(t *testing.T, config []byte) {
	t.Helper()
	var c map[string]any
	if err := json.Unmarshal(config, &c); err != nil {
		t.Fatal(err)
	}
	off := false
	c["admin"] = map[string]any{"disabled": true, "config": map[string]any{"persist": off}}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(text, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// ask sends a probe, and tells the answer in the lab's words: those that want has.
func (l *lab) ask(t *testing.T, address, probe, want string) string {
	t.Helper()
	fields := strings.Split(probe, " | ")
	kind, target, _ := strings.Cut(fields[0], " ")
	method, host, upgrade := "GET", "base.test", ""
	switch {
	case kind == "ws":
		upgrade = "websocket"
	case strings.HasPrefix(kind, "upgrade="):
		upgrade = strings.TrimPrefix(kind, "upgrade=")
	}
	var head []string
	for _, field := range fields[1:] {
		switch name, value, _ := strings.Cut(field, ": "); {
		case strings.HasPrefix(field, "method="):
			method = strings.TrimPrefix(field, "method=")
		case name == "Host":
			host = value
		case strings.HasSuffix(field, ":"): // Host: of nothing
			host = ""
		default:
			head = append(head, field)
		}
	}
	text := method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n"
	if upgrade != "" {
		text += "Connection: Upgrade\r\nUpgrade: " + upgrade + "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	} else if !strings.Contains(strings.ToLower(strings.Join(head, "\n")), "connection:") {
		text += "Connection: close\r\n"
	}
	for _, field := range head {
		text += field + "\r\n"
	}
	conn := wstest.Dial(t, address)
	if _, err := conn.Write([]byte(text + "\r\n")); err != nil {
		t.Fatal(err)
	}
	resp, body := readAnswer(t, conn, method)
	return l.canonical(tell(resp, body, want))
}

// seen is what an origin was asked.
type seen struct {
	Backend string
	URI     string
	Header  http.Header
	Host    string
}

var (
	sent     = regexp.MustCompile(`(\S+)=(None|'[^']*')`)
	received = regexp.MustCompile(`\[([A-Za-z0-9-]+): ([^\]]*)\]`)
)

// tell describes an answer, with those fields that want has.
func tell(resp *http.Response, body []byte, want string) string {
	told := fmt.Sprint(resp.StatusCode)
	if info := resp.Header.Get("X-Info"); info != "" {
		body, _ = base64.StdEncoding.DecodeString(info)
	}
	var s seen
	if json.Unmarshal(body, &s) == nil && s.Backend != "" {
		told += " " + s.Backend + " " + s.URI
		for _, field := range sent.FindAllStringSubmatch(want, -1) {
			value := "None"
			if field[1] == "Host" {
				value = "'" + s.Host + "'"
			} else if values := s.Header.Values(field[1]); len(values) > 0 {
				value = "'" + strings.Join(values, ", ") + "'"
			}
			told += " " + field[1] + "=" + value
		}
	}
	for _, field := range received.FindAllStringSubmatch(want, -1) {
		value := "None"
		if values := resp.Header.Values(field[1]); len(values) > 0 {
			value = strings.Join(values, ", ")
		}
		told += " [" + field[1] + ": " + value + "]"
	}
	return told
}

// echo is an origin that answers with what it was asked, and takes any upgrade.
func echo(name, url string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info, err := json.Marshal(seen{name, r.RequestURI, r.Header, r.Host})
		if err != nil {
			panic(err)
		}
		path := strings.TrimPrefix(r.URL.Path, "/")
		status := 0
		if rest, ok := strings.CutPrefix(path, "status/"); ok {
			switch rest {
			case "nohead":
				panic(http.ErrAbortHandler)
			case "bad101":
				hijack(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n")
				return
			}
			fmt.Sscan(rest, &status)
			w.Header().Set("Location", url+"/loc/x")
			w.Header().Set("Set-Cookie", "a=b; path=/; domain=127.0.0.1")
		}
		upgrade := r.Header.Get("Upgrade")
		if status == 0 && upgrade != "" && !strings.HasPrefix(path, "noup") {
			accept := ""
			if keyAccepted.Load() {
				accept = "Sec-WebSocket-Accept: " + handshake.Accept(r.Header.Get("Sec-WebSocket-Key")) + "\r\n"
			}
			hijack(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: "+upgrade+"\r\nConnection: Upgrade\r\n"+accept+"X-Info: "+base64.StdEncoding.EncodeToString(info)+"\r\n\r\n")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if status != 0 {
			w.WriteHeader(status)
		}
		w.Write(info)
	})
}

func hijack(w http.ResponseWriter, answer string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	go func(conn net.Conn) {
		defer conn.Close()
		conn.Write([]byte(answer))
		buf := make([]byte, 1024)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			conn.Write(buf[:n])
		}
	}(conn)
}

func readAnswer(t *testing.T, conn net.Conn, method string) (*http.Response, []byte) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	return resp, body
}
