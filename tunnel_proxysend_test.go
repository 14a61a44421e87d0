// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
)

// The origin's header has the client's own addresses, wherever the gateway
// learnt them.
func TestSendsProxyHeader(t *testing.T) {
	const fromLoadBalancer = "PROXY TCP4 203.0.113.7 198.51.100.22 56324 443\r\n"
	receive := "servers {\nlistener_wrappers {\nproxy_header 127.0.0.0/8\ntls\n}\n}"
	forwarded := "X-Forwarded-For: 203.0.113.9\r\n"
	tests := []struct {
		name, global, options, first, lines string
		version                             byte
		source, destination                 string // empty: the connection's own
	}{
		{"v1", "", "proxy_protocol v1", "", "", 1, "", ""},
		{"v2", "", "proxy_protocol v2", "", "", 2, "", ""},
		{"as received", receive, "proxy_protocol v1", fromLoadBalancer, "", 1, "203.0.113.7:56324", "198.51.100.22:443"},
		{"as received, other version", receive, "proxy_protocol v2", fromLoadBalancer, "", 2, "203.0.113.7:56324", "198.51.100.22:443"},
		{"received IPv6", receive, "proxy_protocol v2", "PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", "", 2, "[2001:db8::7]:1", "[2001:db8::1]:2"},
		{"mixed families", "servers {\ntrusted_proxies static 127.0.0.0/8\n}", "proxy_protocol v2", "", "X-Forwarded-For: 2001:db8::9\r\n", 2, "[2001:db8::9]:0", "mapped"},
		{"trusted proxy's client", "servers {\ntrusted_proxies static 127.0.0.0/8\n}", "proxy_protocol v1", "", forwarded, 1, "203.0.113.9:0", ""},
		{"nobody trusted", "", "proxy_protocol v1", "", forwarded, 1, "", ""},
	}
	for _, test := range tests {
		for suffix, secure := range map[string]*tls.Config{"": nil, " before TLS": serverConfig(t)} {
			t.Run(test.name+suffix, func(t *testing.T) {
				origin, questions := askingOrigin(t, secure, true, "")
				options := test.options
				if secure != nil {
					options += "\ntls {\ntls_insecure_skip_verify\n}"
				}
				g := startGateway(t, false, test.global, "ws_tunnel "+origin+" {\n"+options+"\n}")
				c := g.dial()
				c.send(test.first + handshakeOf("/", test.lines))
				c.readHead()
				h := (<-questions).proxy
				source, destination := c.LocalAddr().String(), c.RemoteAddr().String()
				if test.source != "" {
					source = test.source
				}
				if test.destination != "" && test.destination != "mapped" {
					destination = test.destination
				}
				if h.Version != test.version || h.Command != proxyheader.Proxy || h.Source != netip.MustParseAddrPort(source) ||
					h.Destination != netip.MustParseAddrPort(destination) {
					t.Errorf("sent %+v, want v%d from %s to %s", h, test.version, source, destination)
				}
				c.Close()
				if r := g.await("tunnel ended"); r["handshake"].(map[string]any)["proxy"].(float64) <= 0 {
					t.Errorf("record %v", r)
				}
			})
		}
	}
}

func TestSendsTLVs(t *testing.T) {
	origin, questions := askingOrigin(t, nil, true, "")
	g := startGateway(t, true, "servers {\nprotocols h1 h2\nlistener_wrappers {\nproxy_header 127.0.0.0/8\ntls\n}\n}", "ws_tunnel "+origin+` {
		proxy_protocol v2 {
			tlv authority
			tlv alpn
			tlv ssl
			tlv unique_id
			tlv 0xE5 "zone {http.request.header.X-Zone}"
			tlv 0xE6 {http.request.header.X-Absent}
			tlv crc32c
			pass 0xEA alpn
		}
	}`)
	received := proxyheader.Header{
		Version: 2, Command: proxyheader.Proxy,
		Source: netip.MustParseAddrPort("203.0.113.7:1"), Destination: netip.MustParseAddrPort("203.0.113.8:2"),
	}
	received.TLVs = received.TLVs.Append(0xEA, []byte("\x01vpce-0123")).Append(proxyheader.ALPN, []byte("received")).
		Append(0xEB, []byte("not passed")).AppendChecksum()
	wire, err := received.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := net.Dial("tcp", g.address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Write(wire); err != nil {
		t.Fatal(err)
	}
	c := newPeer(t, tls.Client(raw, g.client))
	c.send(handshakeOf("/", "X-Zone: blue\r\n"))
	c.readHead()
	h := (<-questions).proxy
	c.Close()
	ended := g.await("tunnel ended")

	want := map[proxyheader.Type]string{
		0xEA: "\x01vpce-0123", proxyheader.ALPN: "received", proxyheader.Authority: "site.test",
		proxyheader.UniqueID: ended["id"].(string), 0xE5: "zone blue",
	}
	seen := 0
	for typ, value := range h.TLVs.All() {
		if text, ok := want[typ]; ok && string(value) == text {
			seen++
		} else if typ != proxyheader.SSLInfo && typ != proxyheader.CRC32C { // the checksum was verified by reading
			t.Errorf("TLV 0x%02X %s", byte(typ), hex.EncodeToString(value))
		}
	}
	if _, ok := h.TLVs.Get(proxyheader.CRC32C); seen != len(want) || !ok {
		t.Errorf("%d of %d TLVs, checksum %v", seen, len(want), ok)
	}
	if ssl, ok := h.TLVs.SSL(); !ok || ssl.Version != "TLSv1.3" || ssl.Client != proxyheader.SSLUsed || ssl.Cipher == "" {
		t.Errorf("SSL %+v", ssl)
	}
}

// A client on a Unix socket has no address to tell.
func TestProxyHeaderForUnixClient(t *testing.T) {
	for version, command := range map[string]proxyheader.Command{"v1": proxyheader.Proxy, "v2": proxyheader.Local} {
		t.Run(version, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "gateway.sock")
			origin, questions := askingOrigin(t, nil, true, "")
			phLoad(t, "{\nadmin off\npersist_config off\n}\nhttp:// {\nbind unix/"+socket+"\nws_tunnel "+origin+" {\nproxy_protocol "+version+"\n}\n}")
			conn, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			c := newPeer(t, conn)
			c.send(handshakeOf("/", ""))
			c.readHead()
			if h := (<-questions).proxy; h.HasAddresses() || h.Command != command {
				t.Errorf("sent %+v", h)
			}
			c.Close()
			nothingLeft(t)
		})
	}
}
