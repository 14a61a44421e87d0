// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

func init() {
	caddy.RegisterNetwork(exNetwork, exListen)
	caddy.RegisterModule(exCertificates{})
}

// exSite is a running example.
type exSite struct {
	ports map[string]string // of the example, to the address that stands for it
	logs  logFile
	trust *x509.CertPool
}

// exRun runs an example until the test is over. Each port that it listens on
// becomes one that the system chose; so does each port of an origin, unless
// origins names the address to use. changes are made to the config last.
func exRun(t *testing.T, file string, origins map[string]string, changes ...func(config any)) *exSite {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, dir)
	}
	config := exAdapt(t, file)
	s := &exSite{ports: make(map[string]string), logs: logFile(filepath.Join(dir, "log"))}
	names := exAddressesOf(t, config, s.ports)
	for port, address := range origins {
		s.ports[port] = address
	}
	exWalk(config, func(object map[string]any) { exMoveOrigins(t, object, s.ports) })
	for _, change := range changes {
		change(config)
	}
	config["admin"] = map[string]any{"disabled": true, "config": map[string]any{"persist": false}}
	config["storage"] = map[string]any{"module": "file_system", "root": dir}
	config["logging"] = map[string]any{"logs": map[string]any{"default": map[string]any{
		"level": "DEBUG", "writer": map[string]any{"output": "file", "filename": s.logs},
	}}}
	exKeepTrust(t, config, len(names) > 0)
	config["apps"].(map[string]any)["events"] = map[string]any{"subscriptions": []any{map[string]any{
		"events": []string{"cached_managed_cert"}, "handlers": []any{map[string]any{"handler": "example"}},
	}}}

	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	exCertificate = make(chan struct{}, len(names))
	runConfig(t, raw)
	for range names {
		select {
		case <-exCertificate:
		case <-time.After(wstest.Patience):
			t.Fatal("a certificate did not come")
		}
	}
	if len(names) > 0 {
		s.trust = exTrust(t, filepath.Join(dir, "pki/authorities/local/root.crt"))
	}
	return s
}

// exAdapt is the config of an example, without the warnings that an example
// must not have.
func exAdapt(t *testing.T, file string) map[string]any {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(source, map[string]any{"filename": file})
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range warnings {
		t.Error(warning)
	}
	var config map[string]any
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	return config
}

// exAddressesOf opens a listener for each address that config listens on, and
// makes config use them. It returns the names that certificates are made for.
func exAddressesOf(t *testing.T, config map[string]any, ports map[string]string) (names []any) {
	t.Helper()
	apps := config["apps"].(map[string]any)
	for _, server := range apps["http"].(map[string]any)["servers"].(map[string]any) {
		server := server.(map[string]any)
		server["protocols"] = []string{"h1", "h2"} // HTTP/3 has no listener to put in
		listen := server["listen"].([]any)
		for i, address := range listen {
			_, port, err := net.SplitHostPort(address.(string))
			if err != nil {
				t.Fatal(err)
			}
			ln := wstest.Listen(t)
			exListeners[port] = ln
			ports[port] = ln.Addr().String()
			listen[i] = exNetwork + "/" + address.(string)
		}
	}
	if app, ok := apps["tls"].(map[string]any); ok {
		for _, policy := range app["automation"].(map[string]any)["policies"].([]any) {
			names = append(names, policy.(map[string]any)["subjects"].([]any)...)
		}
	}
	return names
}

// exKeepTrust wants an example that makes certificates to leave the system's
// trust store alone, and sees to it that no test touches that in any case.
func exKeepTrust(t *testing.T, config map[string]any, certificates bool) {
	t.Helper()
	left := false
	exWalk(config, func(object map[string]any) {
		if install, ok := object["install_trust"].(bool); ok {
			left = !install
		}
	})
	if certificates && !left {
		t.Error("the example has no skip_install_trust")
	}
	config["apps"].(map[string]any)["pki"] = map[string]any{"certificate_authorities": map[string]any{
		"local": map[string]any{"install_trust": false},
	}}
}

// exMoveOrigins gives the origins of a handler the addresses of ports.
func exMoveOrigins(t *testing.T, object map[string]any, ports map[string]string) {
	t.Helper()
	move := func(address string) string {
		at := strings.LastIndex(address, ":")
		moved, ok := ports[address[at+1:]]
		if !ok {
			t.Fatalf("nobody stands for origin %s", address)
		}
		if strings.HasPrefix(moved, "unix/") {
			return moved
		}
		return address[:at] + moved[strings.LastIndex(moved, ":"):]
	}
	if origins, ok := object["origins"].([]any); ok && object["handler"] == "ws_tunnel" {
		for i := range origins {
			origins[i] = move(origins[i].(string))
		}
	}
	if port, ok := object["port"].(string); ok && object["handler"] == "ws_tunnel" {
		object["port"] = strings.TrimPrefix(move(":"+port), ":")
	}
	if dial, ok := object["dial"].(string); ok {
		object["dial"] = move(dial)
	}
}

// exWalk visits every object of a config.
func exWalk(value any, visit func(object map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		visit(value)
		for _, member := range value {
			exWalk(member, visit)
		}
	case []any:
		for _, element := range value {
			exWalk(element, visit)
		}
	}
}

func exTrust(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	root, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(root) {
		t.Fatalf("no certificate in %s", file)
	}
	return pool
}

// exNetwork is a network whose listeners are there before the config is, so
// that the config can be told their ports.
const exNetwork = "example"

var exListeners = make(map[string]net.Listener) // by the port in the example

func exListen(_ context.Context, _, _, port string, _ uint, _ net.ListenConfig) (any, error) {
	if ln := exListeners[port]; ln != nil {
		return ln, nil
	}
	return nil, fmt.Errorf("no listener for port %s", port)
}

// exCertificate has a value for each certificate that is ready to be used.
var exCertificate chan struct{}

// exCertificates fills exCertificate.
type exCertificates struct{}

func (exCertificates) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.example", New: func() caddy.Module { return new(exCertificates) }}
}

func (exCertificates) Handle(context.Context, caddy.Event) error {
	exCertificate <- struct{}{}
	return nil
}

// Interface guards
var _ caddyevents.Handler = exCertificates{}
