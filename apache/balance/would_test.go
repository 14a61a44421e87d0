// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"slices"
	"testing"
	"time"
)

// Would names all that Choose may choose, and changes nothing: not whose turn it is,
// nor who is out.
func TestWould(t *testing.T) {
	no := func(*lab) {}
	for _, tc := range []struct {
		name    string
		options Options
		members []Member
		before  func(*lab)
		cookie  string
		want    []string
	}{
		{"all", Options{}, []Member{{Name: "A"}, {Name: "B"}}, no, "", []string{"A", "B"}},
		{"disabled", Options{}, []Member{{Name: "A", Disabled: true}, {Name: "B"}}, no, "", []string{"B"}},
		{"draining", Options{}, []Member{{Name: "A", Draining: true}, {Name: "B"}}, no, "", []string{"B"}},
		{"standby", Options{}, []Member{{Name: "A"}, {Name: "B", Standby: true}}, no, "", []string{"A"}},
		{"standby needed", Options{}, []Member{{Name: "X"}, {Name: "B", Standby: true}}, func(l *lab) { l.send(get("/", ""), 200, 0) }, "", []string{"B"}},
		{"spare needed", Options{}, []Member{{Name: "A"}, {Name: "B", Disabled: true}, {Name: "C", Spare: true}}, no, "", []string{"A", "C"}},
		{"first set", Options{}, []Member{{Name: "A", Set: 1}, {Name: "B"}, {Name: "C"}}, no, "", []string{"B", "C"}},
		{"none", Options{}, []Member{{Name: "A", Stopped: true}}, no, "", nil},
		{"all out", Options{}, []Member{{Name: "X"}, {Name: "Y"}}, func(l *lab) { l.send(get("/", ""), 200, 0) }, "", []string{"X", "Y"}},
		{"all out, and not back yet", Options{NoRecovery: true}, []Member{{Name: "X"}}, func(l *lab) { l.send(get("/", ""), 200, 0) }, "", nil},
		{"back", Options{NoRecovery: true}, []Member{{Name: "X"}}, func(l *lab) { l.send(get("/", ""), 200, 0); l.now = l.now.Add(2 * time.Minute) }, "", []string{"X"}},
		{"session", Options{Sticky: "S"}, []Member{{Name: "A", Route: "a"}, {Name: "B", Route: "b"}}, no, "S=x.b", []string{"B"}},
		{"session lost", Options{Sticky: "S", NoFailover: true}, []Member{{Name: "A", Route: "a"}, {Name: "B", Route: "b", Disabled: true}}, no, "S=x.b", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLab(t, tc.options, tc.members...)
			tc.before(l)
			type mark struct {
				status, busy int
				out          bool
			}
			marks := func() (all []mark) {
				for _, s := range l.members {
					all = append(all, mark{s.status, s.busy, s.out})
				}
				return all
			}
			before := marks()
			r := get("/", tc.cookie)
			var names []string
			for _, s := range l.Would(r) {
				names = append(names, s.Member().Name)
			}
			if !slices.Equal(names, tc.want) {
				t.Errorf("would choose of %v, want %v", names, tc.want)
			}
			if after := marks(); !slices.Equal(before, after) {
				t.Errorf("states were %v, are %v", before, after)
			}
			if s := l.Choose(r, nil); (s == nil) != (tc.want == nil) || s != nil && !slices.Contains(tc.want, s.Member().Name) {
				t.Errorf("chose %v", s)
			}
		})
	}
}
