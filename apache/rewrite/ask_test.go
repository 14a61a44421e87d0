// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package rewrite

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what httpd answers to testdata")

// TestAskHTTPD asks a real httpd what it makes of the requests in testdata, and
// compares that with what stands there, or writes it:
//
//	go test -tags interop -run TestAskHTTPD ./apache/rewrite -update
func TestAskHTTPD(t *testing.T) {
	for _, name := range []string{"server.txt", "folder.txt"} {
		var b strings.Builder
		for _, c := range httpdCases(t, name) {
			askCase(t, c, name == "server.txt")
			fmt.Fprintf(&b, "== %s\n%s", c.name, c.rules)
			for _, a := range c.asked {
				fmt.Fprintf(&b, "> %s\n", a.request)
				for _, line := range a.answer {
					fmt.Fprintf(&b, "< %s\n", line)
				}
			}
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		stands, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		asked := strings.Split(b.String(), "\n")
		for i, line := range strings.Split(string(stands), "\n") {
			if i >= len(asked) || asked[i] != line {
				t.Errorf("%s:%d: %q is not what httpd has there now", name, i+1, line)
			}
		}
	}
}

// httpd is a running one.
type httpd struct {
	address string
	log     string
	site    string
	names   *strings.Replacer // back to those of testdata
}

const modules = "/usr/lib/apache2/modules/mod_"

func askCase(t *testing.T, c *httpdCase, server bool) {
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &httpd{address: listener.Addr().String(), log: filepath.Join(dir, "error.log"), site: filepath.Join(dir, "site")}
	listener.Close()
	_, port, _ := net.SplitHostPort(h.address)
	host := "this.test:" + port
	makeSite(t, h.site)
	mapFile := filepath.Join(h.site, "map.txt")
	if err := os.WriteFile(mapFile, []byte(strings.ReplaceAll(mapText, "backend:1", "127.0.0.1:1")), 0o644); err != nil {
		t.Fatal(err)
	}
	in := strings.NewReplacer("/srv/site", h.site, "/srv/other", other(h.site), "THIS", host, "backend:1", "127.0.0.1:1").Replace
	h.names = strings.NewReplacer(h.site, "/srv/site", other(h.site), "/srv/other", host, "THIS", "127.0.0.1:1", "backend:1")

	var conf strings.Builder
	for _, m := range strings.Fields("mpm_event authz_core alias dir env headers rewrite mime proxy proxy_http") {
		fmt.Fprintf(&conf, "LoadModule %s_module %s%s.so\n", m, modules, m)
	}
	fmt.Fprintf(&conf, "ServerRoot %[1]s\nPidFile %[1]s/pid\nDefaultRuntimeDir %[1]s\nErrorLog %[2]s\nErrorLogFormat %%M\n"+
		"LogLevel warn rewrite:trace8\nUser nobody\nGroup nogroup\nListen %[3]s\nServerName %[4]s\nDocumentRoot %[5]s\n"+
		"DirectoryIndex disabled\nHeader always set X-Query expr=%%{QUERY_STRING}\nTypesConfig /dev/null\n"+
		"<Directory %[5]s>\nAllowOverride All\nOptions FollowSymLinks\nRequire all granted\n</Directory>\n<VirtualHost 127.0.0.1:*>\nServerName %[4]s\nRewriteEngine On\n",
		dir, h.log, h.address, host, h.site)
	rules := in(c.rules)
	switch {
	case server:
		conf.WriteString(rules)
	case c.place[0] == "location":
		fmt.Fprintf(&conf, "<Location %s>\n", c.place[1])
		if len(c.place) > 2 {
			fmt.Fprintf(&conf, "ProxyPass %s\n", in(c.place[2]))
		}
		conf.WriteString(rules + "</Location>\n")
	case c.place[0] == "alias":
		fmt.Fprintf(&conf, "Alias %s/ %s/\n<Directory %s>\nAllowOverride All\nOptions FollowSymLinks\n</Directory>\n", c.place[1], other(h.site), other(h.site))
		if err := os.WriteFile(filepath.Join(other(h.site), ".htaccess"), []byte("RewriteEngine On\n"+rules), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		folder := append(c.place, "")[1]
		if err := os.WriteFile(filepath.Join(h.site, folder, ".htaccess"), []byte("RewriteEngine On\n"+rules), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !server { // an internal redirect is answered with what it is to
		conf.WriteString("RewriteCond %{ENV:REDIRECT_STATUS} .\nRewriteRule (.*) http://internal.test$1?%{QUERY_STRING} [R=307,NE,L]\n")
	}
	conf.WriteString("</VirtualHost>\n")
	file := filepath.Join(dir, "httpd.conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/sbin/apache2", "-D", "FOREGROUND", "-f", file)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
	}()
	again, timeout := time.NewTicker(10*time.Millisecond), time.After(20*time.Second)
	defer again.Stop()
	for {
		conn, err := net.Dial("tcp", h.address)
		if err == nil {
			conn.Close()
			break
		}
		select {
		case <-again.C:
		case <-ended:
			t.Fatalf("%s: httpd ended before it listened", c.name)
		case <-timeout:
			t.Fatalf("%s: httpd does not listen: %v", c.name, err)
		}
	}
	for _, a := range c.asked {
		a.answer = strings.Split(h.ask(t, a.request, in, host, server), "\n")
	}
}

// The lines of mod_rewrite's log that say what becomes of a request.
var (
	logProxy     = regexp.MustCompile(`go-ahead with proxy request proxy:(.*) \[OK\]$`)
	logFile      = regexp.MustCompile(`go-ahead with (/.*) \[OK\]$`)
	logPass      = regexp.MustCompile(`forcing '(.*)' to get passed through`)
	logInternal  = regexp.MustCompile(`internal redirect with (.*) \[INTERNAL REDIRECT\]$`)
	logUnchanged = regexp.MustCompile(`pass through |IGNORING REWRITE|not a URL-path`)
	logType      = regexp.MustCompile(`to have MIME-type '(.*)'`)
	logHandler   = regexp.MustCompile(`to have Content-handler '(.*)'`)
)

// ask sends a request and tells the outcome in the words of outcome.
func (h *httpd) ask(t *testing.T, line string, in func(string) string, host string, server bool) string {
	before, _ := os.ReadFile(h.log)
	words := strings.Fields(in(line))
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\n", words[0], words[1], host)
	closes := "Connection: close\r\n"
	for _, field := range words[2:] {
		name, value, _ := strings.Cut(field, ":")
		if name == "Connection" {
			closes = ""
		}
		fmt.Fprintf(conn, "%s: %s\r\n", name, value)
	}
	if words[0] == "POST" {
		closes += "Content-Length: 0\r\n"
	}
	io.WriteString(conn, closes+"\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	response.Body.Close()
	after, _ := os.ReadFile(h.log)
	return h.names.Replace(tell(string(after[len(before):]), response, server))
}

// tell tells the outcome from the log of a request and the answer to it.
func tell(log string, response *http.Response, server bool) string {
	var kind, text string
	var more []string
	for line := range strings.SplitSeq(log, "\n") {
		if !strings.Contains(line, "/initial] ") || strings.Contains(line, "[perdir ") == server {
			continue
		}
		if unquoted, err := strconv.Unquote(`"` + strings.ReplaceAll(line, `"`, `\"`) + `"`); err == nil {
			line = unquoted
		}
		for _, pattern := range []struct {
			kind string
			*regexp.Regexp
		}{{"proxy", logProxy}, {"file", logFile}, {"pass", logPass}, {"unchanged", logUnchanged}, {"internal", logInternal}, {"type", logType}, {"handler", logHandler}} {
			m := pattern.FindStringSubmatch(line)
			switch {
			case m == nil:
			case pattern.kind == "type", pattern.kind == "handler":
				if forced := "\n" + pattern.kind + " " + m[1]; !slices.Contains(more, forced) {
					more = append(more, forced)
				}
			default:
				kind, text = pattern.kind, ""
				if len(m) > 1 {
					text = " " + m[1]
				}
			}
		}
	}
	query := ""
	if q := response.Header.Get("X-Query"); q != "" {
		query = "?" + q
	}
	location := response.Header.Get("Location")
	var what string
	switch internal, ok := strings.CutPrefix(location, "http://internal.test"); {
	case ok:
		what = "internal " + strings.TrimSuffix(internal, "?")
	case kind == "unchanged":
		what = kind
	case kind == "proxy" && response.StatusCode != http.StatusForbidden:
		what = kind + strings.TrimSuffix(text, query) + query
	case kind == "" && (server && !strings.Contains(log, "init rewrite engine") || !server && !strings.Contains(log, "[perdir ")):
		what = "unchanged" // the rules have not run
	case kind == "file" && strings.Contains(text, "/../"):
		what = fmt.Sprint(response.StatusCode) // of whoever looked for the file
	case kind == "file", kind == "pass" && server && response.StatusCode != http.StatusForbidden, kind == "internal" && response.StatusCode == http.StatusNotFound && !strings.Contains(strings.ToLower(text), "%2f"): // END
		what = kind + text + query
	case location != "":
		what = fmt.Sprintf("%d %s", response.StatusCode, location)
	default:
		what = fmt.Sprint(response.StatusCode)
	}
	for _, cookie := range response.Header["Set-Cookie"] {
		more = append(more, "\ncookie "+cookie)
	}
	return what + strings.Join(more, "")
}
