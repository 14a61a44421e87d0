// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// apacheModules are those that a distribution may have built in or not.
var apacheModules = []string{"unixd", "mpm_event", "authz_core", "socache_shmcb", "ssl", "proxy", "proxy_http", "proxy_wstunnel"}

// configureApache lets it start as many threads as it has tunnels: it needs
// one for each.
func configureApache(s site, _ string) (arguments, environment []string, err error) {
	dir := ""
	for _, candidate := range []string{"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules", "/usr/libexec/apache2", "/usr/local/apache2/modules"} {
		if _, err := os.Stat(filepath.Join(candidate, "mod_proxy_wstunnel.so")); err == nil {
			dir = candidate
		}
	}
	if dir == "" {
		return nil, nil, errors.New("no mod_proxy_wstunnel.so where modules usually are")
	}
	var config strings.Builder
	for _, name := range apacheModules {
		file := filepath.Join(dir, "mod_"+name+".so")
		if _, err := os.Stat(file); err == nil {
			fmt.Fprintf(&config, "<IfModule !%s_module>\n\tLoadModule %[1]s_module %s\n</IfModule>\n", name, file)
		}
	}
	if os.Geteuid() == 0 {
		config.WriteString(apacheUser())
	}
	tls := ""
	if s.certificate != "" {
		tls = fmt.Sprintf("SSLEngine on\nSSLCertificateFile %s\nSSLProtocol TLSv1.3\nSSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256\nSSLSessionCache none\n", s.certificate)
	}
	fmt.Fprintf(&config, `ServerName localhost
ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/apache.pid
ErrorLog %[1]s/apache.log
Mutex pthread
Listen %[2]s
ListenBacklog 4096
ThreadLimit 1000
ThreadsPerChild 500
ServerLimit 20
StartServers 1
MinSpareThreads 200
MaxSpareThreads 10000
MaxRequestWorkers 10000
Timeout 3600
KeepAliveTimeout 3600
%[3]sProxyPass / http://%[4]s/ upgrade=websocket
`, s.dir, s.listen, tls, s.origin)
	path, err := s.write("apache.conf", config.String())
	return []string{"-D", "FOREGROUND", "-f", path}, nil, err
}

// apacheUser names somebody to run as: root is not allowed.
func apacheUser() string {
	for _, name := range []string{"www-data", "apache", "http", "daemon", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		return fmt.Sprintf("User #%s\nGroup #%s\n", account.Uid, account.Gid)
	}
	return ""
}
