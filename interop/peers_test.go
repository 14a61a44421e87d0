// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// peer is the path of a program of the module peers: gorilla, h2spec, or server,
// which is Toxiproxy's.
func peer(t *testing.T, name string) string {
	t.Helper()
	dir, err := peers()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

var peers = sync.OnceValues(func() (dir string, err error) {
	dir = filepath.Join(filepath.Dir(caddy), "peers")
	out, err := exec.Command("go", "-C", "peers", "build", "-o", dir+"/",
		"./gorilla", "github.com/summerwind/h2spec/cmd/h2spec", "github.com/Shopify/toxiproxy/v2/cmd/server").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the peers: %w\n%s", err, out)
	}
	return dir, nil
})
