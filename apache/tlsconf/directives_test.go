// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package tlsconf

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// read reads directives, and tells the rules as JSON, or what was warned of behind
// a ~.
func read(ctx *directive.Context, text string) (*Rules, string, error) {
	tree, err := syntax.Parse("chat.conf", []byte(text), syntax.Options{})
	if err != nil {
		return nil, "", err
	}
	var warnings []string
	ctx.ServerRoot = "/etc/apache2"
	ctx.Warn = func(p syntax.Problem) { warnings = append(warnings, p.Message) }
	rules := new(Rules)
	for _, n := range tree.Nodes {
		if err := rules.Directive(ctx, n); err != nil {
			return nil, "", err
		}
	}
	return rules, strings.Join(warnings, "; "), nil
}

func TestDirectives(t *testing.T) {
	for _, tc := range []struct{ text, want, warned string }{
		{"SSLEngine On", `{"engine":true,"line":"chat.conf:1"}`, ""},
		{"SSLEngine off", `{"engine":false,"line":"chat.conf:1"}`, ""},
		{"SSLEngine optional", `{"engine":false,"line":"chat.conf:1"}`, "the same as off"},
		{
			"SSLCertificateFile a.crt\nSSLCertificateFile /b.crt\nSSLCertificateKeyFile a.key\nSSLCertificateChainFile c/../c.crt",
			`{"certificate_files":["/etc/apache2/a.crt","/b.crt"],"certificate_key_files":["/etc/apache2/a.key"],"certificate_chain_file":"/etc/apache2/c.crt"}`, "",
		},
		{"SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1", `{"protocol":["TLSv1.2","TLSv1.3"]}`, ""},
		{"SSLProtocol TLSv1.2", `{"protocol":["TLSv1.2"]}`, ""},
		{"SSLProtocol -all +TLSv1.3", `{"protocol":["TLSv1.3"]}`, ""},
		{"SSLProtocol all", `{"protocol":["TLSv1.2","TLSv1.3"]}`, ""},
		{"SSLProtocol +TLSv1.1 +tlsv1.2", `{"protocol":["TLSv1.2"]}`, "TLSv1.1 is dropped"},
		{"SSLProtocol TLSv1.2 TLSv1.3", `{"protocol":["TLSv1.3"]}`, "has no sign"},
		{"SSLProtocol +SSLv3 +TLSv1.2", `{"protocol":["TLSv1.2"]}`, "SSLv3 is dropped"},
		{"SSLProxyProtocol all", `{"proxy":{"protocol":["TLSv1.2","TLSv1.3"]}}`, ""},
		{"SSLProxyProtocol TLSv1", `{"proxy":{"protocol":["TLSv1"]}}`, ""},
		{"SSLProxyProtocol +TLSv1.1 +TLSv1.2", `{"proxy":{"protocol":["TLSv1.1","TLSv1.2"]}}`, ""},
		{"SSLCipherSuite HIGH:!aNULL", `{"cipher_suite":"HIGH:!aNULL"}`, ""},
		{"SSLCipherSuite SSL ECDHE-RSA-AES128-GCM-SHA256", `{"cipher_suite":"ECDHE-RSA-AES128-GCM-SHA256"}`, ""},
		{"SSLCipherSuite TLSv1.3 TLS_AES_256_GCM_SHA384", `{}`, ""},
		{"SSLCipherSuite DES-CBC3-SHA", `{"cipher_suite":"DES-CBC3-SHA"}`, "names no cipher that Go has"},
		{"SSLVerifyClient On\nSSLVerifyDepth 3", `{"verify_client":"require","verify_depth":3}`, ""},
		{"SSLVerifyClient off", `{"verify_client":"none"}`, ""},
		{"SSLVerifyClient Optional_No_CA", `{"verify_client":"optional_no_ca"}`, ""},
		{"SSLStrictSNIVHostCheck on", `{"strict_sni_vhost_check":true}`, ""},
		{"SSLOptions +StdEnvVars -StrictRequire -FakeBasicAuth", `{}`, ""},
		{"SSLOptions +StrictRequire", `{}`, "StrictRequire has no effect"},
		{"SSLOptions FakeBasicAuth", `{}`, "FakeBasicAuth has no effect"},
		{"SSLPassPhraseDialog builtin", `{}`, ""},
		{"SSLPassPhraseDialog exec:/bin/ask", `{}`, "must not be encrypted"},
		{"SSLPassPhraseDialog |/bin/ask", `{}`, "must not be encrypted"},
		{"SSLSessionCache none\nSSLCompression off", `{}`, ""},
		{"SSLOpenSSLConfCmd DHParameters /dh.pem", `{}`, "SSLOpenSSLConfCmd has no effect"},
		{"SSLCARevocationCheck none\nSSLOCSPEnable off\nSSLProxyCARevocationCheck None", `{}`, ""},
		{
			"SSLProxyEngine on\nSSLProxyVerify require\nSSLProxyVerifyDepth 2\nSSLProxyCACertificateFile a\nSSLProxyCACertificatePath b",
			`{"proxy":{"engine":true,"verify":"require","verify_depth":2,"ca_certificate_file":"/etc/apache2/a","ca_certificate_path":"/etc/apache2/b"}}`, "",
		},
		{
			"SSLProxyCheckPeerName off\nSSLProxyCheckPeerCN on\nSSLProxyCheckPeerExpire off\nSSLProxyMachineCertificateFile m\nSSLProxyMachineCertificateChainFile n\nSSLProxyCipherSuite HIGH",
			`{"proxy":{"check_peer_name":false,"check_peer_cn":true,"check_peer_expire":false,"machine_certificate_file":"/etc/apache2/m","machine_certificate_chain_file":"/etc/apache2/n","cipher_suite":"HIGH"}}`, "",
		},
		{"MDomain a.test WWW.a.test manual", `{"managed_domains":[{"names":["a.test","www.a.test"],"manual":true,"line":"chat.conf:1"}]}`, ""},
		{
			"<MDomainSet a.test>\nMDMember b.test auto\nMDContactEmail mailto:x@a.test\nMDCertificateAuthority buypass\nMDPrivateKeys RSA 4096\n</MDomainSet>",
			`{"managed_domains":[{"names":["a.test","b.test"],"manual":false,"contact_email":"x@a.test","certificate_authority":"https://api.buypass.com/acme/directory","private_keys":"rsa4096","line":"chat.conf:1"}]}`, "",
		},
		{"MDMembers manual\nMDRequireHttps off\nMDCACertificateFile r", `{"manual_names":true,"md_ca_certificate_file":"/etc/apache2/r"}`, ""},
		{"MDCertificateAuthority LetsEncrypt-Test buypass", `{"certificate_authority":"https://acme-staging-v02.api.letsencrypt.org/directory"}`, "only the first"},
		{"MDPrivateKeys Default", `{}`, ""},
		{"MDPrivateKeys P-256 RSA", `{"managed_private_keys":"p256"}`, ""},
		{"MDPrivateKeys secp384r1", `{"managed_private_keys":"p384"}`, ""},
		{"MDPrivateKeys RSA", `{"managed_private_keys":"rsa2048"}`, ""},
		{"MDPrivateKeys RSA 3072", `{"managed_private_keys":"rsa2048"}`, "2048 or 4096"},
		{"MDPrivateKeys X25519", `{}`, "MDPrivateKeys X25519 has no effect"},
		{"MDRequireHttps permanent", `{}`, "Redirect permanent"},
		{"MDRenewMode always", `{}`, ""},
		{"MDMustStaple on", `{}`, "MDMustStaple has no effect"},
	} {
		rules, warned, err := read(&directive.Context{Place: directive.Server}, tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		encoded, err := json.Marshal(rules)
		if err != nil {
			t.Fatal(err)
		}
		if string(encoded) != tc.want || (warned == "") != (tc.warned == "") || !strings.Contains(warned, tc.warned) {
			t.Errorf("%s\n got %s, warned of %q\nwant %s", tc.text, encoded, warned, tc.want)
		}
	}
}

// TestRefused is about what must not be passed over, and what httpd refuses.
func TestRefused(t *testing.T) {
	in := func(p directive.Place) *directive.Context { return &directive.Context{Place: p} }
	for _, tc := range []struct {
		ctx        *directive.Context
		text, want string
	}{
		{in(directive.Server), "Header set A b", "none of the directives"},
		{in(directive.Location), "SSLEngine on", "may not stand here"},
		{in(directive.Location), "SSLProxyVerify require", "may not stand here"},
		{in(directive.Proxy), "SSLVerifyClient require", "may not stand here"},
		{in(directive.Server), "SSLEngine", "SSLEngine needs more"},
		{in(directive.Server), "SSLEngine maybe", "must be On or Off"},
		{in(directive.Server), `SSLCertificateFile ""`, "needs a path"},
		{in(directive.Server), "SSLCertificateFile", "needs more"},
		{in(directive.Server), "SSLCertificateKeyFile pkcs11:object=key", "keys outside of files"},
		{in(directive.Server), "SSLCertificateKeyFile store:x", "keys outside of files"},
		{in(directive.Server), "SSLProtocol", "needs more"},
		{in(directive.Server), "SSLProtocol all -all", "leaves no version"},
		{in(directive.Server), "SSLProtocol TLSv1.1", "leaves no version"},
		{in(directive.Server), "SSLProtocol -TLSv1", "leaves no version"},
		{in(directive.Server), "SSLProtocol ++TLSv1.2", "more than one sign"},
		{in(directive.Server), "SSLProtocol TLSv1.4", `has no "TLSv1.4"`},
		{&directive.Context{Place: directive.Server, Strict: true}, "SSLProtocol +SSLv3 +TLSv1.2", "httpd refuses it"},
		{in(directive.Server), "SSLCipherSuite", "needs more"},
		{in(directive.Server), `SSLCipherSuite ""`, "needs a list"},
		{in(directive.Server), "SSLCipherSuite TLSv1.2 HIGH", "SSL or TLSv1.3"},
		{in(directive.Location), "SSLCipherSuite ECDHE-RSA-AES256-GCM-SHA384", "not supported in a section"},
		{in(directive.Server), "SSLVerifyClient", "needs more"},
		{in(directive.Server), "SSLVerifyClient yes", "none, optional, require"},
		{in(directive.Location), "SSLVerifyClient optional_no_ca", "is for servers"},
		{in(directive.Server), "SSLVerifyDepth", "needs more"},
		{in(directive.Server), "SSLVerifyDepth -1", "0 or more"},
		{in(directive.Server), "SSLVerifyDepth ten", "0 or more"},
		{in(directive.Server), "SSLProxyCheckPeerName perhaps", "On or Off"},
		{in(directive.Server), "SSLOptions", "needs more"},
		{in(directive.Server), "SSLOptions +Everything", "has no"},
		{in(directive.Server), "SSLPassPhraseDialog", "needs more"},
		{in(directive.Server), "SSLPassPhraseDialog ask", "must be builtin"},
		{in(directive.Server), "SSLSessionCache", "needs more"},
		{in(directive.Server), "SSLCARevocationCheck chain", "could let in"},
		{in(directive.Server), "SSLCARevocationFile /crl", "could let in"},
		{in(directive.Server), "SSLOCSPEnable on", "could let in"},
		{in(directive.Location), "SSLUserName SSL_CLIENT_S_DN_CN", "could let in"},
		{in(directive.Proxy), "SSLProxyCARevocationCheck leaf", "could let in"},
		{in(directive.Server), "MDomain", "needs a name"},
		{in(directive.Server), "MDomain https://a.test/", "is no domain name"},
		{in(directive.Server), "MDomain a.test\nMDomain b.test A.test", "managed already, by MDomain of chat.conf:1"},
		{in(directive.Server), "MDomain *.a.test\nMDomain b.a.test", "managed already"},
		{in(directive.Server), "<MDomainSet>\n</MDomainSet>", "needs a name"},
		{in(directive.Server), "<MDomainSet a:b>\n</MDomainSet>", "is no domain name"},
		{in(directive.Server), "<MDomainSet a.test>\nServerName a.test\n</MDomainSet>", "chat.conf:2: ServerName may not stand"},
		{in(directive.Server), "<MDomainSet a.test>\nMDomain b.test\n</MDomainSet>", "another MDomain"},
		{in(directive.Server), "MDContactEmail", "needs more"},
		{in(directive.Server), "MDCertificateAuthority", "needs more"},
		{in(directive.Server), "MDCertificateAuthority zerossl", "must be letsencrypt"},
		{in(directive.Server), "MDMembers", "needs more"},
		{in(directive.Server), "MDMembers some", "auto or manual"},
		{in(directive.Server), "MDPrivateKeys", "needs more"},
		{in(directive.Server), "MDRequireHttps", "needs more"},
		{in(directive.Server), "MDRequireHttps always", "off, temporary or permanent"},
	} {
		if _, _, err := read(tc.ctx, tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s\n got %v\nwant %s", tc.text, err, tc.want)
		}
	}
	if _, warned, err := read(in(directive.Location), "SSLCipherSuite HIGH:!aNULL\nSSLVerifyClient require"); err != nil || warned != "" {
		t.Errorf("in a section: %v, warned of %q", err, warned)
	}
	if !Reads("SSLEngine") || !Reads("<MDomainSet") || Reads("Require") {
		t.Error("it reads other directives than those of TLS")
	}
}

func TestMerge(t *testing.T) {
	server := &directive.Context{Place: directive.Server}
	outer, _, err := read(server, "SSLEngine on\nSSLCertificateFile /a\nSSLCertificateKeyFile /k\nSSLProtocol TLSv1.2\nSSLVerifyClient require\nSSLVerifyDepth 2\nSSLProxyVerify require\nSSLProxyProtocol TLSv1.3\nMDomain a.test")
	inner, _, errInner := read(server, "SSLCertificateFile /b\nSSLCertificateFile /c\nSSLVerifyClient none\nSSLProxyVerify none\nMDomain b.test")
	if err := errors.Join(err, errInner); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(Merge(outer, inner))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"engine":true,"certificate_files":["/b","/c"],"certificate_key_files":["/k"],"protocol":["TLSv1.2"],"verify_client":"none","verify_depth":2,"line":"chat.conf:1",` +
		`"proxy":{"verify":"none","protocol":["TLSv1.3"]},"managed_domains":[{"names":["a.test"],"line":"chat.conf:9"},{"names":["b.test"],"line":"chat.conf:5"}]}`
	if string(encoded) != want {
		t.Errorf("got %s\nwant %s", encoded, want)
	}
	if Merge(nil, inner) != inner || Merge(outer, nil) != outer {
		t.Error("there is nothing to merge")
	}
}

// FuzzDirectives reads any directives. What is read can be made TLS of, or there is
// a reason why not.
func FuzzDirectives(f *testing.F) {
	for _, text := range []string{
		"SSLEngine on\nSSLCertificateFile a\nSSLProtocol all -TLSv1", "SSLProxyEngine on\nSSLProxyCheckPeerCN off\nSSLProxyProtocol +TLSv1",
		"MDomain a.test *.b.test manual\nSSLEngine on", "<MDomainSet a.test>\nMDMember b.test\n</MDomainSet>",
		"SSLCipherSuite SSL ECDHE-RSA-AES128-SHA:!MD5:@SECLEVEL=2:HIGH", "SSLVerifyClient optional_no_ca\nSSLVerifyDepth 0", "SSLOptions +StdEnvVars",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rules, _, err := read(&directive.Context{Place: directive.Server}, text)
		if err != nil {
			return
		}
		l, err := rules.Listener(Host{Names: []string{"a.test"}})
		if err == nil && l.Enabled && (len(l.Certificates) == 0) != (l.ACME != nil) {
			t.Errorf("certificates %v, ACME %v", l.Certificates, l.ACME)
		}
		if err == nil && l.Enabled && (l.MinVersion > l.MaxVersion || l.MinVersion < 0x303) {
			t.Errorf("versions from %x to %x", l.MinVersion, l.MaxVersion)
		}
		if b := rules.Backend(); b.CheckName && b.CheckCN || b.MinVersion > b.MaxVersion {
			t.Errorf("%+v", b)
		}
	})
}
