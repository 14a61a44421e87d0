// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package balance chooses the member of a balancer that a request goes to, as
// httpd's mod_proxy_balancer and its lbmethods do.
//
// What httpd keeps in memory that its processes share is kept in a Balancer. It
// is lost with it, as httpd's is with a restart.
package balance

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Member is a BalancerMember. The zero value of all but Name is httpd's default.
type Member struct {
	Name       string  // its worker URL
	Route      string  // what a session's cookie names it by
	Redirect   string  // redirect=: the route its sessions go to when it is out
	LoadFactor float64 // 1 to 100; 0 is 1
	Set        int     // lbset: one with a lower number comes first

	Standby      bool // status=+H: chosen when no other can be
	Spare        bool // status=+R: stands in for one of its set that cannot be chosen
	Disabled     bool // status=+D
	Stopped      bool // status=+S
	Draining     bool // status=+N: only for sessions that it has
	IgnoreErrors bool // status=+I: never out

	// Retry is how long the member is out after a failure. 0 is DefaultRetry, and
	// less is no time at all.
	Retry time.Duration

	// Tunnels says how many tunnels the member carries beside the choices that have
	// not ended. It is called while the balancer is locked. nil: none.
	Tunnels func() int
}

// Options are the parameters of a balancer. The zero value is httpd's default.
type Options struct {
	Method        string // lbmethod: byrequests, bybusyness or bytraffic
	Sticky        string // stickysession: a cookie's name, or "cookie|parameter"
	Separator     string // stickysessionsep: what the route stands behind, or "off"; a dot
	SemicolonPath bool   // scolonpathdelim: a ; ends a parameter, too
	NoFailover    bool   // nofailover: a session whose member is out gets nil

	// MaxAttempts is how many members more are tried after one that failed. nil: all
	// that there are.
	MaxAttempts *int

	// FailOnStatus are the answers that put a member out.
	FailOnStatus []int

	// FailOnTimeout lets a timeout put a member out.
	FailOnTimeout bool

	// NoRecovery is forcerecovery=off: members stay out until their time has
	// passed, even if all are.
	NoRecovery bool

	// Now tells the time. nil: time.Now.
	Now func() time.Time
}

// Balancer is a balancer with the state of its members.
type Balancer struct {
	name     string
	options  Options
	cookie   string // of Options.Sticky
	param    string
	attempts int // choices for one request, at most

	mu      sync.Mutex // guards the fields of all states, and is held while a choice is made
	members []*State
	better  better
	sets    []int // the lbsets there are, in order
}

// New returns a balancer. The name is its URL, as balancer://name.
func New(name string, members []Member, o Options) (*Balancer, error) {
	b := &Balancer{name: name, options: o, attempts: max(len(members), 1)}
	switch strings.ToLower(b.Method()) {
	case "byrequests":
		b.better = byRequests
	case "bybusyness":
		b.better = byBusyness
	case "bytraffic":
		b.better = byTraffic
	case "heartbeat":
		return nil, errors.New("lbmethod heartbeat needs mod_heartmonitor's records, which there are none of; byrequests, bybusyness or bytraffic would be right")
	default:
		return nil, fmt.Errorf("unknown lbmethod %q: byrequests, bybusyness or bytraffic would be right", o.Method)
	}
	if len(o.Separator) > 1 && !strings.EqualFold(o.Separator, "off") {
		return nil, fmt.Errorf("stickysessionsep must be one character or Off, not %q", o.Separator)
	}
	var found bool
	if b.cookie, b.param, found = strings.Cut(o.Sticky, "|"); !found {
		b.param = b.cookie
	}
	if o.MaxAttempts != nil {
		if *o.MaxAttempts < 0 {
			return nil, fmt.Errorf("maxattempts must be 0 or more, not %d", *o.MaxAttempts)
		}
		b.attempts = *o.MaxAttempts + 1
	}
	if b.options.Now == nil {
		b.options.Now = time.Now
	}
	for _, m := range members {
		s, err := b.newState(m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		b.members = append(b.members, s)
		b.sets = append(b.sets, m.Set)
	}
	slices.Sort(b.sets)
	b.sets = slices.Compact(b.sets)
	return b, nil
}

// Method is the lbmethod.
func (b *Balancer) Method() string { return cmp.Or(b.options.Method, "byrequests") }

// Choose returns the member a request goes to, and sets the variables that httpd
// sets. nil means that there is none, to which httpd answers 503.
//
// A choice ends with one call of Done, Failed or TimedOut. After the latter two
// the next choice for the same request is made with the state added to tried:
// those are not chosen again.
func (b *Balancer) Choose(r *request.Request, tried []*State) *State {
	// A member that ignores errors never gets unusable, and httpd goes on only from
	// one that is.
	if n := len(tried); n >= b.attempts || n > 0 && tried[n-1].member.IgnoreErrors {
		return nil
	}
	session := b.session(r)

	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.options.Now()
	b.recoverAll(now)
	chosen := b.byRoute(session.route, tried, now)
	switch {
	case chosen != nil:
		b.countSession(chosen)
		if chosen.member.Route != session.route {
			r.SetEnv("BALANCER_ROUTE_CHANGED", "1") // by redirect=
		}
	case b.options.NoFailover && b.hasRoute(session.route):
		return nil
	default:
		if chosen = b.best(tried, now); chosen == nil {
			return nil
		}
		if b.cookie != "" {
			r.SetEnv("BALANCER_ROUTE_CHANGED", "1")
		}
	}
	chosen.busy++

	r.SetEnv("BALANCER_NAME", b.name)
	r.SetEnv("BALANCER_WORKER_NAME", chosen.member.Name)
	r.SetEnv("BALANCER_WORKER_ROUTE", chosen.member.Route)
	if session.found {
		r.SetEnv("BALANCER_SESSION_STICKY", session.name)
		r.SetEnv("BALANCER_SESSION_ROUTE", session.route)
	}
	return chosen
}
