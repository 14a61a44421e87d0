// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

const (
	phLineV1 = "PROXY TCP4 203.0.113.7 198.51.100.22 56324 443\r\n"
	phSigV2  = "\r\n\r\n\x00\r\nQUIT\n"
	phGet    = "GET / HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"
)

// phSite is a running Caddy with one server.
type phSite struct {
	address string
	logs    string // a file
}

// phRun runs Caddy with one site, given the body of `servers { listener_wrappers`
// (without `tls`) and that of the site.
func phRun(t *testing.T, wrappers, site string) phSite {
	t.Helper()
	return phRunOptions(t, wrappers, "", "http://:0", site)
}

func phRunOptions(t *testing.T, wrappers, serverOptions, siteAddress, site string) phSite {
	t.Helper()
	s := phSite{logs: filepath.Join(t.TempDir(), "log")}
	phLoad(t, `{
	admin off
	persist_config off
	auto_https off
	log {
		output file `+s.logs+`
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
	app, err := caddy.ActiveContext().AppIfConfigured("http")
	if err != nil {
		t.Fatal(err)
	}
	for _, srv := range app.(*caddyhttp.App).Servers {
		s.address = srv.Listeners()[0].Addr().String()
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
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
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

func (s phSite) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c
}

// get sends header and a request, and returns the body of the answer, empty
// if not a byte came.
func (s phSite) get(t *testing.T, header string) string {
	t.Helper()
	return s.send(t, header+phGet)
}

func (s phSite) send(t *testing.T, sent string) string {
	t.Helper()
	c := s.dial(t)
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

// logLines returns the lines of the log that hold text.
func (s phSite) logLines(t *testing.T, text string) []map[string]any {
	t.Helper()
	raw, err := os.ReadFile(s.logs)
	if err != nil {
		t.Fatal(err)
	}
	var found []map[string]any
	for line := range strings.Lines(string(raw)) {
		if !strings.Contains(line, text) {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		found = append(found, fields)
	}
	return found
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
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{"site.test"},
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der},
		keyFile:  {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return certFile + " " + keyFile, &tls.Config{RootCAs: pool, ServerName: "site.test"}
}
