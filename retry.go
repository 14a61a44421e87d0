// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// reach shakes hands with an origin, or with one after another, as far as the
// config allows. It returns what shakeHands says of the last one.
func (a *attempt) reach() (net.Conn, *http.Response, error) {
	began := time.Now()
	var last error
	for tries := 0; ; {
		freed := origins.Freed() // before looking, so that nothing is missed
		err := a.choose()
		if errors.Is(err, errNoneAvailable) && a.mayWait(began) {
			if err := a.awaitOrigin(began, freed); err != nil {
				return nil, nil, err
			}
			a.failed = nil
			continue
		}
		if err != nil {
			return nil, nil, a.none(err, last)
		}
		conn, resp, err := a.shakeHands()
		a.judge(resp, err)
		tries++
		if !a.worthRetrying(resp, err) || !a.mayRetry(began, tries) || a.h.LoadBalancing.others && !a.hasOther() {
			return conn, resp, err
		}
		if last = err; conn != nil {
			conn.Close()
		}
		a.passOver(resp, err)
	}
}

// none is the error of an attempt for which no origin is left. It has the last
// cause.
func (a *attempt) none(err, last error) error {
	switch {
	case tunnels.isExiting():
		a.retryLater(drainingRetryAfter)
		return &dialError{"draining", errors.New("the server is about to stop, and no origin was available")}
	case last != nil:
		return &dialError{"no_origin", fmt.Errorf("%w; the last one that was tried: %w", err, last)}
	default:
		return err
	}
}

// worthRetrying tells whether another origin could do better: this one has
// certainly not acted upon the request, or says so.
func (a *attempt) worthRetrying(resp *http.Response, err error) bool {
	if err == nil {
		return resp != nil && a.isRetryStatus(resp.StatusCode)
	}
	switch reasonOf(err, "") {
	case "dial_failed", "no_local_port", "tls_failed", "proxy_header_failed":
		return a.r.Context().Err() == nil
	}
	return false
}

func (a *attempt) isRetryStatus(status int) bool {
	return slices.ContainsFunc(a.h.LoadBalancing.RetryStatus, func(of int) bool { return caddyhttp.StatusCodeMatches(status, of) })
}

// hasOther tells whether there is an origin that has not been tried.
func (a *attempt) hasOther() bool {
	all, err := a.candidates()
	return err == nil && slices.ContainsFunc(all, func(c *candidate) bool {
		return c.state != a.state && !slices.Contains(a.failed, c.state) && a.available(c)
	})
}

// mayRetry tells whether the config allows another try after so many.
func (a *attempt) mayRetry(began time.Time, tries int) bool {
	lb := a.h.LoadBalancing
	if lb.tries > 0 && tries >= lb.tries {
		return false
	}
	return lb.TryDuration == 0 || time.Since(began) < time.Duration(lb.TryDuration)
}

// mayWait tells whether it is worth waiting when no origin is left to try: those
// that have failed can be tried once more; others may become available as long as
// there is time for that.
func (a *attempt) mayWait(began time.Time) bool {
	lb := a.h.LoadBalancing
	if tunnels.isExiting() || lb.others {
		return false
	}
	duration := time.Duration(lb.TryDuration)
	return duration == 0 && len(a.failed) > 0 || time.Since(began) < duration
}

// awaitOrigin waits until it is time for another try, or an origin may be worth
// one. It fails if the client leaves.
func (a *attempt) awaitOrigin(began time.Time, freed <-chan struct{}) error {
	lb := a.h.LoadBalancing
	wait := time.Duration(lb.TryInterval)
	if lb.TryDuration > 0 {
		wait = min(wait, time.Until(began.Add(time.Duration(lb.TryDuration))))
	}
	if len(a.failed) > 0 {
		freed = nil // that would be at once, over and over, where many come and go
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	ctx := a.r.Context()
	select {
	case <-timer.C:
	case <-freed:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// passOver leaves an origin for another one. If there is none, the record of the
// refusal has the last cause.
func (a *attempt) passOver(resp *http.Response, err error) {
	if c := a.h.logger.Check(zap.WarnLevel, "trying another origin"); c != nil {
		fields := []zap.Field{zap.String("name", a.h.Name), zap.String("id", a.id), zap.String("origin", a.origin.String())}
		if err != nil {
			fields = append(fields, zap.String("reason", reasonOf(err, "failed")), zap.Error(err))
		} else {
			fields = append(fields, zap.Int("origin_status", resp.StatusCode))
		}
		c.Write(fields...)
	}
	a.state.Release()
	a.failed = append(a.failed, a.state)
	a.state = nil
}
