// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"testing"
	"time"
)

// TestMoment has what httpd 2.4.71 wrote at that time, and of %E and %Q.
func TestMoment(t *testing.T) {
	begin := time.Date(2026, 11, 26, 0, 39, 41, 546143000, time.UTC)
	for argument, want := range map[string]string{
		"":                  "[26/Nov/2026:00:39:41 +0000]",
		"begin":             "[26/Nov/2026:00:39:41 +0000]",
		"begin:":            "[26/Nov/2026:00:39:41 +0000]",
		"end":               "[26/Nov/2026:00:40:41 +0000]",
		"%Y-%m-%d %H:%M:%S": "2026-11-26 00:39:41",
		"sec":               "1795653581",
		"msec":              "1795653581546",
		"usec":              "1795653581546143",
		"msec_frac":         "546",
		"usec_frac":         "546143",
		"begin:msec_frac":   "546",
		"end:%T":            "00:40:41",
		"end:sec":           "1795653641",
		"at 1 Jan %d":       "at 1 Jan 26",
		"xsec":              "xsec",
		"sec ":              "sec ",
		"msec_frac %d":      "msec_frac 26",
		"12:%M":             "12:39",
		"%s %j %u %w %V %G %C %e %p %I %k %l %Z %z %n %t %%": "1795653581 330 4 4 48 2026 20 26 AM 12  0 12 UTC +0000 \n \t %",
		"%R %r %D %h %P %g %U %W %c %x %X %E %Q %":           "00:39 12:39:41 AM 11/26/26 Nov am 26 47 47 Thu Nov 26 00:39:41 2026 11/26/26 00:39:41 %E %Q %",
		"%a %A %b %B %F %y %S":                               "Thu Thursday Nov November 2026-11-26 26 41",
	} {
		e := &entry{begin: begin, end: begin.Add(time.Minute)}
		b := buffers.Get()
		if moment(argument)(b, e); b.String() != want {
			t.Errorf("%q\n got %q\nwant %q", argument, b, want)
		}
	}
}

// TestStrftime has what glibc makes of days at which weeks and years begin.
func TestStrftime(t *testing.T) {
	for seconds, want := range map[int64]string{
		1704114309: "00 01 01 2024 24 1 1 001 20 24  1 13  1 01 PM pm",
		1672531200: "01 00 52 2022 22 7 0 001 20 23  1  0 12 12 AM am",
		1609718399: "01 00 53 2020 20 7 0 003 20 21  3 23 11 11 PM pm",
		1735560000: "52 53 01 2025 25 1 1 365 20 24 30 12 12 12 PM pm",
	} {
		b := buffers.Get()
		if newClock("%U %W %V %G %g %u %w %j %C %y %e %k %l %I %p %P")(b, time.Unix(seconds, 0).UTC()); b.String() != want {
			t.Errorf("%d\n got %s\nwant %s", seconds, b, want)
		}
	}
}
