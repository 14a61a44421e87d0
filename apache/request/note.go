// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package request

// Note is what a directive makes of a request.
type Note struct {
	Line      string // as chat.conf:12; empty if what is noted is not of one line
	Directive string // as RewriteRule ^/chat ws://localhost:8000/ [P]
	Holds     bool
	Outcome   string // what comes of it or, if it does not hold, why not; may be empty
}

// Noting says whether somebody wants notes. They cost something to write.
func (r *Request) Noting() bool { return r.Noted != nil }

// Note tells what a directive makes of the request, if somebody wants notes.
func (r *Request) Note(n Note) {
	if r.Noted != nil {
		r.Noted(n)
	}
}
