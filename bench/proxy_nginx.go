// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
)

func configureNginx(s site, _ string) (arguments, environment []string, err error) {
	tls, certificate, user := "", "", ""
	if s.certificate != "" {
		tls = " ssl"
		certificate = fmt.Sprintf(`ssl_certificate %s;
		ssl_certificate_key %s;
		ssl_protocols TLSv1.3;
		ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;`, s.certificate, s.certificate)
	}
	if os.Geteuid() == 0 {
		user = "user root;" // whoever it is must be able to use the directory
	}
	path, err := s.write("nginx.conf", fmt.Sprintf(`%s
daemon off;
worker_processes 1;
worker_rlimit_nofile %d;
error_log stderr;
pid %s/nginx.pid;

events {
	worker_connections %d;
}

http {
	access_log off;
	client_body_temp_path %[3]s/body;
	proxy_temp_path %[3]s/proxy;
	fastcgi_temp_path %[3]s/fastcgi;
	uwsgi_temp_path %[3]s/uwsgi;
	scgi_temp_path %[3]s/scgi;
	server {
		listen %[5]s%[6]s;
		%[7]s
		location / {
			proxy_pass http://%[8]s;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection upgrade;
			proxy_read_timeout 1h;
			proxy_send_timeout 1h;
		}
	}
}
`, user, s.descriptors, s.dir, s.descriptors-100, s.listen, tls, certificate, s.origin))
	return []string{"-c", path, "-p", s.dir, "-e", "stderr"}, nil, err
}
