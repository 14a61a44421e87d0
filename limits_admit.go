// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/pool"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/quota"
)

// What is counted belongs to the process, as tunnels do: a reload neither
// forgets nor doubles anything.
var (
	tunnelTally      quota.Tally
	handshakeBuckets = quota.NewBuckets(1 << 16) // which take 7 MB at most
)

// fullRetryAfter is when a client may ask again that was refused because there
// are too many tunnels. Nobody knows when one of them will end.
const fullRetryAfter = 10 * time.Second

// reserve counts the attempt as a tunnel until release, or refuses it. A
// handshake that comes too often is not counted; one that finds too many
// tunnels has used up its turn.
func (a *attempt) reserve() error {
	if err := a.checkRates(); err != nil {
		return err
	}
	claim := a.h.claim
	for i := range slices.Backward(a.h.Limits) { // the claim then has them in order
		l := &a.h.Limits[i]
		subject, _ := a.subject(l.Key, l.IPv6Prefix)
		claim = claim.And(l.scope.Of(subject), l.Max)
	}
	switch full := tunnelTally.Take(claim); {
	case full < 0:
		a.claim = claim
		return nil
	case full == len(a.h.Limits):
		return a.refuseForNow(http.StatusTooManyRequests, fullRetryAfter, &dialError{"max_tunnels", fmt.Errorf("max_tunnels %d is reached", a.h.MaxTunnels)})
	default:
		l := &a.h.Limits[full]
		return a.refuseForNow(http.StatusTooManyRequests, fullRetryAfter, &dialError{"limit", fmt.Errorf("%s is reached%s", l, a.forSubject(l.Key, l.IPv6Prefix))})
	}
}

func (a *attempt) checkRates() error {
	if len(a.h.HandshakeRates) == 0 {
		return nil
	}
	draws := make([]quota.Draw, 0, 4) // on the stack, as a rule
	for i := range a.h.HandshakeRates {
		r := &a.h.HandshakeRates[i]
		subject, _ := a.subject(r.Key, r.IPv6Prefix)
		draws = append(draws, quota.Draw{Key: r.scope.Of(subject), Every: time.Duration(r.Window) / time.Duration(r.Max), Burst: r.Max})
	}
	lacking, wait := handshakeBuckets.Take(draws)
	if lacking < 0 {
		return nil
	}
	r := &a.h.HandshakeRates[lacking]
	return a.refuseForNow(http.StatusTooManyRequests, wait, &dialError{"handshake_rate", fmt.Errorf("%s is exceeded%s", r, a.forSubject(r.Key, r.IPv6Prefix))})
}

// subject is what is counted of the client for a key.
func (a *attempt) subject(key string, ipv6Prefix int) (subject string, isAddress bool) {
	return quota.Subject(a.repl.ReplaceAll(key, ""), ipv6Prefix)
}

// forSubject names an address or network in an error, but nothing else: keys
// can be tokens, which have no business in a log.
func (a *attempt) forSubject(key string, ipv6Prefix int) string {
	if subject, isAddress := a.subject(key, ipv6Prefix); isAddress {
		return " for " + subject
	}
	return ""
}

// refuseForNow refuses an attempt that may be made again after so long.
func (a *attempt) refuseForNow(status int, wait time.Duration, err error) error {
	a.retryLater(wait)
	return a.refuse(status, err)
}

func (a *attempt) retryLater(wait time.Duration) {
	seconds := max(1, (wait+time.Second-1)/time.Second)
	a.client.w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
}

// release takes back what reserve and choose counted, unless a tunnel has taken it over,
// and says that the handshake is over.
func (a *attempt) release() {
	claim, state := a.handOver()
	tunnelTally.Release(claim)
	if state != nil {
		state.Release()
	}
	if a.begun {
		a.begun = false
		tunnels.end()
	}
}

// handOver gives what reserve and choose counted to the tunnel, whose end releases
// it.
func (a *attempt) handOver() (*quota.Claim, *pool.Origin) {
	claim, state := a.claim, a.state
	a.claim, a.state = nil, nil
	return claim, state
}
