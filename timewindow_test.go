// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func timeWindows(t *testing.T, lines ...string) *MatchTimeWindow {
	t.Helper()
	m := new(MatchTimeWindow)
	for _, line := range lines {
		w, err := parseTimeWindow(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		m.Windows = append(m.Windows, w)
	}
	return provisionedMatcher(t, m)
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// In 2026, 5 January is a Monday.
func TestMatchTimeWindow(t *testing.T) {
	for _, tc := range []struct {
		name    string
		windows []string
		open    []string
		shut    []string
	}{
		{
			"office hours in Tokyo",
			[]string{"09:00-18:00 mon-fri Asia/Tokyo"},
			[]string{"2026-01-05T09:00:00+09:00", "2026-01-09T17:59:59.999999999+09:00", "2026-01-05T00:00:00Z"},
			[]string{"2026-01-05T08:59:59.999999999+09:00", "2026-01-05T18:00:00+09:00", "2026-01-10T12:00:00+09:00", "2026-01-05T09:00:00Z"},
		},
		{
			"overnight, days on which it opens",
			[]string{"22:00-06:00 fri UTC"},
			[]string{"2026-01-09T22:00:00Z", "2026-01-09T23:59:59Z", "2026-01-10T00:00:00Z", "2026-01-10T02:00:00Z", "2026-01-10T05:59:59Z"},
			[]string{"2026-01-09T02:00:00Z", "2026-01-09T21:59:59Z", "2026-01-10T06:00:00Z", "2026-01-10T22:00:00Z", "2026-01-11T02:00:00Z"},
		},
		{
			"overnight from Saturday to Sunday and from Sunday to Monday",
			[]string{"23:00-01:00 sat-sun UTC"},
			[]string{"2026-01-10T23:30:00Z", "2026-01-11T00:30:00Z", "2026-01-11T23:30:00Z", "2026-01-12T00:30:00Z"},
			[]string{"2026-01-10T00:30:00Z", "2026-01-12T23:30:00Z", "2026-01-13T00:30:00Z"},
		},
		{
			"until midnight, either way of writing it",
			[]string{"22:00-24:00 mon UTC", "22:00-00:00 wed UTC"},
			[]string{"2026-01-05T22:00:00Z", "2026-01-05T23:59:59.9Z", "2026-01-07T23:59:59.9Z"},
			[]string{"2026-01-06T00:00:00Z", "2026-01-08T00:00:00Z", "2026-01-05T21:59:59Z"},
		},
		{
			"whole days, range over the end of the week",
			[]string{"00:00-24:00 sat-mon,wed UTC"},
			[]string{"2026-01-10T00:00:00Z", "2026-01-11T12:00:00Z", "2026-01-12T23:59:59.9Z", "2026-01-14T12:00:00Z"},
			[]string{"2026-01-13T00:00:00Z", "2026-01-15T12:00:00Z", "2026-01-16T23:59:59Z"},
		},
		{
			"seconds, every day",
			[]string{"12:00:30-12:00:31 UTC"},
			[]string{"2026-01-05T12:00:30Z", "2026-01-10T12:00:30.999Z"},
			[]string{"2026-01-05T12:00:29.999Z", "2026-01-05T12:00:31Z"},
		},
		{
			"all but one second",
			[]string{"12:00:00-11:59:59 UTC"},
			[]string{"2026-01-05T12:00:00Z", "2026-01-05T11:59:58Z"},
			[]string{"2026-01-05T11:59:59Z"},
		},
		{
			"several windows in several zones",
			[]string{"09:00-10:00 mon UTC", "11:00-12:00 mon Asia/Tokyo"},
			[]string{"2026-01-05T09:30:00Z", "2026-01-05T02:30:00Z"},
			[]string{"2026-01-05T11:30:00Z", "2026-01-05T00:30:00Z"},
		},
		{
			"the day is the zone's",
			[]string{"00:00-24:00 tue Pacific/Kiritimati"}, // UTC+14
			[]string{"2026-01-05T10:00:00Z", "2026-01-06T09:59:59Z"},
			[]string{"2026-01-05T09:59:59Z", "2026-01-06T10:00:00Z"},
		},
		{
			// 29 March 2026, a Sunday: 01:59:59 CET is followed by 03:00:00 CEST.
			"spring: the window ends at the jump",
			[]string{"01:30-02:30 sun Europe/Berlin"},
			[]string{"2026-03-29T01:30:00+01:00", "2026-03-29T01:59:59+01:00"},
			[]string{"2026-03-29T01:29:59+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"},
		},
		{
			"spring: a window within the hour that is left out does not open",
			[]string{"02:10-02:50 Europe/Berlin"},
			[]string{"2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"},
			[]string{"2026-03-29T01:59:59+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"},
		},
		{
			"spring: a window that opens in the hour that is left out opens after it",
			[]string{"02:30-04:00 Europe/Berlin"},
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:59:59+02:00"},
			[]string{"2026-03-29T01:59:59+01:00", "2026-03-29T04:00:00+02:00"},
		},
		{
			// 25 October 2026, a Sunday: 02:59:59 CEST is followed by 02:00:00 CET.
			"autumn: both passes are inside",
			[]string{"02:15-02:45 sun Europe/Berlin"},
			[]string{"2026-10-25T02:15:00+02:00", "2026-10-25T02:44:59+02:00", "2026-10-25T02:15:00+01:00", "2026-10-25T02:44:59+01:00"},
			[]string{"2026-10-25T02:14:59+02:00", "2026-10-25T02:45:00+02:00", "2026-10-25T02:14:59+01:00", "2026-10-25T02:45:00+01:00"},
		},
		{
			"overnight across either change",
			[]string{"22:00-06:00 sat Europe/Berlin"},
			[]string{"2026-03-28T22:00:00+01:00", "2026-03-29T05:59:59+02:00", "2026-10-24T22:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T05:59:59+01:00"},
			[]string{"2026-03-29T06:00:00+02:00", "2026-10-25T06:00:00+01:00", "2026-10-24T21:59:59+02:00", "2026-10-25T22:30:00+01:00"},
		},
		{
			// Clocks in Lebanon go from 24:00 to 01:00: Sunday 29 March begins at 01:00.
			"spring at midnight",
			[]string{"23:00-00:30 sat Asia/Beirut", "00:00-02:00 sun Asia/Beirut"},
			[]string{"2026-03-28T23:59:59+02:00", "2026-03-29T01:00:00+03:00", "2026-03-29T01:59:59+03:00"},
			[]string{"2026-03-28T22:59:59+02:00", "2026-03-29T02:00:00+03:00"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := timeWindows(t, tc.windows...)
			for want, instants := range map[bool][]string{true: tc.open, false: tc.shut} {
				for _, s := range instants {
					if got := m.OpenAt(instant(t, s)); got != want {
						t.Errorf("%s: open %t, want %t", s, got, want)
					}
				}
			}
		})
	}
}

// The policy of a day lasts as long as its wall-clock span, on the days of a change as
// on all others, unless the change lies within the window.
func TestMatchTimeWindowKeepsItsHours(t *testing.T) {
	office := timeWindows(t, "09:00-18:00 Europe/Berlin")
	night := timeWindows(t, "22:00-06:00 Europe/Berlin")
	zone := office.Windows[0].zone
	for _, tc := range []struct {
		noon          string // count from this noon to the next
		office, night int    // minutes
	}{
		{"2026-01-05", 9 * 60, 8 * 60},
		{"2026-03-28", 9 * 60, 7 * 60}, // the night has an hour less
		{"2026-10-24", 9 * 60, 9 * 60}, // and an hour more
	} {
		from, err := time.ParseInLocation(time.DateOnly, tc.noon, zone)
		if err != nil {
			t.Fatal(err)
		}
		from = from.Add(12 * time.Hour)
		var inOffice, inNight int
		for at := from; at.Before(from.AddDate(0, 0, 1)); at = at.Add(time.Minute) {
			if office.OpenAt(at) {
				inOffice++
			}
			if night.OpenAt(at) {
				inNight++
			}
		}
		if inOffice != tc.office || inNight != tc.night {
			t.Errorf("from noon of %s: office %d, night %d minutes; want %d, %d", tc.noon, inOffice, inNight, tc.office, tc.night)
		}
	}
}

func TestMatchTimeWindowAsksTheClock(t *testing.T) {
	t.Cleanup(func() { windowClock = time.Now })
	m := timeWindows(t, "09:00-18:00 mon-fri UTC")
	for s, want := range map[string]bool{"2026-01-05T12:00:00Z": true, "2026-01-05T20:00:00Z": false} {
		windowClock = func() time.Time { return instant(t, s) }
		if got, err := m.MatchWithError(nil); got != want || err != nil {
			t.Errorf("%s: %t, %v; want %t", s, got, err, want)
		}
		if got := m.Match(upgradeRequest(t)); got != want {
			t.Errorf("%s: %t, want %t", s, got, want)
		}
	}
}

func TestMatchTimeWindowDefaultZone(t *testing.T) {
	local := localZone
	t.Cleanup(func() { localZone = local })
	localZone = func() *time.Location { return time.FixedZone("five east", 5*3600) }
	for _, line := range []string{"09:00-10:00", "09:00-10:00 mon-sun Local"} {
		m := timeWindows(t, line)
		if !m.OpenAt(instant(t, "2026-01-05T04:30:00Z")) || m.OpenAt(instant(t, "2026-01-05T09:30:00Z")) {
			t.Errorf("%s: not in the server's zone", line)
		}
	}
}

func TestMatchTimeWindowJSON(t *testing.T) {
	const config = `{"windows":[{"from":"22:00","to":"06:00","days":["fri","sat-sun"],"zone":"Europe/Berlin"},{"from":"12:00","to":"13:00"}]}`
	var m MatchTimeWindow
	if err := caddy.StrictUnmarshalJSON([]byte(config), &m); err != nil {
		t.Fatal(err)
	}
	provisionedMatcher(t, &m)
	if !m.OpenAt(instant(t, "2026-01-10T02:00:00+01:00")) || m.OpenAt(instant(t, "2026-01-09T02:00:00+01:00")) {
		t.Error("the first window is not as configured")
	}
	back, err := json.Marshal(m)
	if err != nil || string(back) != config {
		t.Errorf("written back as %s (%v), want %s", back, err, config)
	}
}

func TestMatchTimeWindowConfigErrors(t *testing.T) {
	for _, tc := range []struct{ config, want string }{
		{`{}`, "no windows"},
		{`{"windows":[{}]}`, "write hh:mm"},
		{`{"windows":[{"from":"9:00","to":"18:00"}]}`, `"9:00" is not a time of day`},
		{`{"windows":[{"from":"09:00","to":"18"}]}`, `"18" is not a time of day`},
		{`{"windows":[{"from":"09:00","to":"25:00"}]}`, `"25:00" is not a time of day`},
		{`{"windows":[{"from":"09:60","to":"18:00"}]}`, `"09:60" is not a time of day`},
		{`{"windows":[{"from":"09:00:00.5","to":"18:00"}]}`, "not a time of day"},
		{`{"windows":[{"from":"09:00","to":"24:01"}]}`, "not a time of day"},
		{`{"windows":[{"from":"09:00","to":"09:00:00"}]}`, "write 00:00-24:00"},
		{`{"windows":[{"from":"24:00","to":"06:00"}]}`, "write 00:00"},
		{`{"windows":[{"from":"09:00","to":"18:00","days":["funday"]}]}`, `"funday" is neither a day`},
		{`{"windows":[{"from":"09:00","to":"18:00","days":["mon-"]}]}`, `"mon-" is neither a day`},
		{`{"windows":[{"from":"09:00","to":"18:00","days":[""]}]}`, `"" is neither a day`},
		{`{"windows":[{"from":"09:00","to":"18:00","zone":"Europe/Atlantis"}]}`, "not a known time zone"},
		{`{"windows":[{"from":"09:00","to":"18:00"},{"from":"09:00","to":"18:00","zone":"../UTC"}]}`, "not a known time zone"},
	} {
		var m MatchTimeWindow
		if err := caddy.StrictUnmarshalJSON([]byte(tc.config), &m); err != nil {
			t.Fatal(err)
		}
		if err := m.Provision(caddy.Context{}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.config, err, tc.want)
		}
	}
}
