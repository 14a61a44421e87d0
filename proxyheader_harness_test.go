// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

const (
	phLineV1 = "PROXY TCP4 203.0.113.7 198.51.100.22 56324 443\r\n"
	phSigV2  = "\r\n\r\n\x00\r\nQUIT\n"
	phGet    = "GET / HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"
)

// phSite is a running Caddy with one server.
type phSite struct {
	address string
	logs    logFile
}

// phRun runs Caddy with one site, given the body of `servers { listener_wrappers`
// (without `tls`) and that of the site.
func phRun(t *testing.T, wrappers, site string) phSite {
	t.Helper()
	return phRunOptions(t, wrappers, "", "http://:0", site)
}

func phRunOptions(t *testing.T, wrappers, serverOptions, siteAddress, site string) phSite {
	t.Helper()
	s := phSite{logs: logFile(filepath.Join(t.TempDir(), "log"))}
	phLoad(t, `{
	admin off
	persist_config off
	auto_https off
	log {
		output file `+string(s.logs)+`
		level DEBUG
	}
	servers {
		listener_wrappers {
`+wrappers+`
		}
`+serverOptions+`
	}
}
`+siteAddress+` {
	bind 127.0.0.1
`+site+`
}
`)
	var err error
	if s.address, err = serverAddress(); err != nil {
		t.Fatal(err)
	}
	return s
}

// phLoad adapts a Caddyfile and runs it until the test is over.
func phLoad(t *testing.T, caddyfile string) {
	t.Helper()
	config, err := phAdapt(caddyfile)
	if err != nil {
		t.Fatal(err)
	}
	runConfig(t, config)
}

func phAdapt(caddyfile string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Testfile"})
	return config, err
}

// phValidate says what `caddy validate` says.
func phValidate(config []byte) error {
	cfg := new(caddy.Config)
	if err := json.Unmarshal(config, cfg); err != nil {
		return err
	}
	return caddy.Validate(cfg)
}

// get sends header and a request, and returns the body of the answer, empty
// if not a byte came.
func (s phSite) get(t *testing.T, header string) string {
	t.Helper()
	return s.send(t, header+phGet)
}

func (s phSite) send(t *testing.T, sent string) string {
	t.Helper()
	c := wstest.Dial(t, s.address)
	if _, err := io.WriteString(c, sent); err != nil {
		t.Fatal(err)
	}
	return phBody(t, c)
}

// phBody reads an answer up to its end. A connection that is closed while we
// still send may end in a reset, which is as good an end as any.
func phBody(t *testing.T, c net.Conn) string {
	t.Helper()
	answer, err := io.ReadAll(c)
	if err != nil && os.IsTimeout(err) {
		t.Fatal(err)
	}
	if len(answer) == 0 {
		return ""
	}
	head, body, ok := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !ok || !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
		t.Fatalf("answer %q", answer)
	}
	return string(body)
}

// phVector returns the bytes of a vector of testdata in internal/proxyheader.
func phVector(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("internal/proxyheader/testdata/proxy-header.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Name, Hex string }
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		if v.Name == name {
			return phUnhex(t, v.Hex)
		}
	}
	t.Fatalf("no vector %s", name)
	return ""
}

func phUnhex(t *testing.T, s string) string {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// phCertificate writes a certificate for site.test and its key to files, and
// returns the two names and a client's config that trusts it.
func phCertificate(t *testing.T) (files string, trusting *tls.Config) {
	t.Helper()
	cert, key := wstest.Certificate(t, "site.test")
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, text := range map[string][]byte{certFile: cert, keyFile: key} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return certFile + " " + keyFile, &tls.Config{RootCAs: pool, ServerName: "site.test"}
}
