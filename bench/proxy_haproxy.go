// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

func configureHAProxy(s site, _ string) (arguments, environment []string, err error) {
	tls := ""
	if s.certificate != "" {
		tls = " ssl crt " + s.certificate
	}
	path, err := s.write("haproxy.cfg", fmt.Sprintf(`global
	nbthread 1
	maxconn %d
	ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256

defaults
	mode http
	timeout connect 5s
	timeout client 1m
	timeout server 1m
	timeout tunnel 1h

listen site
	bind %s%s
	server origin %s
`, (s.descriptors-100)/2, s.listen, tls, s.origin))
	return []string{"-db", "-f", path}, nil, err
}
