// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net/http"
	"strings"
	"testing"
)

// An origin is named if the policy selects the same one each time; asking does
// not change what it selects next.
func TestTracePolicies(t *testing.T) {
	origins := untouched(t) + " " + untouched(t)
	const both = ""
	for policy, want := range map[string]string{
		"first": "same", "ip_hash": "same", "client_ip_hash": "same", "uri_hash": "same", "header X-Key": "same", "header Host": "same", "query key": "same",
		"header X-Other": both, "query other": both, "random": both, "round_robin": both, "least_conn": both, "cookie": both, "weighted_round_robin 1 2": both,
	} {
		traceSites(t, "http://site.test {\n\tws_tunnel "+origins+" {\n\t\tlb_policy "+policy+"\n\t}\n}\n")
		seen := make(map[string]bool)
		for range 3 {
			p := traceOf(t, `{"url": "ws://site.test/?key=a", "headers": {"X-Key": "a"}}`).taken().Parameter
			if len(p.Candidates) != 2 || p.Policy != strings.Fields(policy)[0] || (p.Origin != nil) != (want == "same") {
				t.Fatalf("%s: %+v", policy, p)
			}
			if p.Origin != nil {
				seen[p.Origin.Address] = true
			}
		}
		if len(seen) > 1 {
			t.Errorf("%s: %v", policy, seen)
		}
	}
}

// What is known of the origins now is looked at: tunnels that they have, and
// whether they are up.
func TestTraceLiveOrigins(t *testing.T) {
	first, second := echoOrigin(t), echoOrigin(t)
	g := startGateway(t, false, "", "ws_tunnel "+first+" "+second+" {\nmax_tunnels_per_origin 1\nlb_slow_start 0s\n}")
	ask := func() *traceResult { return traceOf(t, `{"url": "ws://`+g.address+`/"}`) }
	if p := ask().taken().Parameter; p.Origin != nil {
		t.Errorf("%+v of two that are alike", p.Origin)
	}
	a := g.open()
	taken := liveTunnels(t, 1)[0].info().Origin
	if p := ask().taken().Parameter; p.Origin == nil || p.Origin.Address == taken || !p.Candidates[0].Unavailable && !p.Candidates[1].Unavailable {
		t.Errorf("%+v, while %s is full", p, taken)
	}
	b := g.open()
	if result := ask(); result.StatusCode != http.StatusServiceUnavailable || result.taken() != nil {
		t.Errorf("both are full:\n%s", result.tree())
	}
	for _, p := range []*peer{a, b} {
		p.Close()
	}
	for range 2 {
		g.await("tunnel ended")
	}
}

// Dynamic origins are not looked up.
func TestTraceDynamic(t *testing.T) {
	traceSites(t, "http://site.test {\n\tws_tunnel localhost:7001 {\n\t\tdynamic a origin.invalid 7002\n\t}\n}\n")
	result := traceOf(t, `{"url": "ws://site.test/"}`)
	if p := result.taken().Parameter; p.Origin != nil || p.Dynamic != "a" || len(p.Candidates) != 1 {
		t.Errorf("%+v", p)
	}
	if tree := result.tree(); !strings.Contains(tree, "=> what dynamic a finds, or else one of ws://localhost:7001") {
		t.Error(tree)
	}
}
