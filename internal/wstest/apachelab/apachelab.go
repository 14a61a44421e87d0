// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package apachelab is the laboratory that httpd was measured in: configurations,
// requests to them, and what httpd 2.4.71 answered. Tests run them against httpd
// itself and against the adapter apache. Only tests import it.
package apachelab

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

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// Case is one of the file.
type Case struct {
	Title  string
	Conf   string // with @A, @B, @C for origins, @W for the folder, @P for the port
	Strict bool   // httpd does not start; the adapter does, unless it is strict
	Refuse bool   // nor does the adapter
	Probes []Probe
}

// Probe is a request and the answer to it.
type Probe struct {
	Request string
	HTTPD   string // its answer
	Ours    string // which is another one if that is intended
}

// Cases reads a file of cases.
func Cases(t testing.TB, file string) []Case {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []Case
	for part := range strings.SplitSeq(string(text), "\n== ") {
		var c Case
		title, rest, _ := strings.Cut(strings.TrimPrefix(part, "== "), "\n")
		conf, probes, ok := strings.Cut(rest, "\n--\n")
		if !ok {
			t.Fatalf("case %q has no probes", title)
		}
		c.Title, c.Conf = title, conf
		for line := range strings.SplitSeq(strings.TrimSpace(probes), "\n") {
			switch line {
			case "error":
				c.Refuse = true
				continue
			case "error if strict":
				c.Strict = true
				continue
			}
			request, want, ok := strings.Cut(line, " -> ")
			if !ok {
				t.Fatalf("%s: probe %q has no answer", title, line)
			}
			p := Probe{request, want, want}
			if httpd, ours, differs := strings.Cut(want, " ~ "); differs {
				if p.HTTPD, p.Ours = httpd, ours; httpd == ours {
					t.Errorf("%s: %s: there is no difference", title, request)
				}
			}
			c.Probes = append(c.Probes, p)
		}
		cases = append(cases, c)
	}
	return cases
}

// Lab is what the cases have around them: origins that answer with what they were
// asked, and files.
type Lab struct {
	Dir string

	origins map[string]string // addresses by @A, @B, @C
	accepts atomic.Bool
}

// AcceptKeys lets the origins answer a key as they should, which httpd does not
// miss.
func (l *Lab) AcceptKeys() { l.accepts.Store(true) }

// New starts the origins and writes the files.
func New(t *testing.T) *Lab {
	t.Helper()
	l := &Lab{Dir: t.TempDir(), origins: make(map[string]string)}
	for _, name := range []string{"A", "B", "C"} {
		server := httptest.NewServer(nil)
		server.Config.Handler = l.echo(name, server.URL)
		t.Cleanup(server.Close)
		l.origins["@"+name] = strings.TrimPrefix(server.URL, "http://")
	}
	l.Write(t, "htdocs/index.html", "root")
	l.Write(t, "htdocs/app/index.html", "static")
	const p = ":$apr1$8lLFAtBC$OJUWXx60Gi8CtakoOkXTs0\n" // of p
	l.Write(t, "htp", "u"+p+"v"+p)
	l.Write(t, "groups", "g: u w\nh: w\n")
	l.Write(t, "map.txt", "s1 "+l.origins["@B"]+"\ns2 "+l.origins["@C"]+"\n")
	return l
}

// Write writes a file in the folder of the lab.
func (l *Lab) Write(t *testing.T, name, text string) {
	t.Helper()
	name = filepath.Join(l.Dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Fill replaces what stands for an origin or the lab's folder, and back.
func (l *Lab) Fill(s, port string) string {
	s = strings.ReplaceAll(s, "@P", port)
	for name, address := range l.origins {
		s = strings.ReplaceAll(s, name, address)
	}
	return strings.ReplaceAll(s, "@W", l.Dir)
}

// Canonical puts the names of testdata in the place of addresses and the folder.
func (l *Lab) Canonical(s string) string {
	for i, name := range []string{"@A", "@B", "@C"} {
		s = strings.ReplaceAll(s, l.origins[name], fmt.Sprintf("127.0.0.1:1900%d", i+1))
	}
	return strings.ReplaceAll(s, l.Dir, "@W")
}

// Ask sends a probe, and tells the answer in the lab's words: those that want has.
func (l *Lab) Ask(t *testing.T, address, probe, want string) string {
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
	resp, body := ReadAnswer(t, conn, method)
	return l.Canonical(Tell(resp, body, want))
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

// Tell describes an answer, with those fields that want has.
func Tell(resp *http.Response, body []byte, want string) string {
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

// Echo is an origin like those of the lab.
func (l *Lab) Echo(name, url string) http.Handler { return l.echo(name, url) }

// echo is an origin that answers with what it was asked, and takes any upgrade.
func (l *Lab) echo(name, url string) http.Handler {
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
			if l.accepts.Load() {
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

// ReadAnswer reads the answer to a request.
func ReadAnswer(t *testing.T, conn net.Conn, method string) (*http.Response, []byte) {
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
