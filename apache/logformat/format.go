// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// entry is an entry of Caddy's access log.
type entry struct {
	time                     time.Time
	remoteIP, remotePort     string
	clientIP                 string
	proto, method, host, uri string
	header, answer           http.Header
	status, size, read       int
	duration                 time.Duration
	user                     string
}

// part writes one piece of a line.
type part func(b *strings.Builder, e *entry)

// compile reads a format. missing are its directives that no entry of Caddy's has
// the answer for.
func compile(format string) (parts []part, missing []string, err error) {
	format = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\"`, `"`, `\\`, `\`).Replace(format)
	for format != "" {
		text, rest, found := strings.Cut(format, "%")
		if text != "" {
			parts = append(parts, func(b *strings.Builder, _ *entry) { b.WriteString(text) })
		}
		if !found {
			break
		}
		d, tail, err := parseDirective(rest)
		if err != nil {
			return nil, nil, err
		}
		p := d.part()
		if p == nil {
			missing = append(missing, "%"+rest[:len(rest)-len(tail)])
			p = func(b *strings.Builder, _ *entry) { b.WriteByte('-') }
		}
		parts = append(parts, d.conditional(p))
		format = tail
	}
	return parts, missing, nil
}

// logDirective is one of a format, as %>s, %{Referer}i or %!200,304{User-agent}i.
type logDirective struct {
	letter   string
	argument string
	not      bool
	statuses []int
}

func parseDirective(s string) (d logDirective, rest string, err error) {
	if d.not = strings.HasPrefix(s, "!"); d.not {
		s = s[1:]
	}
	for s != "" && s[0] >= '0' && s[0] <= '9' {
		end := 0
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		status, err := strconv.Atoi(s[:end])
		if err != nil {
			return d, "", fmt.Errorf("%q is not a status", s[:end])
		}
		d.statuses = append(d.statuses, status)
		s = strings.TrimPrefix(s[end:], ",")
	}
	s = strings.TrimLeft(s, "<>")
	if strings.HasPrefix(s, "{") {
		var found bool
		if d.argument, s, found = strings.Cut(s[1:], "}"); !found {
			return d, "", errors.New("a { without its }")
		}
		s = strings.TrimLeft(s, "<>")
	}
	if s == "" {
		return d, "", errors.New("a % without a letter behind it")
	}
	n := 1
	if s[0] == '^' && len(s) >= 3 { // %^ti, %^to
		n = 3
	}
	d.letter = s[:n]
	return d, s[n:], nil
}

// conditional writes - unless the status is one of those asked for.
func (d logDirective) conditional(p part) part {
	if len(d.statuses) == 0 {
		return p
	}
	return func(b *strings.Builder, e *entry) {
		found := false
		for _, status := range d.statuses {
			found = found || status == e.status
		}
		if found == d.not {
			b.WriteByte('-')
			return
		}
		p(b, e)
	}
}

// part returns what writes a directive; nil if Caddy does not know it.
func (d logDirective) part() part {
	text := func(value func(*entry) string) part {
		return func(b *strings.Builder, e *entry) { writeEscaped(b, value(e)) }
	}
	switch d.letter {
	case "%":
		return func(b *strings.Builder, _ *entry) { b.WriteByte('%') }
	case "h", "a":
		if d.argument == "c" {
			return text(func(e *entry) string { return e.remoteIP })
		}
		return text(func(e *entry) string { return e.clientIP })
	case "l":
		return text(func(*entry) string { return "" })
	case "u":
		return text(func(e *entry) string { return e.user })
	case "t":
		return d.time()
	case "r":
		return text(func(e *entry) string { return e.method + " " + e.uri + " " + e.proto })
	case "s":
		return text(func(e *entry) string { return strconv.Itoa(e.status) })
	case "b":
		return text(func(e *entry) string {
			if e.size == 0 {
				return ""
			}
			return strconv.Itoa(e.size)
		})
	case "B", "O":
		return text(func(e *entry) string { return strconv.Itoa(e.size) })
	case "I":
		return text(func(e *entry) string { return strconv.Itoa(e.read) })
	case "i":
		return text(func(e *entry) string { return strings.Join(e.header.Values(d.argument), ", ") })
	case "o":
		return text(func(e *entry) string { return strings.Join(e.answer.Values(d.argument), ", ") })
	case "m":
		return text(func(e *entry) string { return e.method })
	case "H":
		return text(func(e *entry) string { return e.proto })
	case "U":
		return text(func(e *entry) string { path, _, _ := strings.Cut(e.uri, "?"); return path })
	case "q":
		return func(b *strings.Builder, e *entry) {
			if at := strings.IndexByte(e.uri, '?'); at >= 0 {
				writeEscaped(b, e.uri[at:])
			}
		}
	case "v", "V":
		return text(func(e *entry) string { return hostOf(e.host) })
	case "p":
		return text(func(e *entry) string { _, port, _ := net.SplitHostPort(e.host); return port })
	case "D":
		return text(func(e *entry) string { return strconv.FormatInt(e.duration.Microseconds(), 10) })
	case "T":
		units := map[string]time.Duration{"": time.Second, "s": time.Second, "ms": time.Millisecond, "us": time.Microsecond}
		unit, ok := units[d.argument]
		if !ok {
			return nil
		}
		return text(func(e *entry) string { return strconv.FormatInt(int64(e.duration/unit), 10) })
	}
	return nil
}

// time is %t: by itself in httpd's form, otherwise seconds since 1970 or in those
// letters of strftime that are common in logs.
func (d logDirective) time() part {
	layout := d.argument
	for _, prefix := range []string{"begin:", "end:"} {
		layout = strings.TrimPrefix(layout, prefix)
	}
	switch layout {
	case "":
		return func(b *strings.Builder, e *entry) { b.WriteString(e.time.Format("[02/Jan/2006:15:04:05 -0700]")) }
	case "sec":
		return func(b *strings.Builder, e *entry) { b.WriteString(strconv.FormatInt(e.time.Unix(), 10)) }
	case "msec":
		return func(b *strings.Builder, e *entry) { b.WriteString(strconv.FormatInt(e.time.UnixMilli(), 10)) }
	case "usec":
		return func(b *strings.Builder, e *entry) { b.WriteString(strconv.FormatInt(e.time.UnixMicro(), 10)) }
	}
	goLayout := strftime.Replace(layout)
	if strings.Contains(goLayout, "%") {
		return nil
	}
	return func(b *strings.Builder, e *entry) { b.WriteString(e.time.Format(goLayout)) }
}

var strftime = strings.NewReplacer("%Y", "2006", "%m", "01", "%d", "02", "%H", "15", "%M", "04", "%S", "05", "%y", "06", "%b", "Jan",
	"%B", "January", "%a", "Mon", "%A", "Monday", "%z", "-0700", "%Z", "MST", "%e", "_2", "%T", "15:04:05", "%F", "2006-01-02", "%D", "01/02/06")

func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// writeEscaped writes what a client may have chosen so that it ends neither the
// quotation nor the line: as httpd does, and - for nothing.
func writeEscaped(b *strings.Builder, s string) {
	if s == "" {
		b.WriteByte('-')
		return
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
}
