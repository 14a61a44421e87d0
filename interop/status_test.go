// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// TestStatusPage has Chromium show the status of a gateway with tunnels of some
// clients, on screens of different sizes, in the light and in the dark. With
// -artifacts the pictures are kept.
func TestStatusPage(t *testing.T) {
	port := startStatusLab(t)
	for n := range 12 {
		talk(t, port, fmt.Sprintf("/chat/room-%d", n%5+1), fmt.Sprintf("203.0.113.%d", 10+n), 40*(n%7+1), time.Duration(n%4+1)*100*time.Millisecond)
	}
	for n := range 4 {
		talk(t, port, fmt.Sprintf("/feed/prices?token=%d", n), fmt.Sprintf("2001:db8::%d", n+1), 6000*(n+1), 200*time.Millisecond)
	}
	for range 4 { // two are one too many
		header := http.Header{"X-Forwarded-For": {"198.51.100.9"}}
		if c, _, err := websocket.Dial(t.Context(), "ws://127.0.0.1:"+port+"/chat/room-1", &websocket.DialOptions{HTTPHeader: header, Host: "chat.example.com"}); err == nil {
			t.Cleanup(func() { _ = c.CloseNow() })
		}
	}
	const hostile = "/chat/<img src=x onerror=alert(1)>\u202e\u0007"
	stop := talk(t, port, "/chat/"+url.PathEscape(hostile[len("/chat/"):]), "203.0.113.66", 100, 100*time.Millisecond)

	page := openPage(t, "http://localhost:"+port+"/ws-status")
	await(t, page, "the tunnels", `document.getElementById("state").textContent === "live" && document.querySelectorAll("#tunnels tbody tr").length === 19`)
	await(t, page, "rates", `document.getElementById("tunnels").textContent.includes("KiB/s") && points.length > 2`)
	await(t, page, "rates of origins", `[...document.querySelectorAll("#origins tbody tr")].filter(tr => tr.cells[4].textContent.includes("msg/s") && !tr.cells[4].textContent.startsWith("0 B/s")).length === 3`)
	await(t, page, "an origin that is down", `document.getElementById("origins").textContent.includes("DOWN")`)
	await(t, page, "the refusals", `document.getElementById("refused").textContent.includes("limit")`)
	await(t, page, "the switch", `document.getElementById("switches").textContent.includes("chaton")`)

	const shown = `[...document.querySelectorAll("#tunnels .main")].map(e => e.textContent).find(s => s.includes("<img"))`
	if got, want := evaluate[string](t, page, shown), `/chat/<img src=x onerror=alert(1)>\u{202e}\u{7}`; got != want {
		t.Errorf("the hostile path is shown as %q, want %q", got, want)
	}
	if got := evaluate[int](t, page, `document.querySelectorAll("img, #tunnels script, #tunnels a").length`); got != 0 {
		t.Errorf("%d elements came with a path", got)
	}
	stop()
	await(t, page, "that one is gone", `document.querySelectorAll("#tunnels tbody tr").length === 18`)

	page.call(t, "Emulation.setScrollbarsHidden", map[string]any{"hidden": true}, nil)
	brightness := make(map[string]int)
	for name, screen := range map[string]map[string]any{
		"status":       {"width": 1180, "height": 900, "deviceScaleFactor": 1, "mobile": false},
		"status-dark":  {"width": 1180, "height": 900, "deviceScaleFactor": 1, "mobile": false},
		"status-phone": {"width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": true},
	} {
		scheme := "light"
		if name == "status-dark" {
			scheme = "dark"
		}
		page.call(t, "Emulation.setDeviceMetricsOverride", screen, nil)
		page.call(t, "Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		if wide := evaluate[int](t, page, `document.documentElement.scrollWidth`); wide > screen["width"].(int) {
			t.Errorf("%s: %d pixels wide", name, wide)
		}
		brightness[name] = page.screenshot(t, name)
	}
	if brightness["status"] < 200 || brightness["status-phone"] < 200 || brightness["status-dark"] > 60 {
		t.Errorf("how bright they are: %v", brightness)
	}
	if page.complaints != nil {
		t.Errorf("the browser complains: %q", page.complaints)
	}
	if got := evaluate[string](t, page, `time("2126-01-05T12:00:00Z") + ", " + short("x".repeat(500)).length`); !strings.Contains(got, "Jan 2126 ") || !strings.HasSuffix(got, ", 201") {
		t.Errorf("a time to come, and a long text, are %q", got)
	}
	if refused := evaluate[string](t, page, `(() => { try { document.body.innerHTML = "<b>"; return "" } catch (e) { return e.name } })()`); refused != "TypeError" {
		t.Errorf("text can become HTML: %q", refused)
	}
}

// startStatusLab runs a gateway with origins, one of which is down, and returns its
// port.
func startStatusLab(t *testing.T) (port string) {
	t.Helper()
	var origins []string
	for range 3 {
		origin := wstest.FreePort(t)
		startCaddy(t, "", "http://:"+origin+" {\n\tbind 127.0.0.1\n\tws_echo\n}\n").listens(t, origin, nil)
		origins = append(origins, "127.0.0.1:"+origin)
	}
	port = wstest.FreePort(t)
	startCaddy(t, "\tstorage file_system "+t.TempDir()+"\n\tservers {\n\t\ttrusted_proxies static 127.0.0.0/8\n\t}\n", fmt.Sprintf(`http://:%s {
	bind 127.0.0.1
	ws_status /ws-status
	@chat {
		path /chat/*
		ws_switch chat
	}
	ws_tunnel @chat %s %s 127.0.0.1:%s {
		health tcp {
			interval 200ms
			unhealthy 1
		}
		lb_retries 2
		limit {client_ip} 2
		name chat
	}
	ws_tunnel /feed/* %s {
		name feed
	}
}
`, port, origins[0], origins[1], wstest.FreePort(t), origins[2])).listens(t, port, nil)
	return port
}

// talk opens a tunnel and sends a message at intervals, until the function is called
// that it returns, or the test is over.
func talk(t *testing.T, port, path, client string, size int, every time.Duration) (stop func()) {
	t.Helper()
	host, _, _ := strings.Cut(path[1:], "/")
	c, _, err := websocket.Dial(t.Context(), "ws://127.0.0.1:"+port+path, &websocket.DialOptions{
		Host: host + ".example.com", HTTPHeader: http.Header{"X-Forwarded-For": {client}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for {
			if _, _, err := c.Read(ctx); err != nil {
				return
			}
		}
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for c.Write(ctx, websocket.MessageText, bytes.Repeat([]byte("x"), size)) == nil {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	stop = func() {
		cancel()
		<-done
		_ = c.CloseNow()
	}
	t.Cleanup(stop)
	return stop
}

// devPage is a page of a browser that is steered by the DevTools protocol.
type devPage struct {
	conn       *websocket.Conn
	session    string
	calls      int
	complaints []string // what the browser said on its console, and dialogs that it opened
}

// openPage opens a page in Chromium.
func openPage(t *testing.T, address string) *devPage {
	t.Helper()
	line := startChromium(t, "about:blank").says(t, "DevTools listening on ")
	_, devTools, _ := strings.Cut(strings.TrimSpace(line), "DevTools listening on ")
	conn, _, err := websocket.Dial(t.Context(), devTools, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(64 << 20)
	p := &devPage{conn: conn}
	var target struct{ TargetID, SessionID string }
	p.call(t, "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	p.call(t, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	p.session = target.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		p.call(t, domain+".enable", nil, nil)
	}
	p.call(t, "Page.navigate", map[string]any{"url": address}, nil)
	return p
}

// call calls a method and waits for its result.
func (p *devPage) call(t *testing.T, method string, params, result any) {
	t.Helper()
	p.calls++
	request := map[string]any{"id": p.calls, "method": method, "params": params}
	if params == nil {
		delete(request, "params")
	}
	if p.session != "" {
		request["sessionId"] = p.session
	}
	text, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), wstest.Patience)
	defer cancel()
	if err := p.conn.Write(ctx, websocket.MessageText, text); err != nil {
		t.Fatal(err)
	}
	for {
		_, text, err := p.conn.Read(ctx)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		var message struct {
			ID     int
			Method string
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := json.Unmarshal(text, &message); err != nil {
			t.Fatal(err)
		}
		switch {
		case message.Method == "Page.javascriptDialogOpening", message.Method == "Runtime.exceptionThrown", message.Method == "Log.entryAdded":
			p.complaints = append(p.complaints, string(text))
		case message.ID != p.calls:
		case message.Error != nil:
			t.Fatalf("%s: %s", method, message.Error)
		default:
			if result != nil {
				err = json.Unmarshal(message.Result, result)
			}
			if err != nil {
				t.Fatal(err)
			}
			return
		}
	}
}

// evaluate returns the value of an expression.
func evaluate[T any](t *testing.T, p *devPage, expression string) T {
	t.Helper()
	var got struct {
		Result           struct{ Value T }
		ExceptionDetails json.RawMessage
	}
	p.call(t, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &got)
	if got.ExceptionDetails != nil {
		t.Fatalf("%s: %s", expression, got.ExceptionDetails)
	}
	return got.Result.Value
}

// await waits until a condition holds in a page.
func await(t *testing.T, p *devPage, what, condition string) {
	t.Helper()
	timeout := time.After(wstest.Patience)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for !evaluate[bool](t, p, "document.readyState === 'complete' && location.protocol === 'http:' && ("+condition+")") {
		select {
		case <-again.C:
		case <-timeout:
			t.Fatalf("the page does not show %s; it says %q", what, evaluate[string](t, p, "document.body.innerText"))
		}
	}
}

// screenshot keeps a picture of what a window shows, and returns how bright it is,
// from 0 to 255.
func (p *devPage) screenshot(t *testing.T, name string) (brightness int) {
	t.Helper()
	var shot struct{ Data []byte }
	p.call(t, "Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), shot.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(shot.Data))
	if err != nil {
		t.Fatal(err)
	}
	return brightnessOf(picture)
}

func brightnessOf(picture image.Image) int {
	sum, n := 0, 0
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, _ := picture.At(x, y).RGBA()
			sum += int(r+g+b) / 3 >> 8
			n++
		}
	}
	return sum / n
}
