// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"
	_ "time/tzdata" // 450 KB, so that zones work in containers without /usr/share/zoneinfo

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(MatchTimeWindow{})
}

// MatchTimeWindow matches at certain times of the day and the week, whatever the
// request is. It is true while any of its windows is open.
//
// A window is open while a clock on a wall in its zone shows a time within it; `from`
// is within, `to` is not. An overnight window, whose `to` is before its `from`, goes
// on until `to` of the next day. Days are those on which a window opens: 22:00-06:00
// on `fri` includes Saturday at 02:00, and not Friday at 02:00.
//
// Where clocks are changed, the wall still decides. In spring, when 02:00 to 03:00
// does not happen, 01:30-02:30 ends at the jump, and 02:10-02:50 does not open that
// day; in autumn, when 02:00 to 03:00 happens twice, 02:15-02:45 is open both times.
// So 09:00-18:00 means the same nine hours on each day of the year.
//
// Placeholders are not replaced: all of it is checked when the config is loaded.
type MatchTimeWindow struct {
	// The windows, at least one.
	Windows []TimeWindow `json:"windows,omitempty"`
}

// TimeWindow is a span of the day on some days of the week.
type TimeWindow struct {
	// The first moment of the window, as `hh:mm` or `hh:mm:ss`. Required.
	From string `json:"from,omitempty"`

	// The end of the window, the first moment outside of it, as `hh:mm` or `hh:mm:ss`.
	// `24:00` is the end of the day. Must differ from `from`; the whole day is `00:00`
	// to `24:00`. Required.
	To string `json:"to,omitempty"`

	// The days on which the window opens: `mon` or `monday`, or a range such as
	// `mon-fri` or `sat-mon`. Default: every day.
	Days []string `json:"days,omitempty"`

	// The time zone, by its IANA name such as `Europe/Berlin`, or `UTC`. Default: the
	// server's own zone (environment variable `TZ`, then `/etc/localtime`).
	Zone string `json:"zone,omitempty"`

	from, to int // seconds of the day
	days     [7]bool
	zone     *time.Location
}

// windowClock tells what time it is. Tests set it.
var windowClock = time.Now

// momentCtxKey is the key of the time that a request is taken to come at, where
// that is not now.
type momentCtxKey struct{}

// momentOf is when a request comes.
func momentOf(r *http.Request) time.Time {
	if r != nil {
		if at, ok := r.Context().Value(momentCtxKey{}).(time.Time); ok {
			return at
		}
	}
	return windowClock()
}

// localZone is the server's zone. Tests set it, and not time.Local, which
// everyone who formats a time reads.
var localZone = func() *time.Location { return time.Local }

// CaddyModule returns the Caddy module information.
func (MatchTimeWindow) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.time_window",
		New: func() caddy.Module { return new(MatchTimeWindow) },
	}
}

// Provision checks the windows and prepares them for matching.
func (m *MatchTimeWindow) Provision(caddy.Context) error {
	if len(m.Windows) == 0 {
		return errors.New("time_window has no windows; write one such as 09:00-18:00 mon-fri Europe/Berlin")
	}
	for i := range m.Windows {
		if err := m.Windows[i].parse(); err != nil {
			return fmt.Errorf("time_window: %w", err)
		}
	}
	return nil
}

// Match returns true if a window is open now.
func (m MatchTimeWindow) Match(r *http.Request) bool {
	return m.OpenAt(momentOf(r))
}

// MatchWithError returns true if a window is open now. The request may be nil, and
// the error always is.
func (m MatchTimeWindow) MatchWithError(r *http.Request) (bool, error) {
	return m.OpenAt(momentOf(r)), nil
}

// OpenAt reports whether any of the windows is open at t, in whatever zone t is.
func (m MatchTimeWindow) OpenAt(t time.Time) bool {
	for i := range m.Windows {
		if m.Windows[i].openAt(t) {
			return true
		}
	}
	return false
}

func (w *TimeWindow) openAt(t time.Time) bool {
	t = t.In(w.zone)
	hour, minute, second := t.Clock()
	at := hour*3600 + minute*60 + second
	today := t.Weekday()
	yesterday := (today + 6) % 7
	if w.from < w.to {
		return w.days[today] && w.from <= at && at < w.to
	}
	return w.days[today] && w.from <= at || w.days[yesterday] && at < w.to
}

func (w *TimeWindow) parse() (err error) {
	if w.from, err = parseClock(w.From); err != nil {
		return err
	}
	if w.to, err = parseClock(w.To); err != nil {
		return err
	}
	switch {
	case w.from == endOfDay:
		return fmt.Errorf("a window cannot open at %s; write 00:00", w.From)
	case w.from == w.to:
		return fmt.Errorf("the window %s-%s is empty; for the whole day write 00:00-24:00", w.From, w.To)
	}
	if w.days, err = parseDays(w.Days); err != nil {
		return err
	}
	w.zone, err = parseZone(w.Zone)
	return err
}

const endOfDay = 24 * 3600

// parseClock reads hh:mm or hh:mm:ss as seconds of the day. 24:00 is the only time
// past 23:59:59.
func parseClock(s string) (int, error) {
	if s == "24:00" || s == "24:00:00" {
		return endOfDay, nil
	}
	for _, layout := range []string{"15:04", time.TimeOnly} {
		// Parse alone is too lenient: it takes one digit for the hour, and a fraction.
		if t, err := time.Parse(layout, s); err == nil && len(s) == len(layout) {
			return t.Hour()*3600 + t.Minute()*60 + t.Second(), nil
		}
	}
	return 0, fmt.Errorf("%q is not a time of day; write hh:mm or hh:mm:ss, from 00:00 to 24:00", s)
}

// parseDays reads days and ranges of days, in which a range may go over the end of
// the week. No days at all are all of them.
func parseDays(values []string) (days [7]bool, err error) {
	if len(values) == 0 {
		return [7]bool{true, true, true, true, true, true, true}, nil
	}
	for _, value := range values {
		first, last, isRange := strings.Cut(value, "-")
		if !isRange {
			last = first
		}
		from, ok1 := parseDay(first)
		to, ok2 := parseDay(last)
		if !ok1 || !ok2 {
			return days, fmt.Errorf("%q is neither a day nor a range of days; write sun, mon, tue, wed, thu, fri, sat, or a range such as mon-fri", value)
		}
		for day := from; ; day = (day + 1) % 7 {
			days[day] = true
			if day == to {
				break
			}
		}
	}
	return days, nil
}

func parseDay(s string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := day.String(); strings.EqualFold(s, name) || strings.EqualFold(s, name[:3]) {
			return day, true
		}
	}
	return 0, false
}

func parseZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return localZone(), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not a known time zone; write an IANA name such as Europe/Berlin or Asia/Tokyo, or UTC", name)
	}
	return zone, nil
}

// parseTimeWindow reads the arguments of a time_window, in a Caddyfile or an
// expression: from-to, then days, then a zone.
func parseTimeWindow(args []string) (w TimeWindow, err error) {
	var isSpan bool
	if w.From, w.To, isSpan = strings.Cut(args[0], "-"); !isSpan {
		return w, fmt.Errorf("%q is not a span of time; write one such as 09:00-18:00", args[0])
	}
	for i, arg := range args[1:] {
		days := strings.Split(arg, ",")
		if _, err := parseDays(days); err == nil {
			w.Days = append(w.Days, days...)
			continue
		}
		switch _, err := parseZone(arg); {
		case err != nil && strings.Contains(arg, "/"):
			return w, err
		case err != nil:
			return w, fmt.Errorf("%q is neither days nor a time zone; write days such as mon-fri or sat,sun, then a zone such as Europe/Berlin", arg)
		case i != len(args)-2:
			return w, fmt.Errorf("the time zone %s must come last and once", arg)
		}
		w.Zone = arg
	}
	return w, w.parse()
}

// CELLibrary makes the matcher available in expressions. The arguments are those of
// the Caddyfile.
//
// Example:
//
//	expression time_window('09:00-18:00', 'mon-fri', 'Asia/Tokyo')
func (MatchTimeWindow) CELLibrary(ctx caddy.Context) (cel.Library, error) {
	return caddyhttp.CELMatcherImpl(
		"time_window",
		"time_window_request_list",
		[]*cel.Type{cel.ListType(cel.StringType)},
		func(data ref.Val) (caddyhttp.RequestMatcherWithError, error) {
			args, err := data.ConvertToNative(reflect.TypeFor[[]string]())
			if err != nil {
				return nil, fmt.Errorf("reading the arguments of time_window(): %w", err)
			}
			w, err := parseTimeWindow(args.([]string))
			if err != nil {
				return nil, fmt.Errorf("time_window: %w", err)
			}
			return MatchTimeWindow{Windows: []TimeWindow{w}}, nil
		},
	)
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*MatchTimeWindow)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchTimeWindow)(nil)
	_ caddyhttp.CELLibraryProducer      = (*MatchTimeWindow)(nil)
)
