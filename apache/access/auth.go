// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// authType reads AuthType. One that is not known here must not be passed over:
// that would open what it guards.
func (rd *reader) authType(n *syntax.Node) error {
	if err := directive.Args(n, 1, 1, n.Name+" Basic"); err != nil {
		return err
	}
	switch value := n.Args[0]; strings.ToLower(value) {
	case "basic":
		rd.AuthType = "Basic"
	case "none":
		rd.AuthType = "None"
	case "digest":
		return fmt.Errorf("%s %s needs mod_auth_digest, which is not supported; Basic is", n.Name, value)
	case "form":
		return fmt.Errorf("%s %s needs mod_auth_form, which is not supported; Basic is", n.Name, value)
	case "openid-connect", "auth-openidc", "oauth20", "oauth2":
		return fmt.Errorf("%s %s needs mod_auth_openidc, which is not supported; a plugin of Caddy has to do that", n.Name, value)
	case "shibboleth":
		return fmt.Errorf("%s %s needs mod_shib, which is not supported; Basic is", n.Name, value)
	case "gssapi", "kerberos", "negotiate":
		return fmt.Errorf("%s %s needs mod_auth_gssapi, which is not supported; Basic is", n.Name, value)
	default:
		return fmt.Errorf("%s %s needs a module that is not part of httpd; Basic is supported", n.Name, value)
	}
	return nil
}

// authName reads AuthName.
func (rd *reader) authName(n *syntax.Node) error {
	if err := directive.Args(n, 1, 1, n.Name+` "Members only"`); err != nil {
		return err
	}
	if strings.Contains(n.Args[0], "%{") {
		return fmt.Errorf("%s %q: variables are not supported here; write the name as it is", n.Name, n.Args[0])
	}
	rd.AuthName = n.Args[0]
	return nil
}

func (rd *reader) userFile(n *syntax.Node) error  { return rd.path(n, &rd.UserFile) }
func (rd *reader) groupFile(n *syntax.Node) error { return rd.path(n, &rd.GroupFile) }

func (rd *reader) path(n *syntax.Node, into *string) error {
	if err := directive.Args(n, 1, 1, n.Name+" /etc/apache2/file"); err != nil {
		return err
	}
	if n.Args[0] == "" {
		return fmt.Errorf("%s must name a file", n.Name)
	}
	*into = rd.ctx.Absolute(n.Args[0])
	return nil
}

// provider reads AuthBasicProvider. socache is only a cache in front of the
// others, which is here without asking.
func (rd *reader) provider(n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, n.Name+" file"); err != nil {
		return err
	}
	for _, name := range n.Args {
		if name != "file" && name != "socache" {
			return fmt.Errorf("%s %s is not supported: passwords come from AuthUserFile only, which is %[1]s file", n.Name, name)
		}
	}
	if !slices.Contains(n.Args, "file") {
		return fmt.Errorf("%s %s has no passwords of its own; add file behind it", n.Name, n.Args[0])
	}
	rd.Providers = append(rd.Providers, n.Args...)
	return nil
}

// authoritative reads AuthBasicAuthoritative.
func (rd *reader) authoritative(n *syntax.Node) error { return rd.onOff(n, &rd.Authoritative) }

// digestAlgorithm reads AuthBasicUseDigestAlgorithm.
func (rd *reader) digestAlgorithm(n *syntax.Node) error {
	var value string
	if err := rd.word(n, &value, "Off", "MD5"); err != nil {
		return err
	}
	if value != "Off" {
		return fmt.Errorf("%s %s is not supported; make AuthUserFile by htpasswd and not by htdigest", n.Name, value)
	}
	return nil
}

// requireSSL reads SSLRequireSSL.
func (rd *reader) requireSSL(n *syntax.Node) error {
	rd.RequireSSL = true
	return directive.Args(n, 0, 0, n.Name)
}
