// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// toxic is what Toxiproxy does to a connection.
type toxic struct {
	Type       string         `json:"type"`
	Stream     string         `json:"stream"` // upstream or downstream
	Attributes map[string]any `json:"attributes"`

	ends bool // the connection does not outlive it
}

// toxics are all that there are, but for the black hole, which TestCutAtEveryStep has.
var toxics = []toxic{
	{Type: "latency", Attributes: map[string]any{"latency": 60, "jitter": 50}},
	{Type: "bandwidth", Attributes: map[string]any{"rate": 200}},                                      // KB/s
	{Type: "slicer", Attributes: map[string]any{"average_size": 8, "size_variation": 7, "delay": 20}}, // bytes, µs
	{Type: "slow_close", Attributes: map[string]any{"delay": 200}},                                    // ms
	{Type: "limit_data", Attributes: map[string]any{"bytes": 5000}, ends: true},                       // and closes
	{Type: "reset_peer", Attributes: map[string]any{"timeout": 0}, ends: true},
	{Type: "timeout", Attributes: map[string]any{"timeout": 200}, ends: true}, // stops all, and closes then
}

// TestBadNetwork has Toxiproxy make the way to the gateway, or from it to the origin,
// a bad one, in either direction. Tunnels stand what can be stood, without a byte lost,
// and end for the right reason where the connection does.
func TestBadNetwork(t *testing.T) {
	originPort := coderOrigin(t, websocket.CompressionDisabled)
	proxies := startToxiproxy(t)
	type tunnel struct {
		path     string
		toxic    toxic
		atOrigin bool
		way      way
		proxy    string
	}
	var routes strings.Builder
	var planned []tunnel
	for _, toxic := range toxics {
		for _, toxic.Stream = range []string{"upstream", "downstream"} {
			for _, way := range new(lab).ways() {
				name := fmt.Sprintf("origin-%s-%s-%s", toxic.Type, toxic.Stream, way.name)
				fmt.Fprintf(&routes, "\tws_tunnel /bad/%s %s\n", name, proxies.add(t, name, "127.0.0.1:"+originPort))
				planned = append(planned, tunnel{"/bad/" + name, toxic, true, way, name})
				if way.name != "http3" { // Toxiproxy is for TCP
					name := fmt.Sprintf("client-%s-%s-%s", toxic.Type, toxic.Stream, way.name)
					planned = append(planned, tunnel{"/chat/" + name, toxic, false, way, name})
				}
			}
		}
	}
	l := labPlan{originPort: originPort, routes: routes.String(), global: "\tmetrics\n"}.start(t)
	before := l.warmUp(t)
	bystanders := l.standBy(t, 3)
	var open sync.WaitGroup
	for _, tunnel := range planned {
		for _, way := range l.ways() {
			if way.name == tunnel.way.name {
				tunnel.way = way
			}
		}
		var how dialing
		if !tunnel.atOrigin {
			_, address, _ := strings.Cut(tunnel.way.url, "://")
			how.address = proxies.add(t, tunnel.proxy, strings.Replace(address, "localhost", "127.0.0.1", 1))
		}
		httpClient := tunnel.way.client(t, how)
		client := dialCoderWith(t, tunnel.way.url+tunnel.path, &websocket.DialOptions{HTTPClient: httpClient})
		open.Go(func() {
			defer httpClient.CloseIdleConnections()
			client.echoes(t, []byte("the network is still a good one"))
			proxies.poison(t, tunnel.proxy, tunnel.toxic)
			var err error
			for number := range uint64(12) {
				message := noisy(number, 8+200*int(number))
				if err = client.Write(client.patience, websocket.MessageBinary, message); err != nil {
					break
				}
				var got []byte
				if _, got, err = client.Read(client.patience); err != nil {
					break
				}
				if !bytes.Equal(got, message) {
					t.Errorf("%s: message %d of %d bytes came back as %d", tunnel.path, number, len(message), len(got))
				}
			}
			if tunnel.toxic.ends {
				if err == nil || client.patience.Err() != nil {
					t.Errorf("%s: the connection should have ended: %v", tunnel.path, err)
				}
				_ = client.CloseNow()
				return
			}
			if err != nil {
				t.Errorf("%s: %v", tunnel.path, err)
			} else if err := client.Close(4000, "done here"); err != nil {
				t.Errorf("%s: closing: %v", tunnel.path, err)
			}
		})
	}
	open.Wait()
	bystanders.goOn(t)
	bystanders.leaveWell(t)
	for _, tunnel := range planned {
		want := endedWith("client_closed", "client", 4000, 4000)
		switch {
		case tunnel.toxic.ends && tunnel.atOrigin:
			want = endedWith("origin_gone", "origin", 0, 0)
		case tunnel.toxic.ends:
			want = endedWith("client_gone", "client", 0, 0)
		}
		want.Proto = tunnel.way.proto
		got := l.record(t, tunnel.path)
		got.RemoteAddr = ""
		if got != want {
			t.Errorf("%s ended as %+v, want %+v", tunnel.path, got, want)
		}
	}
	l.leavesNothing(t, before)
}

// toxiproxy is a Toxiproxy's endpoint.
type toxiproxy string

func startToxiproxy(t *testing.T) toxiproxy {
	t.Helper()
	port := wstest.FreePort(t)
	start(t, "", []string{"LOG_LEVEL=error"}, peer(t, "server"), "-host", "127.0.0.1", "-port", port).listens(t, port, nil)
	return toxiproxy("http://127.0.0.1:" + port)
}

// add adds a way to somewhere, and returns where it begins.
func (p toxiproxy) add(t *testing.T, name, to string) (address string) {
	t.Helper()
	var added struct{ Listen string }
	p.post(t, "/proxies", map[string]any{"name": name, "listen": "127.0.0.1:0", "upstream": to, "enabled": true}, &added)
	if _, _, err := net.SplitHostPort(added.Listen); err != nil {
		t.Fatal(err)
	}
	return added.Listen
}

func (p toxiproxy) poison(t *testing.T, name string, toxic toxic) {
	t.Helper()
	p.post(t, "/proxies/"+name+"/toxics", toxic, new(struct{}))
}

func (p toxiproxy) post(t *testing.T, path string, body, answer any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(string(p)+path, "application/json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 == 2 {
		err = json.Unmarshal(got, answer)
	}
	if err != nil || resp.StatusCode/100 != 2 {
		t.Fatalf("Toxiproxy answers %s: %s: %s, %v", path, resp.Status, got, err)
	}
}
