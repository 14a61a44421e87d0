// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

func configureOurs(s site, _ string) (arguments, environment []string, err error) {
	directive := "ws_tunnel " + s.origin
	if s.heartbeat > 0 {
		directive += " {\n\t\theartbeat " + s.heartbeat.String() + "\n\t}"
	}
	return configureCaddy(s, directive)
}

// configureStock asks for WebSockets over HTTP/2, which Go does not offer
// unless told to; ws_tunnel sees to that itself.
func configureStock(s site, _ string) (arguments, environment []string, err error) {
	arguments, environment, err = configureCaddy(s, "reverse_proxy "+s.origin)
	return arguments, append(environment, "GODEBUG=http2xconnect=1"), err
}

func configureCaddy(s site, directive string) (arguments, environment []string, err error) {
	address := "http://" + s.listen
	if s.certificate != "" {
		address = "https://" + s.listen
		directive = fmt.Sprintf("tls %s %s\n\t%s", s.certificate, s.certificate, directive)
	}
	path, err := s.write("Caddyfile", fmt.Sprintf(`{
	admin off
	persist_config off
	auto_https off
}

%s {
	bind 127.0.0.1
	%s
}
`, address, directive))
	return []string{"run", "--config", path, "--adapter", "caddyfile"},
		[]string{"GOMAXPROCS=1", "HOME=" + s.dir, "XDG_DATA_HOME=" + s.dir, "XDG_CONFIG_HOME=" + s.dir}, err
}
