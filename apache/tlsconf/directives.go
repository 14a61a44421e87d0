// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package tlsconf

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// directives are all there are. What has no effect here is among them: of what
// is left to Go silently, of what somebody may count on with a warning, and of
// what makes access narrower with an error.
var directives map[string]reader

func init() {
	directives = map[string]reader{
		"sslengine":               {(*Rules).engine, inServers},
		"sslcertificatefile":      {files(func(rs *Rules) *[]string { return &rs.CertificateFiles }), inServers},
		"sslcertificatekeyfile":   {files(func(rs *Rules) *[]string { return &rs.KeyFiles }), inServers},
		"sslcertificatechainfile": {file(func(rs *Rules) *string { return &rs.ChainFile }), inServers},
		"sslprotocol":             {protocols(func(rs *Rules) *[]string { return &rs.Protocol }, (*versions).forListener), inServers},
		"sslciphersuite":          {ciphers(func(rs *Rules) *string { return &rs.CipherSuite }), inSections},
		"sslverifyclient":         {verify(func(rs *Rules) *string { return &rs.VerifyClient }), inSections},
		"sslverifydepth":          {depth(func(rs *Rules) **int { return &rs.VerifyDepth }), inSections},
		"sslcacertificatefile":    {file(func(rs *Rules) *string { return &rs.CAFile }), inServers},
		"sslcacertificatepath":    {file(func(rs *Rules) *string { return &rs.CAPath }), inServers},
		"sslstrictsnivhostcheck":  {onOff(func(rs *Rules) **bool { return &rs.StrictSNI }), inServers},
		"ssloptions":              {(*Rules).options, inSections},
		"sslpassphrasedialog":     {(*Rules).passPhraseDialog, inServers},

		"sslproxyengine":                      {onOff(func(rs *Rules) **bool { return &rs.Proxy.Engine }), inBackends},
		"sslproxyverify":                      {verify(func(rs *Rules) *string { return &rs.Proxy.Verify }), inBackends},
		"sslproxyverifydepth":                 {depth(func(rs *Rules) **int { return &rs.Proxy.VerifyDepth }), inBackends},
		"sslproxycacertificatefile":           {file(func(rs *Rules) *string { return &rs.Proxy.CAFile }), inBackends},
		"sslproxycacertificatepath":           {file(func(rs *Rules) *string { return &rs.Proxy.CAPath }), inBackends},
		"sslproxycheckpeername":               {onOff(func(rs *Rules) **bool { return &rs.Proxy.CheckPeerName }), inBackends},
		"sslproxycheckpeercn":                 {onOff(func(rs *Rules) **bool { return &rs.Proxy.CheckPeerCN }), inBackends},
		"sslproxycheckpeerexpire":             {onOff(func(rs *Rules) **bool { return &rs.Proxy.CheckPeerExpire }), inBackends},
		"sslproxymachinecertificatefile":      {file(func(rs *Rules) *string { return &rs.Proxy.CertificateFile }), inBackends},
		"sslproxymachinecertificatechainfile": {file(func(rs *Rules) *string { return &rs.Proxy.ChainFile }), inBackends},
		"sslproxyprotocol":                    {protocols(func(rs *Rules) *[]string { return &rs.Proxy.Protocol }, (*versions).forBackend), inBackends},
		"sslproxyciphersuite":                 {ciphers(func(rs *Rules) *string { return &rs.Proxy.CipherSuite }), inBackends},

		"mdomain":                {(*Rules).domain, inServers},
		"<mdomain":               {(*Rules).domainSet, inServers},
		"<mdomainset":            {(*Rules).domainSet, inServers},
		"mdcontactemail":         {(*Rules).contactEmail, inServers},
		"mdcertificateauthority": {(*Rules).authority, inServers},
		"mdmembers":              {(*Rules).members, inServers},
		"mdprivatekeys":          {(*Rules).privateKeys, inServers},
		"mdrequirehttps":         {(*Rules).requireHTTPS, inServers},
		"mdcacertificatefile":    {file(func(rs *Rules) *string { return &rs.RootCAs }), inServers},
	}
	for name := range strings.FieldsSeq(`SSLHonorCipherOrder SSLCompression SSLSessionTickets SSLSessionTicketKeyFile
		SSLUseStapling SSLStaplingCache SSLStaplingResponseTimeSkew SSLStaplingResponderTimeout SSLStaplingResponseMaxAge
		SSLStaplingStandardCacheTimeout SSLStaplingReturnResponderErrors SSLStaplingFakeTryLater SSLStaplingErrorCacheTimeout
		SSLStaplingForceURL SSLSessionCache SSLSessionCacheTimeout SSLRandomSeed SSLCryptoDevice SSLInsecureRenegotiation
		SSLRenegBufferSize SSLCADNRequestFile SSLCADNRequestPath SSLFIPS
		MDCertificateAgreement MDCertificateProtocol MDRenewMode MDDriveMode MDRenewWindow MDWarnWindow MDStoreDir MDStoreLocks
		MDServerStatus MDCertificateStatus MDBaseServer MDPortMap MDStapling MDStapleOthers MDStaplingKeepResponse
		MDStaplingRenewWindow MDCertificateCheck MDActivationDelay MDRetryDelay MDRetryFailover MDCheckInterval MDMatchNames`) {
		directives[strings.ToLower(name)] = reader{accept, inSections}
	}
	for name := range strings.FieldsSeq(`SSLOpenSSLConfCmd MDCAChallenges MDMustStaple MDHttpProxy MDNotifyCmd MDMessageCmd
		MDChallengeDns01 MDChallengeDns01Version MDExternalAccountBinding MDCertificateFile MDCertificateKeyFile`) {
		directives[strings.ToLower(name)] = reader{warn, inServers}
	}
	for name := range strings.FieldsSeq(`SSLCARevocationFile SSLCARevocationPath SSLCARevocationCheck SSLOCSPEnable
		SSLOCSPDefaultResponder SSLOCSPOverrideResponder SSLOCSPResponseTimeSkew SSLOCSPResponseMaxAge SSLOCSPResponderTimeout
		SSLOCSPUseRequestNonce SSLOCSPProxyURL SSLOCSPNoVerify SSLOCSPResponderCertificateFile SSLSRPVerifierFile
		SSLSRPUnknownUserSeed SSLUserName SSLProxyCARevocationFile SSLProxyCARevocationPath SSLProxyCARevocationCheck
		SSLProxyMachineCertificatePath`) {
		directives[strings.ToLower(name)] = reader{refuse, append([]directive.Place{directive.Proxy}, inSections...)}
	}
}

// accept is for what Go does by itself or never.
func accept(_ *Rules, _ *directive.Context, n *syntax.Node) error {
	return directive.Args(n, 1, -1, n.Name+" …")
}

func warn(_ *Rules, ctx *directive.Context, n *syntax.Node) error {
	ctx.Warnf(n, "%s has no effect", n.Name)
	return nil
}

// refuse is for what decides about who gets in, and cannot be done.
func refuse(_ *Rules, _ *directive.Context, n *syntax.Node) error {
	if strings.HasSuffix(strings.ToLower(n.Name), "check") && len(n.Args) == 1 && strings.EqualFold(n.Args[0], "none") ||
		strings.EqualFold(n.Name, "SSLOCSPEnable") && len(n.Args) == 1 && strings.EqualFold(n.Args[0], "off") {
		return nil
	}
	return fmt.Errorf("%s is not supported, and to go on without it could let in whom it keeps out", n.Name)
}

func (rs *Rules) engine(ctx *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, 1, "SSLEngine on"); err != nil {
		return err
	}
	var on bool
	if strings.EqualFold(n.Args[0], "optional") {
		ctx.Warnf(n, "SSLEngine optional is no longer supported by httpd, and the same as off")
	} else {
		var err error
		if on, err = directive.OnOff(n); err != nil {
			return err
		}
	}
	rs.Engine, rs.Line = &on, directive.Line(n)
	return nil
}

func file(field func(*Rules) *string) func(*Rules, *directive.Context, *syntax.Node) error {
	return func(rs *Rules, ctx *directive.Context, n *syntax.Node) (err error) {
		*field(rs), err = path(ctx, n)
		return err
	}
}

func files(field func(*Rules) *[]string) func(*Rules, *directive.Context, *syntax.Node) error {
	return func(rs *Rules, ctx *directive.Context, n *syntax.Node) error {
		name, err := path(ctx, n)
		if err == nil {
			*field(rs) = append(*field(rs), name)
		}
		return err
	}
}

func path(ctx *directive.Context, n *syntax.Node) (string, error) {
	if err := directive.Args(n, 1, 1, n.Name+" /etc/ssl/file.pem"); err != nil {
		return "", err
	}
	switch name := n.Args[0]; {
	case name == "":
		return "", fmt.Errorf("%s needs a path", n.Name)
	case strings.HasPrefix(name, "pkcs11:"), strings.HasPrefix(name, "store:"):
		return "", fmt.Errorf("%s %s: keys outside of files cannot be used; a PEM file would be right", n.Name, name)
	default:
		return ctx.Absolute(name), nil
	}
}

func onOff(field func(*Rules) **bool) func(*Rules, *directive.Context, *syntax.Node) error {
	return func(rs *Rules, _ *directive.Context, n *syntax.Node) error {
		on, err := directive.OnOff(n)
		if err == nil {
			*field(rs) = &on
		}
		return err
	}
}

// Modes of SSLVerifyClient and SSLProxyVerify.
const (
	verifyNone         = "none"
	verifyOptional     = "optional"
	verifyRequire      = "require"
	verifyOptionalNoCA = "optional_no_ca"
)

func verify(field func(*Rules) *string) func(*Rules, *directive.Context, *syntax.Node) error {
	return func(rs *Rules, ctx *directive.Context, n *syntax.Node) error {
		if err := directive.Args(n, 1, 1, n.Name+" require"); err != nil {
			return err
		}
		mode := strings.ToLower(n.Args[0])
		switch mode {
		case "off":
			mode = verifyNone
		case "on":
			mode = verifyRequire
		case verifyNone, verifyOptional, verifyRequire:
		case verifyOptionalNoCA:
			if ctx.Place != directive.Server && ctx.Place != directive.Proxy {
				return errors.New("SSLVerifyClient optional_no_ca is for servers: put it into the <VirtualHost>")
			}
		default:
			return fmt.Errorf("%s must be none, optional, require or optional_no_ca, not %q", n.Name, n.Args[0])
		}
		*field(rs) = mode
		return nil
	}
}

func depth(field func(*Rules) **int) func(*Rules, *directive.Context, *syntax.Node) error {
	return func(rs *Rules, _ *directive.Context, n *syntax.Node) error {
		if err := directive.Args(n, 1, 1, n.Name+" 1"); err != nil {
			return err
		}
		d, err := strconv.Atoi(n.Args[0])
		if err != nil || d < 0 {
			return fmt.Errorf("%s must be 0 or more, not %q", n.Name, n.Args[0])
		}
		*field(rs) = &d
		return nil
	}
}

// options are without effect: all variables of mod_ssl are always there.
func (rs *Rules) options(ctx *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "SSLOptions +StdEnvVars"); err != nil {
		return err
	}
	for _, arg := range n.Args {
		switch strings.ToLower(strings.TrimLeft(arg, "+-")) {
		case "stdenvvars", "compatenvvars", "exportcertdata", "exportbothcertdata", "optrenegotiate", "legacydnstringformat":
		case "strictrequire":
			if strings.HasPrefix(arg, "-") {
				continue
			}
			ctx.Warnf(n, "SSLOptions StrictRequire has no effect: without Satisfy any it has none in httpd, either")
		case "fakebasicauth":
			if !strings.HasPrefix(arg, "-") {
				ctx.Warnf(n, "SSLOptions FakeBasicAuth has no effect: a certificate does not stand for a password")
			}
		default:
			return fmt.Errorf("SSLOptions has no %q: StdEnvVars, ExportCertData or StrictRequire would be right", arg)
		}
	}
	return nil
}

func (rs *Rules) passPhraseDialog(ctx *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, 1, "SSLPassPhraseDialog builtin"); err != nil {
		return err
	}
	switch kind, _, _ := strings.Cut(n.Args[0], ":"); {
	case strings.EqualFold(n.Args[0], "builtin"):
	case strings.HasPrefix(n.Args[0], "|"), strings.EqualFold(kind, "exec"):
		// Debian's ssl.conf has one that asks at the console.
		ctx.Warnf(n, "SSLPassPhraseDialog has no effect: a key must not be encrypted")
	default:
		return fmt.Errorf("SSLPassPhraseDialog must be builtin, exec:/path or |/path, not %q", n.Args[0])
	}
	return nil
}
