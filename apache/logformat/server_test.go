// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/logging" // output to files
)

// TestCaddy has entries as a server of Caddy's makes them.
func TestCaddy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	config := fmt.Sprintf(`{
		"admin": {"disabled": true, "config": {"persist": false}},
		"logging": {"logs": {
			"default": {"writer": {"output": "discard"}},
			"access": {
				"include": ["http.log.access"],
				"writer": {"output": "file", "filename": %q},
				"encoder": {"format": "apache", "server_name": "v.test", "server_port": "8080",
					"template": "%%v:%%p %%V %%h %%l %%u \"%%r\" %%>s %%b \"%%{Referer}i\" \"%%{User-Agent}i\" %%U %%q %%{X-Answer}o %%I %%{c}C"}
			}
		}},
		"apps": {"http": {"servers": {"s": {
			"listen": ["127.0.0.1:0"],
			"automatic_https": {"disable": true},
			"logs": {"should_log_credentials": true},
			"routes": [{"handle": [
				{"handler": "static_response", "status_code": 404, "body": "nothing", "headers": {"X-Answer": ["a\"b"]}}
			]}]
		}}}}
	}`, file)
	if err := caddy.Load([]byte(config), true); err != nil {
		t.Fatal(err)
	}
	app, err := caddy.ActiveContext().AppIfConfigured("http")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", app.(*caddyhttp.App).Servers["s"].Listeners()[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const request = "GET /a%20b/../c?q=\" HTTP/1.1\r\nHost: Site.test:81\r\nUser-Agent: x\"\\\xff\r\nCookie: c=1\r\n"
	if _, err := io.WriteString(conn, request+"\r\n"+request+"Referer: http://r.test/\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Stop(); err != nil { // which writes what is still to be written
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const line = `v\.test:8080 site\.test 127\.0\.0\.1 - - "GET /a%20b/\.\./c\?q=\\" HTTP/1\.1" 404 7 "%s" "x\\"\\\\\\xff" /c \?q=\\" a\\"b 0 1` + "\n"
	want := "^" + strings.Replace(line, "%s", "-", 1) + strings.Replace(line, "%s", `http://r\.test/`, 1) + "$"
	if !regexp.MustCompile(want).Match(got) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
