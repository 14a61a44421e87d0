// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// site is what a proxy is asked to do: carry WebSockets from listen to origin.
type site struct {
	dir            string        // for its files
	listen, origin string        // host:port
	certificate    string        // a PEM file with the key; "": no TLS
	heartbeat      time.Duration // after which silent peers are asked whether they are still there; 0: never
	descriptors    int           // that it may open
}

// proxy is one of the programs that are compared.
type proxy struct {
	name, label string
	programs    []string // what it may be called
	goProgram   bool

	// configure writes its files and says what to run.
	configure func(s site, program string) (arguments, environment []string, err error)

	program string // as found; "": missing
}

// The names of the proxies that others are compared to.
const (
	ours    = "ours"
	stock   = "stock"
	haproxy = "haproxy"
	bare    = "bare" // no proxy, but the least that one could cost
)

// usualProxies are those that are compared unless others are named.
const usualProxies = "ours,stock,haproxy,nginx,apache"

// allProxies are in the order of the table.
func allProxies() []*proxy {
	return []*proxy{
		{name: ours, label: "ws_tunnel", goProgram: true, configure: configureOurs},
		{name: stock, label: "reverse_proxy", goProgram: true, configure: configureStock},
		{name: haproxy, label: "HAProxy", programs: []string{"haproxy"}, configure: configureHAProxy},
		{name: "nginx", label: "nginx", programs: []string{"nginx"}, configure: configureNginx},
		{name: "apache", label: "Apache", programs: []string{"apache2", "httpd"}, configure: configureApache},
		{name: bare, label: "bare relay", programs: thisProgram(), configure: configureBare},
	}
}

// find looks for a program on PATH and where administrators' programs are.
func find(names []string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
				return path
			}
		}
	}
	return ""
}

// write makes a file of a site.
func (s site) write(name, text string) (path string, err error) {
	path = filepath.Join(s.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
