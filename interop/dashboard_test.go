// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

const dashboardFile = "../docs/grafana/dashboard.json"

// TestDashboard has Prometheus answer what the panels of the dashboard ask, while a
// gateway goes through what they are for: each has something to show. With
// -artifacts it keeps a picture of them, which docs/img/dashboard.svg is.
func TestDashboard(t *testing.T) {
	l := startDashboardLab(t)
	l.awaitAll(t, "origin_up", 3, "== 1")
	begin := time.Now()
	l.comeAndGo(t)
	for n := range 24 {
		l.talk(t, fmt.Sprintf("/chat/room-%d", n%5+1), 60*(n%7+1))
		if n%4 == 0 {
			l.talk(t, "/feed/prices", 900*(n%5+1))
		}
	}
	l.awaitAll(t, "active", 2, "> 5")
	l.header(t, "PROXY TCP4 203.0.113.300 127.0.0.1 1 1\r\n")
	l.awaitAll(t, "refused_total", 1, "> 9")

	l.chat[1].terminate(t) // and its tunnels with it
	l.awaitAll(t, "origin_up", 1, "== 0")
	l.command(t, "switch", "chat", "off")
	l.awaitAll(t, "switch_on", 1, "== 0")
	l.command(t, "switch", "chat", "on")
	l.awaitAll(t, "switch_on", 1, "== 1")
	startEcho(t, l.chatPorts[1])
	l.awaitAll(t, "origin_up", 3, "== 1")
	for n := range 12 {
		l.talk(t, fmt.Sprintf("/chat/room-%d", n%5+1), 500)
	}
	l.command(t, "drain", "--name", "chat", "--over", "5s")
	l.awaitAll(t, `draining{name="chat"}`, 1, "> 2")
	l.awaitAll(t, `draining{name="chat"}`, 1, "== 0")
	for n := range 6 { // they come back
		l.talk(t, fmt.Sprintf("/chat/room-%d", n%5+1), 500)
	}
	l.awaitAll(t, "active", 2, "> 5")

	raw, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var board board
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	end := time.Now()
	for i := range board.Panels {
		p := &board.Panels[i]
		for _, target := range p.Targets {
			found := l.series(t, target.Expr, target.Legend, begin, end)
			if len(found) == 0 {
				t.Errorf("%s shows nothing for %s", p.Title, target.Expr)
			}
			p.series = append(p.series, found...)
		}
	}
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), "dashboard.svg"), []byte(board.svg(raw, begin, end)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// dashboardLab is a gateway in front of three origins, and Prometheus.
type dashboardLab struct {
	admin, port, prometheus string
	chat                    []*program
	chatPorts               []string
	clients                 int
}

func startDashboardLab(t *testing.T) *dashboardLab {
	t.Helper()
	l := &dashboardLab{admin: "127.0.0.1:" + wstest.FreePort(t), port: wstest.FreePort(t), prometheus: "127.0.0.1:" + wstest.FreePort(t)}
	for range 2 {
		port := wstest.FreePort(t)
		l.chatPorts, l.chat = append(l.chatPorts, port), append(l.chat, startEcho(t, port))
	}
	feed := wstest.FreePort(t)
	startEcho(t, feed)
	options := "\tstorage file_system " + t.TempDir() + "\n\tservers {\n\t\tlistener_wrappers {\n\t\t\tproxy_header {\n\t\t\t\toptional 127.0.0.1\n\t\t\t}\n\t\t}\n\t}\n"
	startCaddyfile(t, caddyfile(l.admin, options, fmt.Sprintf(`http://127.0.0.1:%s {
	bind 127.0.0.1
	@chat {
		path /chat/*
		ws_switch chat
	}
	ws_tunnel @chat 127.0.0.1:%s 127.0.0.1:%s {
		health tcp {
			interval 200ms
			unhealthy 1
			healthy 1
		}
		lb_retries 1
		name chat
	}
	ws_tunnel 127.0.0.1:%s {
		health tcp {
			interval 200ms
		}
		limit {client_ip} 1
		name feed
	}
}
`, l.port, l.chatPorts[0], l.chatPorts[1], feed))).listens(t, l.port, nil)

	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs: [{job_name: caddy, static_configs: [{targets: ['" + l.admin + "']}]}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, dir, nil, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+l.prometheus).says(t, "Server is ready to receive web requests")
	return l
}

func startEcho(t *testing.T, port string) *program {
	t.Helper()
	p := startCaddy(t, "", "http://:"+port+" {\n\tbind 127.0.0.1\n\tws_echo\n}\n")
	p.listens(t, port, nil)
	return p
}

// command has the command line tell the gateway something.
func (l *dashboardLab) command(t *testing.T, args ...string) {
	t.Helper()
	start(t, "", nil, caddy, append(append([]string{"ws-tunnel"}, args...), "--address", l.admin)...).succeeds(t)
}

// dial connects with a PROXY header from a client, and asks for a WebSocket.
func (l *dashboardLab) dial(t *testing.T, path, client string) *dashboardClient {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			_, err = c.Write([]byte("PROXY TCP4 " + client + " 127.0.0.1 1 1\r\n"))
		}
		return c, err
	}}
	c, _, err := websocket.Dial(t.Context(), "ws://127.0.0.1:"+l.port+path, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	return &dashboardClient{c, err}
}

// dashboardClient is a client whose handshake has been answered.
type dashboardClient struct {
	*websocket.Conn
	err error
}

// comeAndGo has clients that stay for a second at most, and one that is refused,
// since it always has one tunnel already.
func (l *dashboardLab) comeAndGo(t *testing.T) {
	t.Helper()
	const limited = "198.51.100.9"
	first := l.dial(t, "/limited", limited)
	if first.err != nil {
		t.Fatal(first.err)
	}
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		<-done
		_ = first.CloseNow()
	})
	go func() {
		defer close(done)
		again := time.NewTicker(100 * time.Millisecond)
		defer again.Stop()
		var open []*dashboardClient
		for n := 0; ctx.Err() == nil; n++ {
			l.dial(t, "/limited", limited)
			if c := l.dial(t, "/feed/news", fmt.Sprintf("192.0.2.%d", n%200)); c.err == nil {
				open = append(open, c)
			}
			if len(open) > n%9 {
				_ = open[0].Close(websocket.StatusNormalClosure, "")
				open = open[1:]
			}
			select {
			case <-again.C:
			case <-ctx.Done():
			}
		}
		for _, c := range open {
			_ = c.CloseNow()
		}
	}()
}

// talk opens a tunnel of a client of its own, and talks until it ends.
func (l *dashboardLab) talk(t *testing.T, path string, size int) {
	t.Helper()
	l.clients++
	c := l.dial(t, path, fmt.Sprintf("203.0.113.%d", l.clients))
	if c.err != nil {
		t.Fatal(c.err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	go func() {
		again := time.NewTicker(time.Duration(20+size%80) * time.Millisecond)
		defer again.Stop()
		message := []byte(strings.Repeat("x", size))
		for ; c.Write(context.Background(), websocket.MessageText, message) == nil; <-again.C {
			if _, _, err := c.Read(context.Background()); err != nil {
				return
			}
		}
	}()
}

// header sends a PROXY header that is none, and waits until it is refused.
func (l *dashboardLab) header(t *testing.T, text string) {
	t.Helper()
	c, err := net.Dial("tcp", "127.0.0.1:"+l.port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Fatalf("%d bytes came", n)
	}
}

// promSeries is a series as Prometheus answers.
type promSeries struct {
	Metric map[string]string
	Value  promPoint
	Values []promPoint
}

// promPoint is a time in seconds, and a value.
type promPoint struct{ at, value float64 }

func (p *promPoint) UnmarshalJSON(text []byte) (err error) {
	var value string
	if err := json.Unmarshal(text, &[]any{&p.at, &value}); err != nil {
		return err
	}
	p.value, err = strconv.ParseFloat(value, 64)
	return err
}

// ask asks Prometheus.
func (l *dashboardLab) ask(t *testing.T, path string, values url.Values) (all []promSeries) {
	t.Helper()
	resp, err := http.PostForm("http://"+l.prometheus+"/api/v1/"+path, values)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Error string
		Data  struct{ Result []promSeries }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Error != "" {
		t.Fatalf("%v: %v %s", values, err, answer.Error)
	}
	return answer.Data.Result
}

// awaitAll waits until so many series of a metric, or more, are as they should be.
func (l *dashboardLab) awaitAll(t *testing.T, metric string, n int, condition string) {
	t.Helper()
	query := "caddy_ws_tunnel_" + metric + " " + condition
	timeout := time.After(wstest.Patience)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for len(l.ask(t, "query", url.Values{"query": {query}})) < n {
		select {
		case <-again.C:
		case <-timeout:
			t.Fatalf("%s does not hold for %d, of %v", query, n, l.ask(t, "query", url.Values{"query": {"caddy_ws_tunnel_" + metric}}))
		}
	}
}

// series asks as a panel does that shows the time from begin to end.
func (l *dashboardLab) series(t *testing.T, expr, legend string, begin, end time.Time) (all []boardSeries) {
	t.Helper()
	second := func(at time.Time) string { return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64) }
	span := strconv.Itoa(int(end.Sub(begin).Seconds()+1)) + "s"
	expr = strings.NewReplacer("$__rate_interval", "1s", "$__range", span, "$instance", ".*", "$name", ".*").Replace(expr)
	for _, s := range l.ask(t, "query_range", url.Values{"query": {expr}, "start": {second(begin)}, "end": {second(end)}, "step": {"0.2"}}) {
		name := legend
		for label, value := range s.Metric {
			name = strings.ReplaceAll(name, "{{"+label+"}}", value)
		}
		all = append(all, boardSeries{name, s.Values})
	}
	return all
}
