// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "strings"

// foreign says why a directive that is not in the table is not supported, if the
// module is known that it belongs to.
func foreign(name string) string {
	name = strings.ToLower(name)
	for _, f := range foreignModules {
		for prefix := range strings.FieldsSeq(f.prefixes) {
			if strings.HasPrefix(name, prefix) {
				return f.reason
			}
		}
	}
	return ""
}

// foreignModules are known by how their directives begin.
var foreignModules = []struct{ prefixes, reason string }{
	{"auth gssapi krb cas mellon shib session anonymous", "it decides who somebody is, and only AuthType Basic with password files is there"},
	{"oidc oauth2", "it decides who somebody is; use a Caddy plugin for OpenID Connect"},
	{"sec", "it restricts access; use the Coraza plugin of Caddy"},
	{"dos qs_ evasive bandwidth cband", "it restricts access; use a plugin of Caddy that limits rates"},
	{"geoip maxminddb ip2location", "what it finds out may decide about access; use a plugin of Caddy that knows countries"},
	{"wsgi", "run the application with a WSGI server, and proxy to that"},
	{"passenger rails", "run the application with its own server, and proxy to that"},
	{"perl python lua php suphp fcgid fastcgi cgi scriptsock", "no programs are run; run the application with its own server, and proxy to that"},
	{"jk", "let Tomcat speak HTTP, and use ProxyPass to that port in place of JkMount"},
	{"proxyhtml proxyxml substitute pagespeed modpagespeed extfilter inputsed outputsed ssi ssl_ssi", "what origins answer is not rewritten; let the application know its public address"},
	{"proxyhc heartbeat", "there are no health checks; without them, members of a balancer that do not answer are passed over"},
	{"proxyexpress proxyftp proxyscgi", "use ProxyPass"},
	{"dav svn", "run the application with its own server, and proxy to that"},
	{"virtual userdir", "name the virtual hosts and their folders"},
	{"xsendfile", "files are not sent in the place of answers; let the application send them"},
	{"assignuserid", "all runs as one user"},
}
