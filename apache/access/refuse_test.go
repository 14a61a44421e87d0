// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// TestRefused is about what httpd takes, or takes with another module. To go on
// without it would let somebody in.
func TestRefused(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"AuthType Digest", "needs mod_auth_digest"},
		{"AuthType form", "needs mod_auth_form"},
		{"AuthType openid-connect", "needs mod_auth_openidc"},
		{"AuthType Shibboleth", "needs mod_shib"},
		{"AuthType GSSAPI", "needs mod_auth_gssapi"},
		{"AuthType Bearer", "needs a module that is not part of httpd"},
		{"AuthType", "AuthType needs more"},
		{"AuthName %{HTTP_HOST}", "variables are not supported"},
		{"AuthUserFile", "AuthUserFile needs more"},
		{`AuthUserFile ""`, "must name a file"},
		{"AuthGroupFile a b", "too many arguments"},
		{"AuthBasicProvider", "AuthBasicProvider needs more"},
		{"AuthBasicProvider file ldap", "AuthBasicProvider ldap is not supported"},
		{"AuthBasicProvider socache", "no passwords of its own"},
		{"AuthBasicUseDigestAlgorithm MD5", "MD5 is not supported"},
		{"AuthBasicFake off", "AuthBasicFake is not supported"},
		{"AuthLDAPURL ldap://localhost/", "needs mod_authnz_ldap"},
		{"SSLRequire %{SSL_PROTOCOL} eq \"TLSv1.3\"", "write that"},
		{"SSLRequireSSL on", "too many arguments"},
		{"Require ldap-group cn=chat", "needs mod_authnz_ldap"},
		{"Require dbm-group chat", "needs mod_authz_dbm"},
		{"Require dbd-login", "needs mod_authz_dbd"},
		{"Require file-owner", "whose a file is"},
		{"Require claim sub:1", "needs mod_auth_openidc"},
		{"Require shib-session", "needs mod_shib"},
		{"Require ssl", `"ssl" is not supported`},
		{"Require", "Require needs more"},
		{"Require user", "user needs at least one word"},
		{"Require user %{HTTP:X-User}", "variables are not supported"},
		{"Require group %{HTTP:X-Group}", "variables are not supported"},
		{"Require host %{HTTP_HOST}", "variables are not supported"},
		{"Require forward-dns %{HTTP_HOST}", "variables are not supported"},
		{"Require valid-user # all of them", "a comment behind it"},
		{"Require host chat.test # and others", "a comment behind it"},
		{"Order Deny,Allow # all", "a comment behind it"},
		{"Deny from", "Deny needs more"},
		{"Allow from 10.1 10.1.1.1/x", "from 10.1.1.1/x: the mask"},
		{"Allow from 2001:db8::/129", "from 2001:db8::/129: the mask"},
		{"Allow from 10.1.2.x/8", "not an IP address"},
		{"<RequireAll>\nRequire all granted\nHeader set A b\n</RequireAll>", "line 4: Header is not supported in a section"},
		{"<Limit GET>\nRewriteEngine on\n</Limit>", "line 3: RewriteEngine is not supported"},
		{"<Limit GET>\n<LimitExcept GET>\nRequire all denied\n</LimitExcept>\n</Limit>", "is for no method at all"},
		{"<Limit GET>\n<Limit GET>\nRequire all denied\n</Limit>\n</Limit>", "changes nothing"},
		{"<AuthzProviderAlias ip lan 10.1>\n</AuthzProviderAlias>", "write the Require"},
		{"<AuthnProviderAlias file f>\n</AuthnProviderAlias>", "AuthUserFile only"},
	} {
		if _, err := readRules(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s\n got %v\nwant %s", tc.text, err, tc.want)
		}
	}
}

// TestPlaces is about where directives may stand.
func TestPlaces(t *testing.T) {
	tree, err := syntax.Parse("chat.conf", []byte("Require all denied\n"), syntax.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := new(Rules).Directive(&directive.Context{Place: directive.Server}, tree.Nodes[0]); err == nil {
		t.Error("Require may stand outside of sections")
	}
	if Reads("Header") || !Reads("REQUIRE") || !Reads("<Limit") || !Reads("SSLRequire") || Reads("<Require") {
		t.Error("it reads other directives than those of access")
	}
}

// TestCompile is about rules that only somebody who writes JSON can have.
func TestCompile(t *testing.T) {
	ip := &Require{IP: []string{"10.1"}}
	for _, tc := range []struct {
		rules Rules
		want  string
	}{
		{Rules{Merging: "maybe"}, "AuthMerging must be one of"},
		{Rules{Forbidden: "yes"}, "AuthzSendForbiddenOnFailure must be one of"},
		{Rules{Authoritative: "no"}, "AuthBasicAuthoritative must be one of"},
		{Rules{Providers: []string{"ldap"}}, "AuthBasicProvider ldap"},
		{Rules{AuthType: "Digest"}, "AuthType Digest is not supported"},
		{Rules{Order: []Word{{Value: "allow"}}}, "Order must be one of"},
		{Rules{Satisfy: []Word{{Value: "some", Line: "chat.conf:7"}}}, "chat.conf:7: Satisfy must be one of"},
		{Rules{Deny: []From{{From: []string{"10.1/x"}}}}, "from 10.1/x"},
		{Rules{Require: &Require{}}, "one thing in it"},
		{Rules{Require: &Require{Local: true, ValidUser: true}}, "one thing in it"},
		{Rules{Require: &Require{Any: []*Require{nil}}}, "null"},
		{Rules{Require: &Require{Any: []*Require{ip}, Not: true}}, "no section"},
		{Rules{Require: &Require{IP: ip.IP, Not: true}}, "has no effect"},
		{Rules{Require: &Require{None: []*Require{ip}}}, "has no effect"},
		{Rules{Require: &Require{Any: []*Require{{IP: []string{"x"}}}}}, "not an IP address"},
		{Rules{Require: &Require{All: []*Require{{IP: ip.IP, Not: true}}}}, "nobody may"},
	} {
		if _, err := tc.rules.Compile(Options{}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v\n got %v\nwant %s", tc.rules, err, tc.want)
		}
	}
}
