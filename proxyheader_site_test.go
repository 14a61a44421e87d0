// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

const phFacts = `respond "{client_ip} {remote_host}:{http.request.remote.port} {http.proxy_header.source.host} {http.proxy_header.source.port} {http.proxy_header.destination} {http.proxy_header.peer.host} {http.proxy_header.version}{http.proxy_header.command} {http.proxy_header.aws.vpce_id}{http.proxy_header.authority}"`

func TestProxyHeaderSite(t *testing.T) {
	site := phRun(t, "proxy_header 127.0.0.1", phFacts)
	for name, test := range map[string]struct{ header, want string }{
		"version 1": {phLineV1, "203.0.113.7 203.0.113.7:56324 203.0.113.7 56324 198.51.100.22:443 127.0.0.1 1PROXY "},
		"IPv6":      {phVector(t, "v2-tcp6"), "2001:db8::1 2001:db8::1:56324 2001:db8::1 56324 [2001:db8::2]:443 127.0.0.1 2PROXY "},
		"AWS NLB":   {phVector(t, "sender-aws-nlb-vpce-example"), "172.31.7.113 172.31.7.113:51442 172.31.7.113 51442 172.31.10.31:80 127.0.0.1 2PROXY vpce-08d2bf15fac5001c9"},
		"none":      {"", ""},
		"two":       {phLineV1 + phLineV1, "400"},
	} {
		if test.want == "400" { // the second header is the client's data, and bad HTTP
			c := wstest.Dial(t, site.address)
			_, _ = io.WriteString(c, test.header+phGet)
			if answer, _ := io.ReadAll(c); !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
				t.Errorf("%s: %q", name, answer)
			}
			continue
		}
		if got := site.get(t, test.header); got != test.want {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, test.want)
		}
	}

	// LOCAL: the socket's own endpoints.
	got := site.get(t, phVector(t, "sender-aws-nlb-health-check"))
	if !strings.HasPrefix(got, "127.0.0.1 127.0.0.1:") || !strings.HasSuffix(got, "    127.0.0.1 2LOCAL ") {
		t.Errorf("LOCAL: %q", got)
	}
}

// TestProxyHeaderTLS has TLS behind the header, over both versions of HTTP that
// come through a listener, with the header in single bytes.
func TestProxyHeaderTLS(t *testing.T) {
	files, trusting := phCertificate(t)
	site := phRunOptions(t, "proxy_header 127.0.0.1\ntls", "", "https://site.test:0", "tls "+files+"\n"+phFacts)
	for header, want := range map[string]string{
		phLineV1:                           "203.0.113.7 203.0.113.7:56324 203.0.113.7 56324 198.51.100.22:443 127.0.0.1 1PROXY ",
		phVector(t, "v2-tlv-noop-pad-mid"): "203.0.113.7 203.0.113.7:56324 203.0.113.7 56324 198.51.100.22:443 127.0.0.1 2PROXY pp.example.test",
	} {
		raw := wstest.Dial(t, site.address)
		for _, b := range []byte(header) {
			if _, err := raw.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		c := tls.Client(raw, trusting)
		if _, err := io.WriteString(c, phGet); err != nil {
			t.Fatal(err)
		}
		if got := phBody(t, c); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if err := tls.Client(wstest.Dial(t, site.address), trusting).Handshake(); err == nil {
		t.Error("TLS without a header")
	}

	transport := &http.Transport{
		TLSClientConfig:   trusting,
		ForceAttemptHTTP2: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			c := wstest.Dial(t, site.address)
			_, err := io.WriteString(c, phLineV1)
			return c, err
		},
	}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("https://site.test/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.ProtoMajor != 2 || !strings.HasPrefix(string(body), "203.0.113.7 203.0.113.7:56324 203.0.113.7 ") {
		t.Errorf("%s: %q, %v", response.Proto, body, err)
	}
}

// TestProxyHeaderWrapped looks for the facts below the connections that Caddy
// wraps when only one version of HTTP is on.
func TestProxyHeaderWrapped(t *testing.T) {
	site := phRunOptions(t, "proxy_header 127.0.0.1", "protocols h1", "http://:0", phFacts)
	want := "203.0.113.7 203.0.113.7:56324 203.0.113.7 56324 198.51.100.22:443 127.0.0.1 1PROXY "
	if got := site.get(t, phLineV1); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestProxyHeaderErrorRoutes wants the facts in error routes, and in the access
// log.
func TestProxyHeaderErrorRoutes(t *testing.T) {
	site := phRun(t, "proxy_header 127.0.0.1", `
	log_append proxied_from {http.proxy_header.source}
	log
	error 418
	handle_errors {
		respond "{http.error.status_code} {http.proxy_header.source}" 200
	}`)
	if got := site.get(t, phLineV1); got != "418 203.0.113.7:56324" {
		t.Errorf("%q", got)
	}
	if lines := site.logs.lines(t, `"proxied_from":"203.0.113.7:56324"`); len(lines) != 1 {
		t.Errorf("%d access log lines", len(lines))
	}
}

func TestProxyHeaderPolicies(t *testing.T) {
	const who = `respond "{remote_host} {http.proxy_header.peer.host} {http.proxy_header.version}"`
	for name, test := range map[string]struct {
		wrapper string
		want    [3]string // without, with a header, with a bad one
	}{
		"optional":     {"optional 127.0.0.1", [3]string{"127.0.0.1 127.0.0.1 ", "203.0.113.7 127.0.0.1 1", ""}},
		"ignore":       {"ignore 127.0.0.1", [3]string{"127.0.0.1 127.0.0.1 ", "127.0.0.1 127.0.0.1 ", ""}},
		"reject first": {"reject 127.0.0.0/8\nrequire 127.0.0.1", [3]string{"", "", ""}},
		"reject last":  {"require 127.0.0.0/8\nreject 127.0.0.1", [3]string{"", "203.0.113.7 127.0.0.1 1", ""}},
		"version 2":    {"require 127.0.0.1\nversions v2", [3]string{"", "", ""}},
		"placeholder":  {"require {env.PH_RANGE}\nreject 0.0.0.0/0", [3]string{"", "203.0.113.7 127.0.0.1 1", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PH_RANGE", "127.0.0.1")
			site := phRun(t, "proxy_header {\n"+test.wrapper+"\n}", who)
			for i, header := range []string{"", phLineV1, "PROXY TCP4 203.0.113.256 198.51.100.22 1 2\r\n"} {
				if got := site.get(t, header); got != test.want[i] {
					t.Errorf("%q: %q, want %q", header, got, test.want[i])
				}
			}
		})
	}
}

// TestProxyHeaderUnlisted: a peer that no rule holds is served, and its header is
// never honoured.
func TestProxyHeaderUnlisted(t *testing.T) {
	site := phRun(t, "proxy_header 192.0.2.1", `respond "{remote_host} {http.proxy_header.peer.host} {http.proxy_header.local.host} {http.proxy_header.source}"`)
	if got := site.get(t, ""); got != "127.0.0.1 127.0.0.1 127.0.0.1 " {
		t.Errorf("%q", got)
	}
	c := wstest.Dial(t, site.address)
	_, _ = io.WriteString(c, phLineV1+phGet)
	if answer, _ := io.ReadAll(c); !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
		t.Errorf("%q", answer)
	}
}

func TestProxyHeaderUnixSocket(t *testing.T) {
	path := t.TempDir() + "/s"
	phLoad(t, `{
	admin off
	persist_config off
	auto_https off
	servers {
		listener_wrappers {
			proxy_header unix
		}
	}
}
http:// {
	bind unix/`+path+`
	respond "{remote_host} {http.proxy_header.source}"
}
`)
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, phLineV1+phGet); err != nil {
		t.Fatal(err)
	}
	if got := phBody(t, c); got != "203.0.113.7 203.0.113.7:56324" {
		t.Errorf("%q", got)
	}
}

func TestMatchProxyHeader(t *testing.T) {
	site := phRun(t, "proxy_header {\noptional 127.0.0.1\n}", `
	@vpce proxy_header aws.vpce_id vpce-none vpce-{query.never}08d2bf15fac5001c9
	@vpceAndSource {
		proxy_header {
			aws.vpce_id
			source.host 192.168.44.10
		}
	}
	@local proxy_header command LOCAL
	@tls expression proxy_header({'ssl.verified': ['true'], 'ssl.cn': 'client.example.test'})
	@gcp proxy_header {
		gcp.psc_id 18446744072646845442
		tlv.0xe0 ffffffffc0a86402
	}
	@azure proxy_header azure.link_id 536870938
	@some proxy_header
	respond @vpce vpce
	respond @vpceAndSource vpce-and-source
	respond @local local
	respond @tls tls
	respond @gcp gcp
	respond @azure azure
	respond @some some
	respond none
	`)
	for vector, want := range map[string]string{
		"sender-aws-nlb-vpce-example":    "vpce",
		"sender-aws-nlb-vpce-capture":    "vpce-and-source",
		"sender-aws-nlb-health-check":    "local",
		"v2-tlv-ssl-full-with-crc":       "tls",
		"v2-tlv-ssl-verify-failed":       "some",
		"v2-tlv-ssl-bad-subtlv":          "some",
		"sender-gcp-psc":                 "gcp",
		"sender-azure-private-link":      "azure",
		"sender-haproxy-send-proxy":      "some",
		"v1-unknown-arbitrary-text":      "none",
		"v2-proxy-inet-transport-unspec": "none",
	} {
		if got := site.get(t, phVector(t, vector)); got != want {
			t.Errorf("%s: %s, want %s", vector, got, want)
		}
	}
	if got := site.get(t, ""); got != "none" {
		t.Errorf("no header: %s", got)
	}
}

func TestProxyHeaderTLSFacts(t *testing.T) {
	site := phRun(t, "proxy_header 127.0.0.1", `respond "{http.proxy_header.ssl.used} {http.proxy_header.ssl.verified} {http.proxy_header.ssl.verify} {http.proxy_header.ssl.version} {http.proxy_header.ssl.cn} {http.proxy_header.ssl.cipher} {http.proxy_header.ssl.sig_alg} {http.proxy_header.ssl.key_alg} {http.proxy_header.ssl.group} {http.proxy_header.ssl.sig_scheme} {http.proxy_header.ssl.client_cert} {http.proxy_header.unique_id} {http.proxy_header.alpn} {http.proxy_header.tlv.0x99}"`)
	for vector, want := range map[string]string{
		"v2-tlv-ssl-full-with-crc":       "true true 0 TLSv1.3 client.example.test TLS_AES_256_GCM_SHA384 RSA-SHA256 RSA2048 X25519 rsa_pss_rsae_sha256    ",
		"v2-tlv-ssl-verify-failed":       "true false 18 TLSv1.2          ",
		"v2-tlv-ssl-4-bytes":             "             ",
		"sender-haproxy-v2-crc-uniqueid": "           pp--0123456789abcdef  ",
		"v2-tlv-noop-pad-mid":            "            h2 ",
		"v2-tlv-unknown-types":           "             ?",
	} {
		if got := site.get(t, phVector(t, vector)); got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", vector, got, want)
		}
	}
}

// TestProxyHeaderMetrics counts outcomes.
func TestProxyHeaderMetrics(t *testing.T) {
	site := phRun(t, "proxy_header 127.0.0.1", "respond x")
	labels := []string{"used", "local", "rejected:no-signature"}
	before := map[string]float64{}
	for _, label := range labels {
		before[label] = phCount(t, label)
	}
	site.get(t, phLineV1)
	site.get(t, phVector(t, "sender-aws-nlb-health-check"))
	site.get(t, "")
	for _, label := range labels {
		if got := phCount(t, label) - before[label]; got != 1 {
			t.Errorf("%s counted %v times", label, got)
		}
	}
}

func phCount(t *testing.T, outcome string) float64 {
	t.Helper()
	var m dto.Metric
	if err := metrics.proxyHeaders.WithLabelValues(outcome).Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}
