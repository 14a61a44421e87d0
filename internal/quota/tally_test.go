// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"
)

func TestTally(t *testing.T) {
	var tally Tally
	all, one, two := Key{}.Of("all"), Key{}.Of("one"), Key{}.Of("two")
	everyone := (*Claim)(nil).And(all, 3)
	first, second := everyone.And(one, 2), everyone.And(two, 0)
	take := func(c *Claim, want int) {
		t.Helper()
		if got := tally.Take(c); got != want {
			t.Errorf("took as %d, want %d", got, want)
		}
	}
	take(first, -1)
	take(first, -1)
	take(first, 0)
	take(second, -1)
	take(second, 1) // two has no limit, but all are too many
	take(first, 0)
	if tally.held[all] != 3 || tally.held[one] != 2 || tally.held[two] != 1 {
		t.Errorf("a refusal was counted: %v", tally.held)
	}
	tally.Release(first)
	take(second, -1)
	take(first, 1)
	tally.Release(first)
	tally.Release(second)
	take(nil, -1)
	tally.Release(nil)
	if tally.held[two] != 1 || tally.Len() != 2 {
		t.Errorf("left %v", tally.held)
	}
	tally.Release(second)
	if tally.Len() != 0 {
		t.Errorf("left %v", tally.held)
	}
}

// A limit that was lowered lets nobody in until there is room under it.
func TestTallyWithLowerLimit(t *testing.T) {
	var tally Tally
	key := Key{}.Of("all")
	old, lower := (*Claim)(nil).And(key, 0), (*Claim)(nil).And(key, 2)
	for range 3 {
		tally.Take(old)
	}
	for _, want := range []int{0, 0, -1} {
		if got := tally.Take(lower); got != want {
			t.Errorf("with %d held: %d, want %d", tally.held[key], got, want)
		}
		tally.Release(old)
	}
}

func TestTallyReleasesWhatWasTaken(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a claim could be released that was not taken")
		}
	}()
	new(Tally).Release((*Claim)(nil).And(Key{}, 1))
}

func TestSizes(t *testing.T) {
	if size := unsafe.Sizeof(Claim{}); size > 24 {
		t.Errorf("a tunnel holds %d bytes for each limit, want 24", size)
	}
	var tally Tally
	all := (*Claim)(nil).And(Key{}.Of("all"), 10)
	tally.Take(all)
	if n := testing.AllocsPerRun(100, func() {
		tally.Take(all)
		tally.Release(all)
	}); n > 0 {
		t.Errorf("%v allocations without a limit of one's own", n)
	}
}

// However many come and go at once, no key ever has more holders than it may,
// and in the end none has any.
func TestTallyConcurrently(t *testing.T) {
	const keys, most, workers, rounds = 5, 3, 8, 2000
	var tally Tally
	var holders [keys]atomic.Int32
	var all atomic.Int32
	everyone := (*Claim)(nil).And(Key{}.Of("all"), keys*most-1)
	var workersDone sync.WaitGroup
	for worker := range workers {
		workersDone.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			type held struct {
				claim *Claim
				key   int
			}
			var mine []held
			release := func(i int) {
				holders[mine[i].key].Add(-1) // before the next can come
				all.Add(-1)
				tally.Release(mine[i].claim)
				mine = append(mine[:i], mine[i+1:]...)
			}
			for range rounds {
				if len(mine) > 0 && random.IntN(2) == 0 {
					release(random.IntN(len(mine)))
					continue
				}
				key := random.IntN(keys)
				claim := everyone.And(Key{}.Of(strconv.Itoa(key)), most)
				if tally.Take(claim) >= 0 {
					continue
				}
				if n := holders[key].Add(1); n > most {
					t.Errorf("%d hold a key that %d may", n, most)
				}
				if n := all.Add(1); n > keys*most-1 {
					t.Errorf("%d hold what %d may", n, keys*most-1)
				}
				mine = append(mine, held{claim, key})
			}
			for len(mine) > 0 {
				release(0)
			}
		})
	}
	workersDone.Wait()
	if tally.Len() != 0 {
		t.Errorf("left %v", tally.held)
	}
}
