// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package reclaim

import "testing"

// TestLookUp finds fields of the struct itself and of the type that is asked for.
func TestLookUp(t *testing.T) {
	type inner struct{ deep int }
	type outer struct {
		before [9]byte
		flat   int
		inner
	}
	o := outer{flat: 1, inner: inner{2}}
	if got := lookUp[outer, int]("flat").in(&o); got != &o.flat {
		t.Errorf("flat is at %p, not %p", got, &o.flat)
	}
	for _, name := range []string{"deep", "before", "absent"} {
		if got := lookUp[outer, int](name).in(&o); got != nil {
			t.Errorf("%s was found", name)
		}
	}
}
