// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pass lets time go by, which in a bubble takes none.
func pass(d time.Duration) { <-time.After(d) }

func TestBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBuckets(100)
		draw := []Draw{{Key{}.Of("a"), 200 * time.Millisecond, 5}}
		expect := func(want time.Duration) {
			t.Helper()
			lacking, wait := b.Take(draw)
			if wait != want || (lacking >= 0) != (want > 0) {
				t.Errorf("lacking %d, wait %v; want to wait %v", lacking, wait, want)
			}
		}
		for range 5 {
			expect(0)
		}
		for range 3 { // who is refused does not have to wait longer for it
			expect(200 * time.Millisecond)
		}
		pass(150 * time.Millisecond)
		expect(50 * time.Millisecond)
		pass(50 * time.Millisecond)
		expect(0)
		expect(200 * time.Millisecond)
		pass(time.Hour) // and no more than 5 come together
		for range 5 {
			expect(0)
		}
		expect(200 * time.Millisecond)
		draw[0].Key = Key{}.Of("b")
		expect(0)
	})
}

// Two buckets are drawn from together or not at all.
func TestBucketsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBuckets(100)
		short, long := Draw{Key{}.Of("short"), time.Second, 2}, Draw{Key{}.Of("long"), time.Minute, 3}
		for i, want := range []struct {
			lacking int
			wait    time.Duration
		}{{-1, 0}, {-1, 0}, {0, time.Second}, {0, time.Second}} {
			if lacking, wait := b.Take([]Draw{short, long}); lacking != want.lacking || wait != want.wait {
				t.Errorf("take %d: %d, %v; want %+v", i, lacking, wait, want)
			}
		}
		pass(time.Second)
		if lacking, _ := b.Take([]Draw{short, long}); lacking != -1 {
			t.Error("a refusal drew from the long one")
		}
		if lacking, wait := b.Take([]Draw{short, long}); lacking != 1 || wait != 59*time.Second {
			t.Errorf("%d, %v; want the longest wait", lacking, wait)
		}
	})
}

// Buckets that are full again are forgotten, though nobody comes any more.
func TestFullBucketsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBuckets(1000)
		for i := range 100 {
			for range 1 + i%5 {
				b.Take([]Draw{{Key{}.Of(strconv.Itoa(i)), time.Second, 5}})
			}
		}
		for _, want := range []int{100, 80, 60, 40, 20, 0} {
			synctest.Wait()
			if n := b.Len(); n != want {
				t.Errorf("%d buckets, want %d", n, want)
			}
			pass(sweepEvery)
		}
		b.Take([]Draw{{Key{}, time.Second, 5}}) // and again
		pass(sweepEvery)
		synctest.Wait()
		if n := b.Len(); n != 0 || b.fullAt != nil || b.sweeping {
			t.Errorf("%d buckets are left", n)
		}
	})
}

// A flood of keys takes no more room than there is, and who came more often
// than they may do not get away with it: the flood's own buckets give way.
func TestFloodOfKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 1000
		b := NewBuckets(most)
		greedy := []Draw{{Key{}.Of("greedy"), time.Minute, 5}}
		for range 5 {
			b.Take(greedy)
		}
		for i := range 20 * most {
			if lacking, _ := b.Take([]Draw{{Key{}.Of("flood").Of(strconv.Itoa(i)), time.Minute, 5}}); lacking >= 0 {
				t.Fatal("a new key was refused")
			}
			if n := b.Len(); n > most {
				t.Fatalf("%d buckets", n)
			}
		}
		if lacking, _ := b.Take(greedy); lacking != 0 {
			t.Error("the flood washed away an empty bucket")
		}
	})
}

func TestTakeDoesNotAllocate(t *testing.T) {
	b := NewBuckets(10)
	draws := []Draw{{Key{}.Of("a"), time.Hour, 1 << 20}}
	b.Take(draws)
	if n := testing.AllocsPerRun(100, func() { b.Take(draws) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// However many draw at once, no more get a token than there are.
func TestBucketsConcurrently(t *testing.T) {
	const keys, burst, workers, rounds = 4, 50, 8, 400
	b := NewBuckets(keys)
	var drawn [keys]atomic.Int32
	var workersDone sync.WaitGroup
	for worker := range workers {
		workersDone.Go(func() {
			random := rand.New(rand.NewPCG(2, uint64(worker)))
			for range rounds {
				key := random.IntN(keys)
				if lacking, _ := b.Take([]Draw{{Key{}.Of(strconv.Itoa(key)), time.Hour, burst}}); lacking < 0 {
					drawn[key].Add(1)
				}
			}
		})
	}
	workersDone.Wait()
	for key := range drawn {
		if n := drawn[key].Load(); n != burst {
			t.Errorf("%d tokens of %d", n, burst)
		}
	}
}
