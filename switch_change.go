// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
)

// switchChange is what the admin API is asked to make of a switch.
type switchChange struct {
	On    *bool  `json:"on"`
	Until string `json:"until,omitempty"` // RFC 3339
	For   string `json:"for,omitempty"`   // a duration, instead of until
	By    string `json:"by,omitempty"`
	Close bool   `json:"close,omitempty"` // recheck running tunnels at once
}

// maxSwitchBy is how many bytes of a person's name are kept.
const maxSwitchBy = 128

// setting is what the change, asked for from an address, comes to.
func (c switchChange) setting(now time.Time, remoteAddr string) (s switchSetting, err error) {
	switch {
	case c.On == nil:
		return s, errors.New(`"on" is missing; write true or false`)
	case *c.On && c.Until+c.For != "":
		return s, errors.New("a switch that is on stays so; until and for are for one that is off")
	case *c.On && c.Close:
		return s, errors.New("close is for a switch that is off")
	case !validSwitchBy(c.By):
		return s, fmt.Errorf("by %q is no name; write at most %d printable characters", c.By, maxSwitchBy)
	}
	s = switchSetting{On: *c.On, Close: c.Close, By: c.By, At: now.UTC().Round(0)} // without its monotonic clock, as it is stored
	if s.By == "" {
		s.By = remoteAddr
		if host, _, err := net.SplitHostPort(remoteAddr); err == nil {
			s.By = host
		}
	}
	s.Until, err = c.until(now)
	return s, err
}

func (c switchChange) until(now time.Time) (until time.Time, err error) {
	switch {
	case c.Until != "" && c.For != "":
		return until, errors.New("until and for exclude each other")
	case c.For != "":
		d, err := caddy.ParseDuration(c.For)
		if err != nil || d <= 0 {
			return until, fmt.Errorf("for %q is no time to come; write one as 10m or 2h", c.For)
		}
		until = now.Add(d)
	case c.Until != "":
		if until, err = time.Parse(time.RFC3339, c.Until); err != nil {
			return until, fmt.Errorf("until %q is no time; write one as %s", c.Until, now.UTC().Add(time.Hour).Format(time.RFC3339))
		}
		if until.UTC().Year() > 9999 { // which RFC 3339 cannot say
			return until, fmt.Errorf("until %q is too late to be told", c.Until)
		}
		if !until.After(now) {
			return until, fmt.Errorf("until %s is over: here it is %s", c.Until, now.UTC().Format(time.RFC3339))
		}
	}
	return until.UTC().Round(0), nil
}

func validSwitchBy(by string) bool {
	return len(by) <= maxSwitchBy && utf8.ValidString(by) &&
		!strings.ContainsFunc(by, func(r rune) bool { return !strconv.IsPrint(r) })
}
