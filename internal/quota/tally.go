// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"math"
	"sync"
)

// Tally counts how many hold each key. The zero Tally is ready for use. A key
// that nobody holds takes no room.
type Tally struct {
	mu   sync.Mutex // guards held; nothing is waited for while it is locked
	held map[Key]uint32
}

// Claim is a list of keys that one holder holds, or wants to, with how many may
// hold each. It does not change, so many holders can share a claim, or its end.
// The nil Claim holds nothing.
type Claim struct {
	key  Key
	max  uint32 // 0: any number
	next *Claim
}

// And returns a claim to key and to all of c. At most max may hold the key, or
// any number if max is 0.
func (c *Claim) And(key Key, max int) *Claim {
	return &Claim{key, uint32(min(max, math.MaxInt32)), c}
}

// Take counts one more holder of each key of c. If as many as may hold one of
// them already, nothing is counted, and Take returns the place of that key in
// the list, which is 0 for the one that was added last. Otherwise it returns -1.
func (t *Tally) Take(c *Claim) (full int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := c; l != nil; l = l.next {
		if l.max > 0 && t.held[l.key] >= l.max {
			return full
		}
		full++
	}
	if t.held == nil {
		t.held = make(map[Key]uint32)
	}
	for l := c; l != nil; l = l.next {
		t.held[l.key]++
	}
	return -1
}

// Release takes back what Take counted for c, which may be done once.
func (t *Tally) Release(c *Claim) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ; c != nil; c = c.next {
		switch n := t.held[c.key]; n {
		case 0:
			panic("quota: a claim is released that was not taken")
		case 1:
			delete(t.held, c.key)
		default:
			t.held[c.key] = n - 1
		}
	}
}

// Len returns how many keys somebody holds.
func (t *Tally) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.held)
}
