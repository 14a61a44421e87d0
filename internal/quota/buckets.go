// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"sync"
	"time"
)

// Buckets are token buckets, one for each key. All there is to know of a
// bucket is when it will be full again: until then it lacks as many tokens as
// have yet to drip in. A full one takes no room, since it is like one that
// nobody has drawn from.
type Buckets struct {
	most  int
	began time.Time // what times are counted from; no clock that is set changes them

	mu       sync.Mutex // guards what follows; nothing is waited for while it is locked
	fullAt   map[Key]time.Duration
	sweeping bool
}

// NewBuckets returns buckets of which at most so many are kept. When there are
// more that are not full, each new one displaces one of eight others: whichever
// has the least to go until it is full, and so loses the least. That takes no
// longer, however many there are.
func NewBuckets(most int) *Buckets { return &Buckets{most: most, began: time.Now()} }

const sampled = 8

// Draw is a token to be drawn from a bucket. The bucket has room for Burst
// tokens, at least 1, and gets one back Every so often.
type Draw struct {
	Key   Key
	Every time.Duration
	Burst int
}

// Take draws a token from each bucket of draws, whose keys are different. If a
// bucket has none, nothing is drawn: Take returns the index of the draw that
// has to wait longest, and how long. Otherwise it returns -1.
func (b *Buckets) Take(draws []Draw) (lacking int, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lacking, at := -1, time.Since(b.began)
	for i, d := range draws {
		if w := b.missing(d, at) - time.Duration(d.Burst-1)*d.Every; w > wait {
			lacking, wait = i, w
		}
	}
	if lacking >= 0 {
		return lacking, wait
	}
	for _, d := range draws {
		b.put(d.Key, at+b.missing(d, at)+d.Every)
	}
	return -1, 0
}

// missing is how long it takes until the bucket of d is full.
func (b *Buckets) missing(d Draw, at time.Duration) time.Duration {
	return max(0, b.fullAt[d.Key]-at)
}

func (b *Buckets) put(key Key, fullAt time.Duration) {
	if _, ok := b.fullAt[key]; !ok && len(b.fullAt) >= b.most {
		b.displace()
	}
	if b.fullAt == nil {
		b.fullAt = make(map[Key]time.Duration)
	}
	b.fullAt[key] = fullAt
	if !b.sweeping {
		b.sweeping = true
		time.AfterFunc(sweepEvery, b.sweep)
	}
}

// displace makes room for a bucket. Go goes through a map from a place that is
// another each time.
func (b *Buckets) displace() {
	var first Key
	seen := 0
	for key, at := range b.fullAt {
		if seen == 0 || at < b.fullAt[first] {
			first = key
		}
		if seen++; seen == sampled {
			break
		}
	}
	delete(b.fullAt, first)
}

const sweepEvery = time.Second

// sweep forgets the buckets that are full. One timer is for all of them, and
// when none is left there is no timer either.
func (b *Buckets) sweep() {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := time.Since(b.began)
	for key, fullAt := range b.fullAt {
		if fullAt <= at {
			delete(b.fullAt, key)
		}
	}
	if len(b.fullAt) > 0 {
		time.AfterFunc(sweepEvery, b.sweep)
		return
	}
	b.fullAt = nil // an emptied map would stay as large as it was
	b.sweeping = false
}

// Len returns how many buckets are kept.
func (b *Buckets) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.fullAt)
}
