// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// disturb reloads the config, restarts origins, breaks shared connections, and takes
// samples, until ctx is done.
func (s *soak) disturb(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var others sync.WaitGroup
	every := func(interval time.Duration, do func() error) {
		others.Go(func() {
			for {
				wait(ctx, interval*3/4+rand.N(interval/2))
				if ctx.Err() != nil {
					return
				}
				if err := do(); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	every(s.plan.reload, func() error {
		s.mark("reload")
		s.ledger.reload(true)
		s.retire() // the gateway ends them, and clients learn that when it is too late
		defer s.ledger.reload(false)
		defer s.retire()
		return s.gateway.reload(context.WithoutCancel(ctx))
	})
	turn := 0
	every(s.plan.restart, func() error {
		turn++
		s.mark("restart")
		return s.origins[turn%originCount].restart(ctx, turn%2 == 0, s.plan.down)
	})
	every(s.plan.cut, func() error {
		f := s.fleets[[]kind{overHTTP2, overHTTP3}[rand.IntN(2)]]
		f.cutOne(func(t *tunnel) { s.ledger.cut(t) })
		return nil
	})
	every(s.plan.sample, func() error {
		s.ledger.lateOnes()
		now, err := s.look(context.WithoutCancel(ctx))
		if err == nil {
			s.report.add(now)
		}
		return err
	})
	others.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func (s *soak) retire() {
	for _, f := range s.fleets {
		f.retire()
	}
}

func (s *soak) mark(what string) {
	s.report.mark(event{time.Since(s.began), what})
}
