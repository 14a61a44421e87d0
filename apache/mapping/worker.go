// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Worker is what httpd knows of a server behind it: where it is, and how to talk
// to it. Each ProxyPass, BalancerMember and <Proxy URL> defines one, unless there
// is one whose URL is the beginning of its own.
type Worker struct {
	Line   string `json:"line,omitempty"`
	URL    string `json:"url"`
	Match  bool   `json:"match,omitempty"` // from ProxyPassMatch: $1 in it stands for anything
	Params Params `json:"params,omitzero"`

	// The URL as others are compared with it: scheme://host[:port], path, socket.
	at     string
	path   string
	socket string

	// literals are at and path without the references of a Match.
	literals []string

	// at as origin; nil if it is known only when a request is there.
	origin *origin

	// bad is why there can be no such server; the requests there are answered so.
	bad *StatusError
}

// compile checks the URL, and takes it apart.
func (w *Worker) compile() error {
	if err := w.parse(); err != nil {
		return err
	}
	if w.Match {
		w.literals = splitReferences(w.at + w.path)
	}
	return nil
}

func (w *Worker) parse() error {
	socket, url, ok := cutSocket(w.URL)
	if !ok {
		return fmt.Errorf("%s has to be of the form unix:/run/chat.sock|http://localhost/", w.URL)
	}
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || scheme == "" {
		return fmt.Errorf("%s is not a URL, for example ws://localhost:8000/", w.URL)
	}
	authority, _, _ := strings.Cut(rest, "/")
	scheme = strings.ToLower(scheme)
	if err := knownScheme(scheme); err != nil {
		return err
	}
	w.socket, w.path, w.origin = socket, rest[len(authority):], nil
	if at := reference(authority); w.Match && at >= 0 {
		if port := strings.LastIndexByte(authority[:at], ':'); port < 0 || !digits(authority[port+1:at]) {
			w.at = scheme + "://" + strings.ToLower(authority)
			return nil
		}
		// In http://chat:8000$1 it is the path that the reference belongs to.
		authority, w.path = authority[:at], rest[at:]
	}
	var o origin
	if o, w.bad = parseAuthority(scheme, authority); w.bad != nil {
		w.at = scheme + "://" + strings.ToLower(authority)
		return nil
	}
	w.at, w.origin = o.name(), &o
	return nil
}

// checkHost is for a host that cannot be, such as a placeholder that somebody has
// still to fill in. httpd starts with most of them, and answers with an error.
func (w *Worker) checkHost(ctx *directive.Context, n *syntax.Node) error {
	if w.bad == nil {
		return nil
	}
	_, authority, _ := strings.Cut(w.at, "://")
	if ctx.Strict && !parsable(authority) {
		return fmt.Errorf("%s: %w", w.URL, w.bad)
	}
	ctx.Warnf(n, "%s: %s; the requests there are answered with %d", w.URL, w.bad.Message, w.bad.Status)
	return nil
}

// parsable says whether httpd can take an authority apart, whatever host it is.
func parsable(authority string) bool {
	hostPort := authority[strings.LastIndexByte(authority, '@')+1:]
	if literal, ok := strings.CutPrefix(hostPort, "["); ok {
		_, port, closed := strings.Cut(literal, "]")
		return closed && (port == "" || port[0] == ':' && strings.Trim(port[1:], "0123456789") == "")
	}
	host, port, _ := strings.Cut(hostPort, ":")
	return host != "" && strings.Trim(port, "0123456789") == ""
}

// Target is where a worker is. ok is false if it is known only when a request is
// there, since $1 stands in its host, or if it can be nowhere. The worker is one of
// a Mapper.
func (w *Worker) Target() (t Target, ok bool) {
	if w.origin == nil {
		return Target{}, false
	}
	return Target{Scheme: w.origin.scheme, Host: w.origin.host, Address: w.origin.address(w.socket), Path: w.path, Worker: w}, true
}

// kind of workers to look for.
type kind int

const (
	anyWorker kind = iota
	prefixWorker
	matchWorker // of ProxyPassMatch
)

func (w *Worker) kind() kind {
	if w.Match {
		return matchWorker
	}
	return prefixWorker
}

// findWorker returns the worker whose URL is the longest beginning of another; of
// several, the first. It is nil if there is none (lab case E31).
func findWorker(workers []Worker, at, path string, kind kind) *Worker {
	var longest *Worker
	length := 0
	for i := range workers {
		w := &workers[i]
		n := len(w.at) + len(w.path)
		// The lengths are compared for those of ProxyPassMatch, too, as httpd does it.
		if n < len(at) || n > len(at)+len(path) || n <= length || kind != anyWorker && kind != w.kind() {
			continue
		}
		if w.at == at && strings.HasPrefix(path, w.path) || w.Match && hasLiterals(at+path, w.literals) {
			longest, length = w, n
		}
	}
	return longest
}

// hasLiterals says whether a text begins with the first of some literals, and has
// the others behind, in their order. There is always one, if only an empty one.
func hasLiterals(s string, literals []string) bool {
	if !strings.HasPrefix(s, literals[0]) {
		return false
	}
	s = s[len(literals[0]):]
	for _, literal := range literals[1:] {
		i := strings.Index(s, literal)
		if i < 0 {
			return false
		}
		s = s[i+len(literal):]
	}
	return true
}

// splitReferences returns what stands before, between and behind $1 and the like.
func splitReferences(template string) []string {
	var literals []string
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == '$' && reference(template[i:]) == 0:
			literals = append(literals, b.String())
			b.Reset()
			i++
		case c == '\\' && i+1 < len(template):
			i++
			b.WriteByte(template[i])
		default:
			b.WriteByte(c)
		}
	}
	return append(literals, b.String())
}

// ProxySection takes what <Proxy URL> and <ProxyMatch> say about workers and
// balancers: parameters in the section's line, BalancerMember and ProxySet. The
// nodes that it took are returned; the others are not its business.
func (rs *Rules) ProxySection(ctx *directive.Context, n *syntax.Node) (taken []*syntax.Node, err error) {
	if len(n.Args) == 0 {
		return nil, fmt.Errorf("<%s> needs a URL or *, for example: <Proxy balancer://chat>", n.Name)
	}
	name := strings.TrimPrefix(n.Args[0], "proxy:")
	if params := n.Args[1:]; len(params) > 0 {
		if err := rs.setParams(name, n, true, params); err != nil {
			return nil, fmt.Errorf("<%s>: %w", n.Name, err)
		}
	}
	inside := *ctx
	inside.Place, inside.Path, inside.Match = directive.Proxy, name, n.Is("<ProxyMatch")
	for _, child := range n.Nodes {
		if child.Is("BalancerMember") || child.Is("ProxySet") {
			taken = append(taken, child)
			if err := rs.Directive(&inside, child); err != nil {
				return taken, syntax.Errors{{Position: child.Position, Message: err.Error()}}
			}
		}
	}
	return taken, nil
}

func (rs *Rules) proxySet(ctx *directive.Context, n *syntax.Node) error {
	if ctx.Place == directive.Proxy {
		return rs.setParams(ctx.Path, n, true, n.Args)
	}
	if err := serverOnly(ctx, n); err != nil {
		return err
	}
	if err := directive.Args(n, 1, -1, "ProxySet balancer://chat stickysession=ROUTEID"); err != nil {
		return err
	}
	return rs.setParams(n.Args[0], n, false, n.Args[1:])
}

// setParams gives parameters to a worker or balancer. In its own section it is
// defined if it is not there yet.
func (rs *Rules) setParams(name string, n *syntax.Node, define bool, params []string) error {
	if balancer, ok := balancerName(name); ok {
		if balancer == balancerScheme {
			return errNoBalancerName
		}
		if !define && !slices.ContainsFunc(rs.Balancers, func(b Balancer) bool { return b.Name == balancer }) {
			return fmt.Errorf("there is no %s before this line", balancer)
		}
		return rs.balancer(balancer, directive.Line(n)).set(params)
	}
	w := Worker{Line: directive.Line(n), URL: name, Match: n.Is("<ProxyMatch")}
	if err := w.compile(); err != nil {
		return err
	}
	if found := findWorker(rs.Workers, w.at, w.path, w.kind()); found != nil {
		return found.Params.set(params)
	}
	if !define {
		return fmt.Errorf("there is no worker %s before this line", name)
	}
	if err := w.Params.set(params); err != nil {
		return err
	}
	rs.Workers = append(rs.Workers, w)
	return nil
}
