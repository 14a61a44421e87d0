// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// However many tunnels wait for something, and whichever of them end before,
// each is woken at its time.
func TestManyAlarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tunnels = 500
		type expected struct {
			*rig
			after time.Duration
		}
		var all []expected
		for range tunnels {
			lifetime := time.Duration(1 + rand.Int64N(int64(time.Hour)))
			linger := time.Duration(1 + rand.Int64N(int64(time.Minute)))
			r := newRig(t, Config{MaxLifetime: lifetime, Limits: &Limits{Linger: linger}})
			e := expected{r, lifetime + linger} // nobody answers the Close frame
			if rand.IntN(2) == 0 {
				e.after = time.Duration(rand.Int64N(int64(e.after)))
				time.AfterFunc(e.after, func() {
					r.client.Close()
					r.origin.Close()
				})
			}
			all = append(all, e)
		}
		for i, e := range all {
			if s := <-e.summary; s.Duration != e.after {
				t.Errorf("number %d ended after %v, want %v", i, s.Duration, e.after)
			}
		}
		synctest.Wait() // the last ring may not have looked for another alarm yet
		if theClock.timer != nil || theClock.alarms != nil {
			t.Errorf("%d alarms are left", len(theClock.alarms))
		}
	})
}
