// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"slices"
	"strings"
)

// Methods are what <Limit> or <LimitExcept> keeps a directive to. The zero value
// is all methods.
type Methods struct {
	Limit  []string `json:"limit,omitempty"`
	Except []string `json:"limit_except,omitempty"`
}

// methods is a set of methods: those that are named, or all but those.
type methods struct {
	names  []string
	except bool
}

func (m Methods) set() methods {
	if len(m.Limit) > 0 {
		return methods{names: known(m.Limit)}
	}
	return methods{names: known(m.Except), except: true}
}

// only is the part of m that a section inside of it is kept to.
func (m Methods) only(inner Methods) Methods {
	both := m.set().and(inner.set())
	if both.except {
		return Methods{Except: both.names}
	}
	return Methods{Limit: both.names}
}

// knownMethods are those that Require method can name.
var knownMethods = strings.Fields(`GET HEAD PUT POST DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE
	LOCK UNLOCK VERSION-CONTROL CHECKOUT UNCHECKOUT CHECKIN UPDATE LABEL REPORT MKWORKSPACE MKACTIVITY BASELINE-CONTROL MERGE`)

// known makes HEAD the method that httpd takes it for.
func known(names []string) []string {
	var all []string
	for _, name := range names {
		if name == "HEAD" {
			name = "GET"
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

func (m methods) has(method string) bool {
	if method == "HEAD" {
		method = "GET"
	}
	return slices.Contains(m.names, method) != m.except
}

func (m methods) empty() bool { return !m.except && len(m.names) == 0 }

func (m methods) not() methods { return methods{m.names, !m.except} }

func (m methods) and(o methods) methods {
	switch {
	case !m.except:
		return methods{names: slices.DeleteFunc(slices.Clone(m.names), func(name string) bool { return !o.has(name) })}
	case !o.except:
		return o.and(m)
	}
	return methods{names: known(slices.Concat(m.names, o.names)), except: true}
}

func (m methods) or(o methods) methods { return m.not().and(o.not()).not() }

func (m methods) all() bool { return m.except && len(m.names) == 0 }
