// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// examples is what each file of examples/ is said to do.
var examples = map[string]func(t *testing.T, file string){
	"apache-websocket":        exampleApache,
	"aws-elb-proxy-protocol":  exampleELB,
	"cloudflare-origin-rules": exampleCloudflare,
	"demo":                    exampleDemo,
	"haproxy-frontend":        exampleHAProxy,
}

func TestExamples(t *testing.T) {
	files, err := filepath.Glob("examples/*.caddyfile")
	if err != nil || len(files) != len(examples) {
		t.Errorf("there are %d examples and %d tests of them, %v", len(files), len(examples), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".caddyfile")
		t.Run(name, func(t *testing.T) {
			example := examples[name]
			if example == nil {
				t.Fatal("no test")
			}
			exCheckFile(t, file)
			example(t, file)
		})
	}
}

// exCheckFile says what `caddy fmt --diff` and `caddy validate` say.
func exCheckFile(t *testing.T, file string) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(caddyfile.Format(source), source) {
		t.Error("not formatted")
	}
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir) // validating makes an authority
	config := exAdapt(t, file)
	config["storage"] = map[string]any{"module": "file_system", "root": dir}
	raw, err := json.Marshal(config)
	if err == nil {
		err = phValidate(raw)
	}
	if err != nil {
		t.Error(err)
	}
}

func exampleDemo(t *testing.T, file string) {
	s := exRun(t, file, nil)
	if page := s.ask(t, exAsk{port: "8080", host: "localhost", path: "/", fields: wstest.Plain}); !strings.Contains(page.Text, "What the origin saw") {
		t.Errorf("%s: %s", page.Status, page.Text)
	}
	tunnel := s.ask(t, exAsk{port: "8080", host: "localhost", path: "/ws", fields: wstest.Upgrade})
	saw := tunnel.Saw(t)
	if saw.ProxyHeader["version"] != "2" || saw.ProxyHeader["tlv.0x02"] != "6c6f63616c686f7374" || saw.ProxyHeader["tlv.0x05"] == "" {
		t.Errorf("origin saw %v", saw.ProxyHeader)
	}
	tunnel.Echoes(t, "hello")
}
