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
	for tries := 0; ; tries++ {
		err := a.choose()
		var conn net.Conn
		var resp *http.Response
		if err == nil {
			conn, resp, err = a.shakeHands()
			a.judge(resp, err)
		}
		if !a.worthRetrying(resp, err) || !a.mayRetry(began, tries) {
			if last != nil && errors.Is(err, errNoneAvailable) {
				err = &dialError{"no_origin", fmt.Errorf("%w; the last one that was tried: %w", errNoneAvailable, last)}
			}
			return conn, resp, err
		}
		if a.state != nil && err != nil {
			last = err
		}
		if a.state != nil {
			a.passedOver(resp, err)
			a.state.Release()
			a.failed = append(a.failed, a.state)
			a.state = nil
		}
		if conn != nil {
			conn.Close()
		}
		if left := a.awaitOrigin(began); left != nil {
			return nil, nil, left
		}
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
	case "no_origin":
		return errors.Is(err, errNoneAvailable)
	}
	return false
}

func (a *attempt) isRetryStatus(status int) bool {
	return slices.ContainsFunc(a.h.LoadBalancing.RetryStatus, func(of int) bool { return caddyhttp.StatusCodeMatches(status, of) })
}

func (a *attempt) mayRetry(began time.Time, tries int) bool {
	lb := a.h.LoadBalancing
	switch {
	case lb.Retries == 0 && lb.TryDuration == 0:
		return false
	case lb.Retries > 0 && tries >= lb.Retries:
		return false
	default:
		return lb.TryDuration == 0 || time.Since(began) < time.Duration(lb.TryDuration)
	}
}

// awaitOrigin waits until there may be an origin that is worth a try, or the time
// for that is over. It fails if the client leaves.
func (a *attempt) awaitOrigin(began time.Time) error {
	lb := a.h.LoadBalancing
	freed := origins.Freed() // before looking, so that nothing is missed
	if a.othersAvailable() {
		return nil
	}
	wait := time.Duration(lb.TryInterval)
	if lb.TryDuration > 0 {
		wait = min(wait, time.Until(began.Add(time.Duration(lb.TryDuration))))
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

// othersAvailable tells whether there is an origin that this attempt has not
// tried.
func (a *attempt) othersAvailable() bool {
	all, err := a.candidates()
	return err == nil && slices.ContainsFunc(all, func(c *candidate) bool {
		return !slices.Contains(a.failed, c.state) && c.state.Available(a.h.LoadBalancing.MaxTunnels)
	})
}

// passedOver records that another origin is tried. If none is left, the record
// of the refusal has the last cause.
func (a *attempt) passedOver(resp *http.Response, err error) {
	if c := a.h.logger.Check(zap.WarnLevel, "trying another origin"); c != nil {
		fields := []zap.Field{zap.String("name", a.h.Name), zap.String("id", a.id), zap.String("origin", a.origin.String())}
		if err != nil {
			fields = append(fields, zap.String("reason", reasonOf(err, "failed")), zap.Error(err))
		} else {
			fields = append(fields, zap.Int("origin_status", resp.StatusCode))
		}
		c.Write(fields...)
	}
}
