// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// Tunnels go where dnsmasq says, and elsewhere once it says otherwise.
func TestOriginsFromDNS(t *testing.T) {
	dir := t.TempDir()
	hosts := filepath.Join(dir, "hosts")
	say := func(address string) {
		if err := os.WriteFile(hosts, []byte(address+" origin.test\n"), 0o644); err != nil { //nolint:gosec // dnsmasq reads it as another user
			t.Fatal(err)
		}
	}
	for _, parent := range []string{dir, filepath.Dir(dir)} { // as that, too
		if err := os.Chmod(parent, 0o755); err != nil { //nolint:gosec // nothing in it is secret
			t.Fatal(err)
		}
	}
	say("127.0.0.2")
	resolver, port, listen := wstest.FreePort(t), wstest.FreePort(t), wstest.FreePort(t)
	dns := start(t, dir, nil, "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--addn-hosts="+hosts, "--log-queries",
		"--bind-interfaces", "--listen-address=127.0.0.1", "--port="+resolver, "--pid-file="+filepath.Join(dir, "pid"), "--local-ttl=0")
	dns.says(t, "read "+hosts)
	asked := make(chan string, 100)
	for _, address := range []string{"127.0.0.2", "127.0.0.3"} {
		ln, err := net.Listen("tcp", net.JoinHostPort(address, port))
		if err != nil {
			t.Fatal(err)
		}
		wstest.Serve(t, ln, func(conn net.Conn) {
			asked <- address
			_, _ = io.ReadAll(conn)
		})
	}
	startCaddy(t, "", "http://:"+listen+` {
	bind 127.0.0.1
	ws_tunnel {
		name found
		handshake_timeout 100ms
		dynamic a origin.test `+port+` {
			resolvers 127.0.0.1:`+resolver+`
			refresh 1ms
		}
	}
}`).says(t, "serving initial configuration")
	// The origins answer nothing: where they were asked is what matters.
	ask(t, listen, nil, "localhost", "/", wstest.Upgrade)
	if at := <-asked; at != "127.0.0.2" {
		t.Errorf("went to %s", at)
	}
	say("127.0.0.3")
	if err := dns.cmd.Process.Signal(syscall.SIGHUP); err != nil { // reads its hosts again
		t.Fatal(err)
	}
	for deadline := time.Now().Add(wstest.Patience); ; {
		ask(t, listen, nil, "localhost", "/", wstest.Upgrade)
		if at := <-asked; at == "127.0.0.3" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the lookup's new answer is not heeded")
		}
	}
}

// An origin that is killed loses its tunnels and gets no more; the other one takes
// them; and when it is back it is used again.
func TestOriginDiesAndComesBack(t *testing.T) {
	listen := wstest.FreePort(t)
	ports := []string{wstest.FreePort(t), wstest.FreePort(t)}
	origin := func(port string) *program {
		p := startCaddy(t, "", "http://:"+port+" {\n\tbind 127.0.0.1\n\theader X-Origin "+port+"\n\tws_echo\n}")
		p.says(t, "serving initial configuration")
		return p
	}
	first := origin(ports[0])
	origin(ports[1])
	gateway := startCaddy(t, "", "http://:"+listen+` {
	bind 127.0.0.1
	ws_tunnel 127.0.0.1:`+ports[0]+" 127.0.0.1:"+ports[1]+` {
		name pair
		lb_policy first
		lb_retries 1
		health websocket / {
			interval 20ms
			healthy 1
			unhealthy 2
		}
	}
}`)
	gateway.says(t, "serving initial configuration")
	open := func() string {
		a := ask(t, listen, nil, "localhost", "/", wstest.Upgrade)
		if a.StatusCode != 101 {
			t.Fatalf("answered %s: %s", a.Status, a.Text)
		}
		t.Cleanup(func() { a.Conn.Close() })
		return a.Header.Get("X-Origin")
	}
	if at := open(); at != ports[0] {
		t.Errorf("went to %s", at)
	}
	_ = syscall.Kill(-first.cmd.Process.Pid, syscall.SIGKILL)
	<-first.ended
	if at := open(); at != ports[1] { // by a retry, or since the check was faster
		t.Errorf("went to %s, which is dead", at)
	}
	gateway.says(t, `"tunnel ended"`, `"reason":"origin_gone"`)
	gateway.says(t, `"origin is unhealthy"`, ports[0])
	origin(ports[0])
	gateway.says(t, `"origin is healthy"`, ports[0])
	if at := open(); at != ports[0] {
		t.Errorf("went to %s, though the first one is back", at)
	}
}
