// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// require reads one Require.
func (rd *reader) require(n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "Require all granted"); err != nil {
		return err
	}
	q := &Require{Methods: rd.methods, Line: directive.Line(n)}
	provider, rest := syntax.Word(n.Raw)
	if strings.EqualFold(provider, "not") {
		q.Not = true
		provider, rest = syntax.Word(rest)
	}
	if err := q.provider(provider, rest); err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	if slices.ContainsFunc(syntax.Words(rest), func(word string) bool { return strings.HasPrefix(word, "#") }) && q.Expr == "" {
		return fmt.Errorf("%s has a comment behind it; a # begins a comment at the start of a line only", n.Name)
	}
	if _, err := q.test(); err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	return rd.add(n, q)
}

// provider fills in what is required. Names of providers are in lower case for
// httpd, too.
func (q *Require) provider(name, rest string) error {
	words := syntax.Words(rest)
	var into *[]string
	switch name {
	case "all":
		// It is not split into words: "granted" in quotation marks is wrong.
		switch q.AllGranted, q.AllDenied = strings.EqualFold(rest, "granted"), strings.EqualFold(rest, "denied"); {
		case !q.AllGranted && !q.AllDenied:
			return fmt.Errorf("all must be granted or denied, not %q", rest)
		}
		return nil
	case "local":
		q.Local = true
		return nil
	case "valid-user":
		q.ValidUser = true
		return nil
	case "expr":
		q.Expr = unquoted(rest)
		if q.Expr == "" {
			return errors.New("expr needs an expression, as in Require expr \"%{HTTP:Upgrade} == 'websocket'\"")
		}
		return nil
	case "ip":
		into = &q.IP
	case "host":
		into = &q.Host
	case "forward-dns":
		into = &q.ForwardDNS
	case "env":
		into = &q.Env
	case "method":
		into = &q.Method
	case "user":
		into = &q.User
	case "group":
		into = &q.Group
	default:
		return unknownProvider(name)
	}
	if len(words) == 0 {
		return fmt.Errorf("%s needs at least one word behind it; without, nobody may", name)
	}
	*into = words
	return nil
}

// unquoted takes off the quotation marks around an expression, which are not
// those of a word: nothing in it is escaped.
func unquoted(s string) string {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// providers are those of httpd's modules that are not followed, by their first
// letters.
var providers = []struct{ prefix, needs string }{
	{"ldap-", "mod_authnz_ldap; AuthUserFile and AuthGroupFile can hold the same people"},
	{"dbm-", "mod_authz_dbm; AuthGroupFile can hold the same groups"},
	{"dbd-", "mod_authz_dbd; AuthGroupFile can hold the same groups"},
	{"file-", "mod_authz_owner, which asks whose a file is"},
	{"claim", "mod_auth_openidc, which is not part of httpd"},
	{"shib", "mod_shib, which is not part of httpd"},
}

func unknownProvider(name string) error {
	for _, p := range providers {
		if strings.HasPrefix(name, p.prefix) {
			return fmt.Errorf("%s is not supported: it needs %s", name, p.needs)
		}
	}
	return fmt.Errorf("%q is not supported; there are all, ip, host, forward-dns, local, env, method, expr, user, group and valid-user, in lower case", name)
}

// merging reads AuthMerging.
func (rd *reader) merging(n *syntax.Node) error {
	return rd.word(n, &rd.Merging, "Off", "And", "Or")
}

// forbidden reads AuthzSendForbiddenOnFailure.
func (rd *reader) forbidden(n *syntax.Node) error {
	return rd.onOff(n, &rd.Forbidden)
}

// word takes one of several words, in any case.
func (rd *reader) word(n *syntax.Node, into *string, words ...string) error {
	if err := directive.Args(n, 1, 1, n.Name+" "+words[0]); err != nil {
		return err
	}
	for _, word := range words {
		if strings.EqualFold(n.Args[0], word) {
			*into = word
			return nil
		}
	}
	return fmt.Errorf("%s must be one of %s, not %q", n.Name, strings.Join(words, ", "), n.Args[0])
}

// onOff takes a switch that is not set unless it is written.
func (rd *reader) onOff(n *syntax.Node, into *string) error {
	on, err := directive.OnOff(n)
	*into = "off"
	if on {
		*into = "on"
	}
	return err
}
