// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package tlsconf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Domain is an MDomain: names that share a certificate from an ACME authority.
type Domain struct {
	Names        []string `json:"names"`
	Manual       *bool    `json:"manual,omitempty"` // a virtual host's other names do not join
	ContactEmail string   `json:"contact_email,omitempty"`
	Authority    string   `json:"certificate_authority,omitempty"`
	KeyType      string   `json:"private_keys,omitempty"`
	Line         string   `json:"line,omitempty"`
}

// ACME is how the certificate of a virtual host is got.
type ACME struct {
	Names     []string
	Email     string // may be empty
	Authority string // a directory's URL; empty: Let's Encrypt
	KeyType   string // in Caddy's words: p256, rsa2048; empty: its own choice
	RootCAs   string // a file with the roots to trust the authority by
}

// acme returns how the names of a virtual host are managed, or nil.
func (rs *Rules) acme(host Host) *ACME {
	for _, d := range rs.Managed {
		if !slices.ContainsFunc(host.Names, func(name string) bool { return covers(d.Names, name) }) {
			continue
		}
		a := &ACME{
			Names:     slices.Clone(d.Names),
			Email:     either(d.ContactEmail, either(rs.ContactEmail, host.Admin)),
			Authority: either(d.Authority, rs.Authority),
			KeyType:   either(d.KeyType, rs.KeyType),
			RootCAs:   rs.RootCAs,
		}
		if manual := either(d.Manual, rs.ManualNames); manual == nil || !*manual {
			for _, name := range host.Names {
				if !covers(a.Names, name) {
					a.Names = append(a.Names, name)
				}
			}
		}
		if !strings.Contains(a.Email, "@") {
			a.Email = "" // a URL, or httpd's "[no address given]"
		}
		return a
	}
	return nil
}

// covers says whether a name is one of some, of which *.domain is one for all
// with one label more.
func covers(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		if domain, ok := strings.CutPrefix(n, "*"); ok {
			_, rest, found := strings.Cut(name, ".")
			return found && strings.EqualFold("."+rest, domain)
		}
		return strings.EqualFold(n, name)
	})
}

// domain reads MDomain name… [auto|manual].
func (rs *Rules) domain(_ *directive.Context, n *syntax.Node) error {
	d := Domain{Line: directive.Line(n)}
	if err := d.add(n.Args); err != nil {
		return err
	}
	if len(d.Names) == 0 {
		return errors.New("MDomain needs a name, for example: MDomain example.org www.example.org")
	}
	return rs.addDomain(d)
}

// domainSet reads the section <MDomainSet>, of old <MDomain>, whose directives
// are about the names alone.
func (rs *Rules) domainSet(ctx *directive.Context, n *syntax.Node) error {
	d := Domain{Line: directive.Line(n)}
	if err := d.add(n.Args); err != nil {
		return err
	}
	if len(d.Names) == 0 {
		return fmt.Errorf("<%s> needs a name, for example: <%s example.org>", n.Name, n.Name)
	}
	var own Rules
	for _, child := range n.Nodes {
		var err error
		switch {
		case child.Is("MDMember"), child.Is("MDMembers"):
			err = d.add(child.Args)
		case Reads(child.Name) && !child.Section && strings.HasPrefix(strings.ToLower(child.Name), "md"):
			err = own.Directive(ctx, child)
		default:
			err = fmt.Errorf("%s may not stand in <%s>", child.Name, n.Name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", child.Position, err)
		}
	}
	if own.Managed != nil {
		return fmt.Errorf("<%s> may not hold another MDomain", n.Name)
	}
	d.ContactEmail, d.Authority, d.KeyType = own.ContactEmail, own.Authority, own.KeyType
	return rs.addDomain(d)
}

func (d *Domain) add(words []string) error {
	for _, word := range words {
		switch strings.ToLower(word) {
		case "auto", "manual":
			manual := strings.EqualFold(word, "manual")
			d.Manual = &manual
		default:
			if strings.ContainsAny(word, "/: @") || word == "" {
				return fmt.Errorf("%q is no domain name", word)
			}
			d.Names = append(d.Names, strings.ToLower(word))
		}
	}
	return nil
}

func (rs *Rules) addDomain(d Domain) error {
	for _, other := range rs.Managed {
		for _, name := range d.Names {
			if covers(other.Names, name) {
				return fmt.Errorf("%s is managed already, by MDomain of %s", name, other.Line)
			}
		}
	}
	rs.Managed = append(rs.Managed, d)
	return nil
}

func (rs *Rules) contactEmail(_ *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, 1, "MDContactEmail admin@example.org"); err != nil {
		return err
	}
	rs.ContactEmail = strings.TrimPrefix(n.Args[0], "mailto:")
	return nil
}

func (rs *Rules) authority(ctx *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "MDCertificateAuthority letsencrypt"); err != nil {
		return err
	}
	if len(n.Args) > 1 {
		ctx.Warnf(n, "MDCertificateAuthority: only the first is asked")
	}
	authority := n.Args[0]
	if url, ok := authorities[strings.ToLower(authority)]; ok {
		authority = url
	}
	if !strings.HasPrefix(authority, "https://") && !strings.HasPrefix(authority, "http://") {
		return fmt.Errorf("MDCertificateAuthority must be letsencrypt, letsencrypt-test, buypass, buypass-test or a URL, not %q", authority)
	}
	rs.Authority = authority
	return nil
}

// authorities are those that mod_md knows by name.
var authorities = map[string]string{
	"letsencrypt":      "https://acme-v02.api.letsencrypt.org/directory",
	"letsencrypt-test": "https://acme-staging-v02.api.letsencrypt.org/directory",
	"buypass":          "https://api.buypass.com/acme/directory",
	"buypass-test":     "https://api.test4.buypass.no/acme/directory",
}

func (rs *Rules) members(_ *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, 1, "MDMembers auto"); err != nil {
		return err
	}
	mode := strings.ToLower(n.Args[0])
	if mode != "auto" && mode != "manual" {
		return fmt.Errorf("MDMembers must be auto or manual, not %q", n.Args[0])
	}
	manual := mode == "manual"
	rs.ManualNames = &manual
	return nil
}

// privateKeys reads MDPrivateKeys. Of several kinds the first one is taken.
func (rs *Rules) privateKeys(ctx *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "MDPrivateKeys secp256r1"); err != nil {
		return err
	}
	switch kind := strings.ToLower(n.Args[0]); kind {
	case "default":
	case "secp256r1", "p-256", "p256":
		rs.KeyType = "p256"
	case "secp384r1", "p-384", "p384":
		rs.KeyType = "p384"
	case "rsa":
		rs.KeyType = "rsa2048"
		if len(n.Args) > 1 {
			switch n.Args[1] {
			case "2048", "4096":
				rs.KeyType = "rsa" + n.Args[1]
			default:
				ctx.Warnf(n, "keys of RSA have 2048 or 4096 bits here, and with %q 2048", n.Args[1])
			}
		}
	default:
		ctx.Warnf(n, "MDPrivateKeys %s has no effect; secp256r1, secp384r1 or RSA would be right", n.Args[0])
	}
	return nil
}

func (rs *Rules) requireHTTPS(ctx *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, 1, "MDRequireHttps permanent"); err != nil {
		return err
	}
	switch strings.ToLower(n.Args[0]) {
	case "off":
	case "temporary", "permanent":
		ctx.Warnf(n, "MDRequireHttps has no effect: write Redirect permanent / https://… into the virtual host of port 80")
	default:
		return fmt.Errorf("MDRequireHttps must be off, temporary or permanent, not %q", n.Args[0])
	}
	return nil
}
