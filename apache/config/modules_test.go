// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// TestModuleNotFound is about sections of modules that httpd may have: what keeps
// somebody out must not be left out with them.
func TestModuleNotFound(t *testing.T) {
	for _, tc := range []struct{ conf, want string }{
		{"<IfModule mod_auth_openidc.c>\n<Location />\nAuthType openid-connect\nRequire valid-user\n</Location>\n</IfModule>", "chat.conf:3: AuthType is for a module"},
		{"<Location />\n<IfModule authnz_ldap_module>\nrequire ldap-user ann\n</IfModule>\n</Location>", "chat.conf:3: require is for a module"},
		{"<IfModule mod_x.c>\n<IfModule mod_ssl.c>\n<Location />\nDeny from all\n</Location>\n</IfModule>\n</IfModule>", "by <IfModule> of line 1"},
		{"<IfModule mod_x.c>\n<Location />\nOrder allow,deny\n</Location>\n</IfModule>", "Order is for"},
		{"<IfModule mod_x.c>\n<Location />\nSSLRequireSSL\n</Location>\n</IfModule>", "SSLRequireSSL is for"},
		{"<IfModule security2_module>\nSecRuleEngine On\n</IfModule>", "SecRuleEngine is for"},
		{"<IfModule security2_module>\nSecRuleEngine Off\n</IfModule>", ""},
		{"<IfModule mod_x.c>\n<Location />\nAuthType None\nOrder deny,allow\nAllow from all\nRequire all granted\nXThing on\n</Location>\n</IfModule>", ""},
		{"<IfModule !mod_authz_core.c>\n<Location />\nOrder allow,deny\n</Location>\n</IfModule>", ""},
		{"<IfDefine CLOSED>\n<Location />\nRequire all denied\n</Location>\n</IfDefine>", ""},
	} {
		_, err := Read("/chat.conf", []byte(tc.conf), Options{})
		if err == nil != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s\n got %v\nwant %q", tc.conf, err, tc.want)
		}
	}
	if _, _, err := ReadHTAccess("/srv/.htaccess", "/srv/", []byte("<IfModule mod_x.c>\nRequire all denied\n</IfModule>"), []string{"all"}, syntax.Defines{}); err == nil {
		t.Error("a .htaccess file is taken")
	}
}
