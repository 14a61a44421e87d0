// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
)

// runCommand runs a command against an admin API that has our routes.
func runCommand(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	mux := http.NewServeMux()
	for _, route := range (adminAPI{}).Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			var apiErr caddy.APIError
			if err := route.Handler.ServeHTTP(w, r); errors.As(err, &apiErr) {
				http.Error(w, apiErr.Err.Error(), apiErr.HTTPStatus)
			}
		})
	}
	server := httptest.NewServer(mux)
	defer server.Close()
	cmd := &cobra.Command{Use: "ws-tunnel", SilenceUsage: true, SilenceErrors: true}
	defineCommands(cmd)
	var text strings.Builder
	cmd.SetOut(&text)
	cmd.SetArgs(append(args, "--address", strings.TrimPrefix(server.URL, "http://")))
	err = cmd.ExecuteContext(t.Context())
	return text.String(), err
}

// The commands show what the admin API says, and nothing from outside steers the
// terminal.
func TestTunnelCommands(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\nname chat\n}")
	open := func(host string) *peer {
		p := g.dial()
		p.send(strings.Replace(handshakeOf("/ws", ""), "Host: site.test", "Host: "+host, 1))
		p.readHead()
		return p
	}
	first, second := open("first.test"), open("second.test")
	liveTunnels(t, 2)
	if out, err := runCommand(t, "list", "--host", "first.test"); err != nil || !strings.Contains(out, "first.test") || strings.Contains(out, "second.test") {
		t.Errorf("%v:\n%s", err, out)
	}
	if out, err := runCommand(t, "list", "--limit", "1"); err != nil || !strings.Contains(out, "and 1 more") {
		t.Errorf("%v:\n%s", err, out)
	}
	if out, err := runCommand(t, "list", "--json"); err != nil || !strings.HasPrefix(out, `{"total":2,"tunnels":[{"id":`) {
		t.Errorf("%v:\n%s", err, out)
	}
	if _, err := runCommand(t, "close"); err == nil || !strings.Contains(err.Error(), "say which") {
		t.Errorf("closing nothing in particular: %v", err)
	}
	for _, args := range [][]string{{"top", "--rows", "-1"}, {"top", "--every", "0s"}} {
		if _, err := runCommand(t, args...); err == nil || !strings.Contains(err.Error(), "100ms at least") {
			t.Errorf("%q: %v", args, err)
		}
	}
	if _, err := runCommand(t, "nonsense"); err == nil || !strings.Contains(err.Error(), `unknown command "nonsense"`) {
		t.Errorf("a command that there is not: %v", err)
	}
	if _, err := runCommand(t, "list", "--state", "odd"); err == nil || !strings.Contains(err.Error(), "use open, draining or closing") {
		t.Errorf("an odd state: %v", err)
	}
	id := listed(t, "host=first.test").Tunnels[0].ID
	if out, err := runCommand(t, "close", id); err != nil || out != "closing 1 tunnel\n" {
		t.Errorf("%v: %s", err, out)
	}
	first.expectClose(1001)
	first.Close()
	if out, err := runCommand(t, "drain", "--name", "chat", "--over", "1ms", "--code", "1012"); err != nil || out != "closing 1 tunnel\n" {
		t.Errorf("%v: %s", err, out)
	}
	second.expectClose(1012)
	second.Close()
	for range 2 {
		g.expectEnd("admin", "gateway")
	}
	if _, err := runCommand(t, "close", id); err == nil || !strings.Contains(err.Error(), "no tunnel is open that has the id "+id) {
		t.Errorf("closing it twice: %v", err)
	}
}

// The admin API is found by a config file, which is read once, and not where that
// switches it off.
func TestAdminAddress(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	find := func(admin string, address ...string) (string, error) {
		t.Helper()
		if err := os.WriteFile(file, []byte("{\n\tadmin "+admin+"\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := new(cobra.Command)
		defineCommands(cmd)
		if err := cmd.ParseFlags(append([]string{"--config", file, "--adapter", "caddyfile"}, address...)); err != nil {
			t.Fatal(err)
		}
		found, err := adminAddress(cmd)
		if err == nil {
			_ = os.Remove(file)
			if again, err := adminAddress(cmd); again != found {
				t.Errorf("%q and then %q, %v", found, again, err)
			}
		}
		return found, err
	}
	if found, err := find("localhost:2020"); found != "localhost:2020" || err != nil {
		t.Errorf("%q, %v", found, err)
	}
	if _, err := find("off"); err == nil || !strings.Contains(err.Error(), "switches it off") {
		t.Errorf("switched off: %v", err)
	}
	if found, err := find("off", "--address", "localhost:2021"); found != "localhost:2021" || err != nil {
		t.Errorf("%q, %v", found, err)
	}
}

// With --wait a command returns when what it ends has ended, however long a peer
// takes.
func TestDrainCommandWaits(t *testing.T) {
	g := startGateway(t, false, "", "ws_tunnel "+echoOrigin(t)+" {\nname waited\n}")
	p := g.openRunning()
	liveTunnels(t, 1)
	returned := make(chan error, 1)
	go func() {
		_, err := runCommand(t, "drain", "--all", "--over", "1ms", "--wait")
		returned <- err
	}()
	p.expectClose(1001)
	select {
	case err := <-returned:
		t.Fatalf("it has not waited: %v", err)
	default:
	}
	p.send(closeFrame(1001))
	g.expectEnd("admin", "gateway")
	if err := <-returned; err != nil {
		t.Error(err)
	}
}

// Tunnels that come later are not waited for, and those that are too young do not grow
// out of what is.
func TestAgedBy(t *testing.T) {
	for _, test := range []struct{ which, by, want string }{
		{"name=a", "500ms", "name=a"},
		{"name=a", "61s", "name=a&older=1m0s"},
		{"older=12h", "61s", "older=12h0m0s"},
		{"older=1d", "61s", "older=24h0m0s"},
		{"younger=1m", "29s", "older=28s&younger=1m30s"},
	} {
		which, err := url.ParseQuery(test.which)
		if err != nil {
			t.Fatal(err)
		}
		by, err := time.ParseDuration(test.by)
		if err != nil {
			t.Fatal(err)
		}
		if got := agedBy(which, by).Encode(); got != test.want {
			t.Errorf("%s after %s: %s, want %s", test.which, test.by, got, test.want)
		}
	}
}

// What the admin API says is shown as it says it.
func TestRefusedByAPI(t *testing.T) {
	for said, want := range map[string]string{
		`caddy responded with error: HTTP 400: {"error":"name is \x1b empty"}` + "\n": `caddy responded with error: HTTP 400: {"error":"name is \x1b empty"}` + "\n",
		`caddy responded with error: HTTP 400: {"error":"a \"b\""}` + "\n":            `caddy responded with error: HTTP 400: a "b"`,
		`caddy responded with error: HTTP 404: not found`:                             `caddy responded with error: HTTP 404: not found`,
		`performing request: {`: `performing request: {`,
	} {
		if got := refusedByAPI(errors.New(said)).Error(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"/chat/ünïcode": "/chat/ünïcode",
		"\x1b[2Jgone":   `\x1b[2Jgone`,
		"two\nlines":    `two\nlines`,
		"\u202eflipped": `\u202eflipped`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Rates are what was carried between two looks, and the busiest come first.
func TestTop(t *testing.T) {
	tunnel := func(id string, toOrigin, toClient, messages uint64) tunnelInfo {
		return tunnelInfo{ID: id, ToOrigin: trafficCounts{toOrigin, messages}, ToClient: trafficCounts{Bytes: toClient}}
	}
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	var v topView
	v.update(tunnelList{3, []tunnelInfo{tunnel("a", 9000, 0, 90), tunnel("b", 100, 100, 1), tunnel("c", 50, 50, 1)}}, at)
	v.update(tunnelList{4, []tunnelInfo{tunnel("a", 9000, 0, 90), tunnel("b", 2100, 4100, 21), tunnel("c", 0, 0, 0), tunnel("new", 1e6, 0, 1)}}, at.Add(2*time.Second))
	if b := v.now[0]; b.ID != "b" || b.toOrigin != 1000 || b.toClient != 2000 || b.messages != 10 {
		t.Errorf("%+v", b)
	}
	for _, other := range v.now[1:] {
		if other.toOrigin != 0 || other.toClient != 0 {
			t.Errorf("%+v carried something", other)
		}
	}
	v.update(tunnelList{1, []tunnelInfo{tunnel("c", 60, 50, 1)}}, at.Add(4*time.Second))
	if c := v.now[0]; c.toOrigin != 5 || c.toClient != 0 {
		t.Errorf("what was not to be had for a moment counts as new: %+v", c)
	}
	v.update(tunnelList{4, []tunnelInfo{tunnel("b", 0, 0, 0), tunnel("c", 60, 50, 1), tunnel("d", 1, 1, 1), tunnel("new", 1e6, 0, 1)}}, at.Add(6*time.Second))
	var out strings.Builder
	if err := v.print(&out, 1, terminal{}); err != nil || !strings.Contains(out.String(), "4 tunnels, 0 B/s to origins, 0 B/s to clients, 0 messages/s, at 12:00:06") ||
		strings.Contains(out.String(), "new") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%v: %q", err, out.String())
	}
	out.Reset()
	if err := v.print(&out, 20, terminal{width: 30, height: 6}); err != nil {
		t.Fatal(err)
	}
	shown, cleared := strings.CutPrefix(out.String(), clearScreen)
	lines := strings.Split(shown, "\n")
	if !cleared || len(lines) != 6 || lines[0] != "4 tunnels, 0 B/s to origins, 0" || strings.ContainsFunc(shown, func(r rune) bool { return r > '~' }) {
		t.Errorf("on a terminal of 30 times 6: %q", out.String())
	}
	for _, line := range lines {
		if len(line) > 30 {
			t.Errorf("%q does not fit", line)
		}
	}
}

func TestShortForms(t *testing.T) {
	for seconds, want := range map[float64]string{0.1234: "100ms", 75: "1m15s", 7200: "2h0m0s", 200000: "2d7h"} {
		if got := age(seconds); got != want {
			t.Errorf("%v s: %q, want %q", seconds, got, want)
		}
	}
	for bytes, want := range map[float64]string{0: "0 B", 999: "999 B", 1000: "0.977 KiB", 1 << 20: "1 MiB", 1 << 40: "1 TiB", 1 << 50: "1.02e+03 TiB"} {
		if got := size(bytes); got != want {
			t.Errorf("%v: %q, want %q", bytes, got, want)
		}
	}
}
