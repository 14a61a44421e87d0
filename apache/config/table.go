// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/spelling"
)

// Class is what becomes of a directive.
type Class string

const (
	Works    Class = "works"    // as in httpd, but for what docs/apache.md lists
	Partly   Class = "partly"   // some of it does
	Accepted Class = "accepted" // without effect
	Refused  Class = "refused"  // an error, since to go on without it would be wrong
)

// Entry is what is known of a directive.
type Entry struct {
	Name  string // of a section with < in front
	Class Class
	Note  string // what a user has to know of it

	places   places
	override string // the group of AllowOverride it is in; empty: not for .htaccess
}

// places are where a directive may stand.
type places int

const (
	inServer    places = 1 << iota // outside of sections, and in <VirtualHost>
	inSection                      // <Directory>, <Files>, <Location>, <Proxy>
	inCondition                    // <If>
	mainOnly                       // not in <VirtualHost>

	inAll = inServer | inSection | inCondition
)

// Known says whether there is a directive, in any case, or with < in front a
// section.
func Known(name string) bool { return find(name) != nil }

// Table returns all that is known, by name.
func Table() []Entry {
	all := slices.Clone(table)
	slices.SortFunc(all, func(a, b Entry) int {
		return strings.Compare(strings.ToLower(strings.TrimPrefix(a.Name, "<")), strings.ToLower(strings.TrimPrefix(b.Name, "<")))
	})
	return all
}

func find(name string) *Entry { return byName[strings.ToLower(name)] }

var byName = func() map[string]*Entry {
	index := make(map[string]*Entry, len(table))
	for i := range table {
		index[strings.ToLower(table[i].Name)] = &table[i]
	}
	return index
}()

// nearest is the directive that a misspelt name may stand for, of those that would
// do something; empty if there is none.
func nearest(name string) string {
	return spelling.Nearest(name, func(yield func(string) bool) {
		for _, e := range table {
			if e.Class != Refused && !yield(e.Name) {
				return
			}
		}
	})
}

// StandsFor says whether <IfModule> finds a module: those whose directives have
// an effect here.
func StandsFor(module string) bool {
	name := strings.ToLower(module)
	switch {
	case strings.HasPrefix(name, "mod_") && strings.HasSuffix(name, ".c"):
		name = name[len("mod_") : len(name)-len(".c")]
	case strings.HasSuffix(name, "_module"):
		name = strings.TrimSuffix(name, "_module")
	case name == "core.c", name == "event.c", name == "http_core.c":
		return true
	}
	return slices.Contains(modules, name)
}

// restricts says whether a directive with these arguments keeps somebody out.
func restricts(name, args string) bool {
	switch strings.ToLower(name) {
	case "require":
		return !strings.EqualFold(args, "all granted")
	case "order":
		return !strings.EqualFold(args, "deny,allow")
	case "authtype":
		return !strings.EqualFold(args, "none")
	case "secruleengine":
		return !strings.EqualFold(args, "off") && !strings.EqualFold(args, "detectiononly")
	case "deny", "allowmethods", "secrule", "sslrequire", "sslrequiressl", "sslverifyclient":
		return true
	}
	return false
}

var modules = []string{
	"core", "so", "http", "mpm_event", "unixd", "log_config",
	"access_compat", "alias", "auth_basic", "authn_core", "authn_file", "authz_core", "authz_groupfile",
	"authz_host", "authz_user", "deflate", "dir", "env", "expires", "filter", "headers", "lbmethod_bybusyness",
	"lbmethod_byrequests", "lbmethod_bytraffic", "mime", "proxy", "proxy_balancer", "proxy_http", "proxy_http2", "proxy_wstunnel",
	"ratelimit", "remoteip", "reqtimeout", "rewrite", "setenvif", "slotmem_shm", "socache_shmcb", "ssl", "http2", "version", "watchdog",
}
