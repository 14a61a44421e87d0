// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package access decides who may: it reads Require, Order, Allow, Deny, Satisfy,
// the Auth directives and SSLRequireSSL, merges what sections say as httpd does,
// and judges requests by the result.
//
// What cannot be evaluated decides for the safe side. Where that differs from
// httpd, the place says so.
package access

// Rules are the access directives of one section, or what they are after
// merging.
type Rules struct {
	// Require is the tree of Require directives, in <RequireAny> unless the file
	// says otherwise.
	Require *Require `json:"require,omitempty"`

	// Merging is how Require goes together with that of outer sections: Off, And,
	// Or. Empty is Off.
	Merging string `json:"auth_merging,omitempty"`

	// Forbidden is AuthzSendForbiddenOnFailure, on or off: whether somebody who has
	// logged in and may not gets 403 rather than 401.
	Forbidden string `json:"forbidden_on_failure,omitempty"`

	// Order, Allow, Deny and Satisfy are the older gate beside Require. Of several
	// Order and Satisfy the last that is for the request's method holds.
	Order   []Word `json:"order,omitempty"`
	Allow   []From `json:"allow,omitempty"`
	Deny    []From `json:"deny,omitempty"`
	Satisfy []Word `json:"satisfy,omitempty"`

	AuthType      string   `json:"auth_type,omitempty"` // Basic or None
	AuthName      string   `json:"auth_name,omitempty"`
	UserFile      string   `json:"user_file,omitempty"`
	GroupFile     string   `json:"group_file,omitempty"`
	Providers     []string `json:"providers,omitempty"`     // AuthBasicProvider
	Authoritative string   `json:"authoritative,omitempty"` // AuthBasicAuthoritative, on or off

	// RequireSSL is SSLRequireSSL.
	RequireSSL bool `json:"require_ssl,omitempty"`
}

// Word is a directive with one word: Order or Satisfy.
type Word struct {
	Value string `json:"value"`
	Methods
	Line string `json:"line,omitempty"`
}

// From is Allow from or Deny from.
type From struct {
	From []string `json:"from"`
	Methods
	Line string `json:"line,omitempty"`
}

// Require is one Require directive or a section of them. Exactly one of its
// fields, Not, Methods and Line aside, is set.
type Require struct {
	All  []*Require `json:"all,omitempty"`  // <RequireAll>
	Any  []*Require `json:"any,omitempty"`  // <RequireAny>
	None []*Require `json:"none,omitempty"` // <RequireNone>

	Not bool `json:"not,omitempty"` // Require not

	AllGranted bool     `json:"all_granted,omitempty"`
	AllDenied  bool     `json:"all_denied,omitempty"`
	IP         []string `json:"ip,omitempty"`
	Host       []string `json:"host,omitempty"`
	ForwardDNS []string `json:"forward_dns,omitempty"`
	Local      bool     `json:"local,omitempty"`
	Env        []string `json:"env,omitempty"`
	Method     []string `json:"method,omitempty"`
	Expr       string   `json:"expr,omitempty"`
	User       []string `json:"user,omitempty"`
	Group      []string `json:"group,omitempty"`
	ValidUser  bool     `json:"valid_user,omitempty"`

	Methods
	Line string `json:"line,omitempty"`
}
