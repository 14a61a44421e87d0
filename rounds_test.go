// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// roundsOfTen begins rounds of an hour over ten tunnels, and returns when each was
// last visited.
func roundsOfTen(t *testing.T) (*rounds, func() []time.Time) {
	keeper := &generation{name: t.Name(), started: true}
	tunnels.add(keeper)
	all := make([]*tunnel, 10)
	for i := range all {
		all[i] = &tunnel{generation: keeper, relay: new(relay.Tunnel)}
	}
	tunnels.mu.Lock()
	before := tunnels.live
	tunnels.live = all
	tunnels.mu.Unlock()
	t.Cleanup(func() {
		tunnels.forget(keeper)
		tunnels.mu.Lock()
		tunnels.live = before
		tunnels.mu.Unlock()
	})
	var mu sync.Mutex
	visited := make(map[*tunnel]time.Time)
	r := (&Handler{generation: keeper}).startRounds(time.Hour, func(t *tunnel) {
		mu.Lock()
		defer mu.Unlock()
		visited[t] = time.Now()
	})
	return r, func() (times []time.Time) {
		mu.Lock()
		defer mu.Unlock()
		for _, t := range all {
			times = append(times, visited[t])
		}
		return times
	}
}

// A round is spread over a tenth of the interval.
func TestRoundIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		r, visited := roundsOfTen(t)
		defer r.end()
		time.Sleep(time.Hour + 6*time.Minute)
		synctest.Wait()
		for i, at := range visited() {
			if want := began.Add(time.Hour + time.Duration(i)*36*time.Second); !at.Equal(want) {
				t.Errorf("number %d was visited after %s, want %s", i, at.Sub(began), want.Sub(began))
			}
		}
	})
}

// What is asked for at once does not wait for the end of a round that is spread.
func TestRoundAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, visited := roundsOfTen(t)
		defer r.end()
		tunnels.recheckBy(r)
		time.Sleep(time.Hour + time.Minute)
		asked := time.Now()
		tunnels.recheckNow()
		synctest.Wait()
		for i, at := range visited() {
			if !at.Equal(asked) {
				t.Errorf("number %d was visited %s after that was asked for", i, at.Sub(asked))
			}
		}
	})
}

// In the middle of a round, whoever ends it does not wait for the rest.
func TestRoundEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, visited := roundsOfTen(t)
		time.Sleep(time.Hour + time.Minute)
		ended := time.Now()
		r.end()
		if took := time.Since(ended); took > 0 {
			t.Errorf("it took %s", took)
		}
		if last := visited()[9]; !last.IsZero() {
			t.Errorf("the last was visited at %s", last)
		}
	})
}
