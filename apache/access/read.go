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

// Reads says whether a directive, or with < in front of its name a section, is
// one of access. Case does not matter.
func Reads(name string) bool {
	name = strings.ToLower(name)
	return readers[name] != nil || sections[name] || refused[name] != ""
}

// Directive takes one directive or section with all that is in it.
func (rs *Rules) Directive(ctx *directive.Context, n *syntax.Node) error {
	if ctx.Place == directive.Server {
		return fmt.Errorf("%s is not allowed here; it has to stand in a section such as <Location />", n.Name)
	}
	rd := &reader{Rules: rs, ctx: ctx}
	return rd.directive(n)
}

// reader is where a directive stands among the sections of access.
type reader struct {
	*Rules
	ctx     *directive.Context
	methods Methods  // of the <Limit> sections around
	parent  *Require // the section around; nil: none
}

var sections = map[string]bool{
	"<requireall": true, "<requireany": true, "<requirenone": true, "<limit": true, "<limitexcept": true,
}

// refused are directives that decide who may and that cannot be followed, with
// what they would need.
var refused = map[string]string{
	"sslrequire":                   "it is an older form of Require expr; write that",
	"authbasicfake":                "logins cannot be made up for whatever is behind this server",
	"<authnprovideralias":          "passwords come from AuthUserFile only",
	"<authzprovideralias":          "write the Require in the place where its name is used",
	"authdigestprovider":           "it needs mod_auth_digest; AuthType can be Basic",
	"authdigestdomain":             "it needs mod_auth_digest; AuthType can be Basic",
	"authdigestqop":                "it needs mod_auth_digest; AuthType can be Basic",
	"authdigestalgorithm":          "it needs mod_auth_digest; AuthType can be Basic",
	"authformprovider":             "it needs mod_auth_form; AuthType can be Basic",
	"authdbmuserfile":              "it needs mod_authn_dbm; passwords come from AuthUserFile only",
	"authdbmgroupfile":             "it needs mod_authz_dbm; groups come from AuthGroupFile only",
	"authdbduserpwquery":           "it needs mod_authn_dbd; passwords come from AuthUserFile only",
	"authldapurl":                  "it needs mod_authnz_ldap; passwords come from AuthUserFile only",
	"authldapbinddn":               "it needs mod_authnz_ldap; passwords come from AuthUserFile only",
	"authldapbindpassword":         "it needs mod_authnz_ldap; passwords come from AuthUserFile only",
	"anonymous":                    "it needs mod_authn_anon; passwords come from AuthUserFile only",
	"authnzfcgicheckauthnprovider": "it needs mod_authnz_fcgi; passwords come from AuthUserFile only",
}

// readers are the directives, sections aside. It is filled in init because they
// lead back to it.
var readers map[string]func(*reader, *syntax.Node) error

func init() {
	readers = map[string]func(*reader, *syntax.Node) error{
		"require":                     (*reader).require,
		"authmerging":                 (*reader).merging,
		"authzsendforbiddenonfailure": (*reader).forbidden,
		"order":                       (*reader).order,
		"allow":                       (*reader).allow,
		"deny":                        (*reader).deny,
		"satisfy":                     (*reader).satisfy,
		"authtype":                    (*reader).authType,
		"authname":                    (*reader).authName,
		"authuserfile":                (*reader).userFile,
		"authgroupfile":               (*reader).groupFile,
		"authbasicprovider":           (*reader).provider,
		"authbasicauthoritative":      (*reader).authoritative,
		"authbasicusedigestalgorithm": (*reader).digestAlgorithm,
		"sslrequiressl":               (*reader).requireSSL,
	}
}

func (rd *reader) directive(n *syntax.Node) error {
	name := strings.ToLower(n.Name)
	if !n.Section {
		if read := readers[name]; read != nil {
			return read(rd, n)
		}
	}
	if n.Section {
		name = "<" + name
	}
	switch {
	case refused[name] != "":
		return fmt.Errorf("%s is not supported: %s", n.Name, refused[name])
	case name == "<limit" || name == "<limitexcept":
		return rd.limit(n)
	case sections[name]:
		return rd.section(n)
	}
	return fmt.Errorf("%s is not supported in a section of access directives", n.Name)
}

// inside reads the content of a section.
func (rd *reader) inside(n *syntax.Node) error {
	for _, child := range n.Nodes {
		if err := rd.directive(child); err != nil {
			return fmt.Errorf("line %d: %w", child.Line, err)
		}
	}
	return nil
}

// limit reads <Limit> or <LimitExcept>.
func (rd *reader) limit(n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "<"+n.Name+" GET POST>"); err != nil {
		return err
	}
	own := Methods{Limit: n.Args}
	if n.Is("<LimitExcept") {
		own = Methods{Except: n.Args}
	} else if slices.Contains(n.Args, "TRACE") {
		return fmt.Errorf("<%s> cannot be for TRACE; TraceEnable is", n.Name)
	}
	around := rd.methods.set()
	both := around.and(own.set())
	switch {
	case both.empty():
		return fmt.Errorf("<%s %s> is for no method at all, where it stands", n.Name, n.Raw)
	case both.or(around.not()).all():
		return fmt.Errorf("<%s %s> changes nothing where it stands; the section around it is for those already", n.Name, n.Raw)
	}
	inner := *rd
	inner.methods = rd.methods.only(own)
	return inner.inside(n)
}

// section reads <RequireAll>, <RequireAny> or <RequireNone>.
func (rd *reader) section(n *syntax.Node) error {
	if len(n.Args) > 0 {
		return fmt.Errorf("<%s> takes no arguments", n.Name)
	}
	section := &Require{Line: directive.Line(n)}
	inner := *rd
	inner.parent = section
	kind := strings.ToLower(n.Name)
	// What kind it is shows in which of the lists is not nil.
	switch kind {
	case "requireall":
		section.All = []*Require{}
	case "requirenone":
		section.None = []*Require{}
	default:
		section.Any = []*Require{}
	}
	if err := inner.inside(n); err != nil {
		return err
	}
	children := section.children()
	if len(children) == 0 {
		return fmt.Errorf("<%s> has no Require in it", n.Name)
	}
	if kind == "requireall" && rd.parent != nil && rd.parent.All != nil {
		return rd.add(n, children...) // the one section is as good as the other
	}
	if kind == "requireany" && (rd.parent == nil || rd.parent.All == nil) {
		return rd.add(n, children...)
	}
	if kind == "requireall" {
		if err := section.onlyNegative(); err != nil {
			return err
		}
	}
	return rd.add(n, section)
}

// add puts something into the section around.
func (rd *reader) add(n *syntax.Node, what ...*Require) error {
	parent := rd.parent
	if parent == nil {
		if rd.Require == nil {
			rd.Require = &Require{}
		}
		parent = rd.Require
	}
	for _, r := range what {
		if parent.All == nil && (r.Not || r.None != nil) {
			return fmt.Errorf("%s that forbids has no effect here, where one that is met is enough; put it into <RequireAll> together with one that allows, such as Require all granted", n.Name)
		}
	}
	switch {
	case parent.All != nil:
		parent.All = append(parent.All, what...)
	case parent.None != nil:
		parent.None = append(parent.None, what...)
	default:
		parent.Any = append(parent.Any, what...)
	}
	return nil
}

// children are what is in a section.
func (q *Require) children() []*Require {
	return slices.Concat(q.All, q.Any, q.None)
}

// onlyNegative is the error of a <RequireAll> that nothing can satisfy.
func (q *Require) onlyNegative() error {
	for _, child := range q.All {
		if !child.Not && child.None == nil {
			return nil
		}
	}
	return fmt.Errorf("<RequireAll> only forbids, so nobody may; add what allows, such as Require all granted")
}
