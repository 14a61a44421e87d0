// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"crypto/tls"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// startCaddy runs the gateway's binary, be it as the gateway or as a stock
// Caddy, with the global options that a test needs and a config.
func startCaddy(t *testing.T, options, sites string) *program {
	t.Helper()
	return startCaddyfile(t, caddyfile("off", options, sites))
}

// caddyfile is a config with an admin endpoint, and with the global options that
// a test needs beside those of all tests.
func caddyfile(admin, options, sites string) string {
	return "{\n\tadmin " + admin + "\n\tauto_https off\n\tskip_install_trust\n" +
		"\tlog {\n\t\toutput stdout\n\t\tformat json\n\t\tlevel DEBUG\n\t}\n" + options + "}\n" + sites
}

// startExample runs an example with other ports, and without the admin API. Ports that
// it does not name in ports become free ones, and are added there.
func startExample(t *testing.T, name string, ports map[string]string) *program {
	t.Helper()
	return startExampleWith(t, name, ports, strings.Clone)
}

// startExampleWith makes a further change to the example.
func startExampleWith(t *testing.T, name string, ports map[string]string, change func(text string) string, env ...string) *program {
	t.Helper()
	source, err := os.ReadFile("../examples/" + name + ".caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	port := regexp.MustCompile(`:(\d{4})\b|\bport (\d{4})\b`)
	text := port.ReplaceAllStringFunc(string(source), func(found string) string {
		at := len(found) - 4
		if ports[found[at:]] == "" {
			ports[found[at:]] = wstest.FreePort(t)
		}
		return found[:at] + ports[found[at:]]
	})
	text = strings.Replace(text, "\n{\n", "\n{\n\tadmin off\n", 1)
	return startCaddyfile(t, change(text), env...)
}

func startCaddyfile(t *testing.T, text string, env ...string) *program {
	t.Helper()
	return startCaddyfileBy(t, nil, text, env...)
}

// startCaddyfileBy has a command run the gateway.
func startCaddyfileBy(t *testing.T, command []string, text string, env ...string) *program {
	t.Helper()
	// Without this, an internal authority goes into the system's trust store.
	if !strings.Contains(text, "\tskip_install_trust\n") {
		t.Fatal("a config must have skip_install_trust")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env = append(env, "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	command = append(command, caddy, "run", "--adapter", "caddyfile", "--config", file)
	return start(t, "..", env, command[0], command[1:]...)
}

// record is what the gateway's log says of a tunnel that has ended.
type record struct {
	Reason, Side, Proto string
	RemoteAddr          string `json:"remote_addr"`
	ToOrigin            struct {
		Code int `json:"close_code"`
	} `json:"to_origin"`
	ToClient struct {
		Code int `json:"close_code"`
	} `json:"to_client"`
}

// record waits for the record of the tunnel that was opened at a path.
func (p *program) record(t *testing.T, path string) (r record) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.says(t, `"tunnel ended"`, `"path":"`+path+`"`)), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// trusting is TLS with a server whose certificate is not looked at: it is the
// test's own, and what is tested is not TLS.
func trusting(serverName string) *tls.Config {
	return &tls.Config{ServerName: serverName, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}
}

// certificate makes a certificate for localhost, in two files and in one with
// both.
func certificate(t *testing.T) (cert, key, both string) {
	t.Helper()
	certPEM, keyPEM := wstest.Certificate(t, "localhost")
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // servers read it as another user
			t.Fatal(err)
		}
		return file
	}
	return write("cert.pem", certPEM), write("key.pem", keyPEM), write("both.pem", append(certPEM, keyPEM...))
}

// writeConfig writes the config of a program, in which NAME stands for a value
// of values.
func writeConfig(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	for name, value := range values {
		text = strings.ReplaceAll(text, name, value)
	}
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // as above
		t.Fatal(err)
	}
	return file
}
