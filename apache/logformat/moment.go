// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap/buffer"
)

// moment is %t: when the request came or, with end:, when it was done.
func moment(argument string) part {
	at := func(e *entry) time.Time { return e.begin }
	if name, rest, ok := strings.Cut(argument, ":"); ok || name == "begin" || name == "end" {
		switch name {
		case "end":
			at = func(e *entry) time.Time { return e.end }
			argument = rest
		case "begin":
			argument = rest
		}
	}
	write := newClock(argument)
	return func(b *buffer.Buffer, e *entry) { write(b, at(e)) }
}

// clock writes a time.
type clock func(b *buffer.Buffer, t time.Time)

// newClock reads the argument of %t: one of httpd's words, or a format of strftime.
func newClock(text string) clock {
	switch text {
	case "":
		return layout("[02/Jan/2006:15:04:05 -0700]")
	case "sec":
		return func(b *buffer.Buffer, t time.Time) { b.AppendInt(t.Unix()) }
	case "msec":
		return func(b *buffer.Buffer, t time.Time) { b.AppendInt(t.UnixMilli()) }
	case "usec":
		return func(b *buffer.Buffer, t time.Time) { b.AppendInt(t.UnixMicro()) }
	case "msec_frac":
		return printf("%03d", func(t time.Time) int { return t.Nanosecond() / 1e6 })
	case "usec_frac":
		return printf("%06d", func(t time.Time) int { return t.Nanosecond() / 1e3 })
	}
	var clocks []clock
	for text != "" {
		literal, rest, found := strings.Cut(text, "%")
		if literal != "" {
			clocks = append(clocks, verbatim(literal))
		}
		if !found {
			break
		}
		text = ""
		if rest != "" {
			text = rest[1:]
		}
		if c := strftime[rest[:len(rest)-len(text)]]; c != nil {
			clocks = append(clocks, c)
		} else {
			clocks = append(clocks, verbatim("%"+rest[:len(rest)-len(text)]))
		}
	}
	return func(b *buffer.Buffer, t time.Time) {
		for _, write := range clocks {
			write(b, t)
		}
	}
}

// strftime are the conversions of C's function, as in the locale C, which httpd
// runs in.
var strftime = map[string]clock{
	"a": layout("Mon"), "A": layout("Monday"), "b": layout("Jan"), "B": layout("January"), "h": layout("Jan"),
	"c": layout("Mon Jan _2 15:04:05 2006"), "D": layout("01/02/06"), "F": layout("2006-01-02"), "x": layout("01/02/06"),
	"r": layout("03:04:05 PM"), "R": layout("15:04"), "T": layout("15:04:05"), "X": layout("15:04:05"),
	"d": layout("02"), "e": layout("_2"), "j": layout("002"), "m": layout("01"), "y": layout("06"), "Y": layout("2006"),
	"H": layout("15"), "I": layout("03"), "M": layout("04"), "S": layout("05"), "p": layout("PM"), "P": layout("pm"),
	"z": layout("-0700"), "Z": layout("MST"),

	"k": printf("%2d", time.Time.Hour),
	"l": printf("%2d", func(t time.Time) int { return (t.Hour()+11)%12 + 1 }),
	"s": func(b *buffer.Buffer, t time.Time) { b.AppendInt(t.Unix()) },
	"C": printf("%02d", func(t time.Time) int { return t.Year() / 100 }),
	"u": printf("%d", func(t time.Time) int { return weekday(t) + 1 }),
	"w": printf("%d", func(t time.Time) int { return int(t.Weekday()) }),
	"G": printf("%04d", func(t time.Time) int { year, _ := t.ISOWeek(); return year }),
	"g": printf("%02d", func(t time.Time) int { year, _ := t.ISOWeek(); return year % 100 }),
	"V": printf("%02d", func(t time.Time) int { _, week := t.ISOWeek(); return week }),
	"U": printf("%02d", func(t time.Time) int { return (t.YearDay() + 6 - int(t.Weekday())) / 7 }),
	"W": printf("%02d", func(t time.Time) int { return (t.YearDay() + 6 - weekday(t)) / 7 }),
	"n": verbatim("\n"), "t": verbatim("\t"), "%": verbatim("%"),
}

// weekday counts from Monday, which is 0.
func weekday(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }

func layout(text string) clock {
	return func(b *buffer.Buffer, t time.Time) { b.AppendTime(t, text) }
}

func printf(text string, value func(time.Time) int) clock {
	return func(b *buffer.Buffer, t time.Time) { fmt.Fprintf(b, text, value(t)) }
}

func verbatim(text string) clock {
	return func(b *buffer.Buffer, _ time.Time) { b.AppendString(text) }
}
