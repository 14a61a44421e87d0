// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

// Kind is what has become of a request.
type Kind int

const (
	// Unchanged is a request that no rule has changed. Its environment may be
	// another, and in a folder its query string.
	Unchanged Kind = iota

	// Rewritten is one that has been mapped. A server's rules have set Filename,
	// and nothing else is to map it: neither ProxyPass nor Alias. A folder's have
	// set URI and Query and removed Filename: it begins anew with the mapping, as
	// an internal redirect.
	Rewritten

	// PassThrough is one with a new URI, by the flag PT, which goes on to ProxyPass
	// and Alias.
	PassThrough

	// Proxy is one for another server.
	Proxy

	// Redirect is one to be answered with Status and the Location URL.
	Redirect

	// Status is one to be answered with Status.
	Status
)

func (k Kind) String() string {
	return [...]string{"unchanged", "rewritten", "pass-through", "proxy", "redirect", "status"}[k]
}

// Result is what rules have made of a request. What they have made of its URI,
// Filename, Query and environment is in the request itself.
type Result struct {
	Kind Kind

	// URL is where to. Of a Redirect it is finished. Of a Proxy its path is as
	// mod_proxy gets it, still to be made canonical unless NoEscape, and its host
	// may be missing or wrong, which mod_proxy answers with 400.
	URL string

	Query    string // Proxy: the query string to send
	NoEscape bool   // the flag NE
	Status   int    // Redirect, Status
	End      bool   // no more rewriting of this request: the flag END
	Rule     string // the line of the rule that decided

	Cookies []string // values of Set-Cookie, for whatever the answer will be
	Type    string   // the content type that the flag T forces, in lower case
	Handler string   // the handler that the flag H forces

	// Rooted says that a Rewritten file of a server's rules is in the document root
	// for its path, and not because a rule names the place.
	Rooted bool
}
