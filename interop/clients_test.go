// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// lab is a gateway with a site for every kind of client, in front of an echo
// server made with the npm package ws.
type lab struct {
	*program
	origin *program
	config string // of the gateway, in which OPTIONS stands for those of ws_tunnel
	admin  string // address of its endpoint

	command []string // that runs the gateway
	options string   // that it starts with

	http, https, http2, http3 string // the sites' hosts and ports
	cert                      string // their certificate's file
}

func startLab(t *testing.T, options string) *lab {
	t.Helper()
	originPort := wstest.FreePort(t)
	origin := node(t, "server.cjs", originPort)
	origin.listens(t, originPort, nil)
	l := startLabBefore(t, options, originPort)
	l.origin = origin
	return l
}

// startLabBefore starts the gateway alone, in front of what listens on a port.
func startLabBefore(t *testing.T, options, originPort string) *lab {
	t.Helper()
	return labPlan{options: options, originPort: originPort}.start(t)
}

// labPlan is what a lab has that others have not.
type labPlan struct {
	options    string // of ws_tunnel
	originPort string
	global     string   // options of the config
	server     string   // options of its servers
	routes     string   // of all sites, before the others
	sites      string   // further ones
	command    []string // that runs the gateway
}

func (p labPlan) start(t *testing.T) *lab {
	t.Helper()
	cert, key, _ := certificate(t)
	http, https, http2, http3 := wstest.FreePort(t), wstest.FreePort(t), wstest.FreePort(t), wstest.FreePort(t)
	l := &lab{
		admin: "127.0.0.1:" + wstest.FreePort(t), cert: cert,
		http: "localhost:" + http, https: "localhost:" + https, http2: "localhost:" + http2, http3: "localhost:" + http3,
	}
	var servers strings.Builder
	for port, protocols := range map[string]string{http: "h1", https: "h1", http2: "h1 h2", http3: "h1 h2 h3"} {
		servers.WriteString("\tservers 127.0.0.1:" + port + " {\n\t\tprotocols " + protocols + "\n" + p.server + "\t}\n")
	}
	l.config = caddyfile(l.admin, p.global+servers.String(), `
(chat) {
	bind 127.0.0.1
`+p.routes+`	ws_tunnel /chat/* 127.0.0.1:`+p.originPort+` {
		OPTIONS
	}
	root interop/testdata
	file_server
}
http://`+l.http+` {
	import chat
}
https://`+l.https+`, https://`+l.http2+`, https://`+l.http3+` {
	tls `+cert+" "+key+`
	import chat
}
`+p.sites)
	l.command, l.options = p.command, p.options
	l.restart(t)
	return l
}

// restart starts the gateway, which does not run, or no more.
func (l *lab) restart(t *testing.T) {
	t.Helper()
	l.program = startCaddyfileBy(t, l.command, strings.ReplaceAll(l.config, "OPTIONS", l.options))
	for site, config := range map[string]*tls.Config{l.http: nil, l.https: trusting("localhost"), l.http2: trusting("localhost"), l.http3: trusting("localhost")} {
		_, port, _ := strings.Cut(site, ":")
		l.listens(t, port, config)
	}
}

// reload has the gateway's handlers get other options.
func (l *lab) reload(t *testing.T, options string) {
	t.Helper()
	file := writeConfig(t, l.config, map[string]string{"OPTIONS": options})
	start(t, "..", nil, caddy, "reload", "--adapter", "caddyfile", "--config", file, "--address", l.admin).succeeds(t)
}

// stop runs caddy stop.
func (l *lab) stop(t *testing.T) {
	t.Helper()
	start(t, "..", nil, caddy, "stop", "--address", l.admin).succeeds(t)
}

// visitors are the clients that are told apart by the last part of their paths.
var visitors = []struct {
	name, proto string
	visit       func(t *testing.T, l *lab, path string, send int) visit
}{
	{"chromium", "HTTP/1.1", func(t *testing.T, l *lab, path string, send int) visit {
		return visitWithChromium(t, l.https, path, send)
	}},
	{"chromium-http2", "HTTP/2.0", func(t *testing.T, l *lab, path string, send int) visit {
		return visitWithChromium(t, l.http2, path, send)
	}},
	{"npm", "HTTP/1.1", func(t *testing.T, l *lab, path string, send int) visit {
		return visitWithNPM(t, "ws://"+l.http+path, send)
	}},
	{"npm-tls", "HTTP/1.1", func(t *testing.T, l *lab, path string, send int) visit {
		return visitWithNPM(t, "wss://"+l.https+path, send)
	}},
	{"coder", "HTTP/1.1", func(t *testing.T, l *lab, path string, send int) visit {
		return visitWithCoder(t, "ws://"+l.http+path, send)
	}},
}

// visit is a client that has been told to open a tunnel, to send a message
// unless its size is zero, and to stay until it is closed.
type visit struct {
	ended  func() ending
	pinged func(times int) // waits for that; nil if the client does not show it
}

// ending is how a client saw its tunnel end. It is clean if a Close frame came
// and was answered.
type ending struct {
	Code  int
	Clean bool
}

func visitWithChromium(t *testing.T, site, path string, send int) visit {
	t.Helper()
	return visit{ended: browse[ending](t, "https://"+site+"/ending.html?path="+path+"&send="+strconv.Itoa(send))}
}

func visitWithNPM(t *testing.T, url string, send int) visit {
	t.Helper()
	client := node(t, "ending.cjs", url, strconv.Itoa(send))
	return visit{
		ended: func() (saw ending) {
			t.Helper()
			if err := json.Unmarshal([]byte(client.says(t, `"code":`)), &saw); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(client.said(), `"ponged"`) {
				t.Error("the client saw a Pong that it had not asked for")
			}
			return saw
		},
		pinged: func(times int) {
			t.Helper()
			client.says(t, `"pinged"`, `"times":`+strconv.Itoa(times)+"}")
		},
	}
}

func visitWithCoder(t *testing.T, url string, send int) visit {
	t.Helper()
	client := dialCoder(t, url)
	ended := make(chan ending, 1)
	go func() { ended <- client.end() }()
	if send > 0 {
		message := make([]byte, send)
		rand.Read(message)
		_ = client.Write(client.patience, websocket.MessageBinary, message) // if not, the end says why
	}
	return visit{
		ended: func() ending { return <-ended },
		pinged: func(times int) {
			t.Helper()
			for i := range times {
				select {
				case <-client.pings:
				case <-client.patience.Done():
					t.Fatalf("%d Pings, want %d", i, times)
				}
			}
		},
	}
}

// coder is a client made with github.com/coder/websocket.
type coder struct {
	*websocket.Conn
	patience context.Context
	pings    chan struct{}
}

func dialCoder(t *testing.T, url string) *coder {
	t.Helper()
	return dialCoderWith(t, url, new(websocket.DialOptions))
}

func dialCoderWith(t *testing.T, url string, options *websocket.DialOptions) *coder {
	t.Helper()
	patience, cancel := context.WithTimeout(t.Context(), wstest.Patience)
	t.Cleanup(cancel)
	c := &coder{patience: patience, pings: make(chan struct{}, 1000)}
	options.OnPingReceived = func(context.Context, []byte) bool {
		c.pings <- struct{}{}
		return true
	}
	conn, _, err := websocket.Dial(patience, url, options) //nolint:bodyclose // it is the tunnel, or closed
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(-1)
	c.Conn = conn
	return c
}

// end reads up to a Close frame, and answers that.
func (c *coder) end() ending {
	for {
		if _, _, err := c.Read(c.patience); err != nil {
			code := int(websocket.CloseStatus(err))
			return ending{code, code > 0}
		}
	}
}
