// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap/buffer"
)

// format is a compiled LogFormat.
type format struct {
	parts   []part
	unknown []string // its directives that no entry of Caddy's has the answer for
	hidden  []string // those about fields that Caddy hides
}

// part writes a piece of a line.
type part func(b *buffer.Buffer, e *entry)

func compile(text string) (*format, error) {
	f := new(format)
	for text != "" {
		literal, rest, found := strings.Cut(text, "%")
		if literal != "" {
			f.parts = append(f.parts, constant(unescaper.Replace(literal)))
		}
		if !found {
			break
		}
		d, tail, err := parseDirective(rest)
		if err != nil {
			return nil, err
		}
		written := "%" + rest[:len(rest)-len(tail)]
		p := d.kind(d.argument)
		if p == nil {
			f.unknown = append(f.unknown, written)
			p = constant("-")
		}
		if d.hidden() {
			f.hidden = append(f.hidden, written)
		}
		f.parts = append(f.parts, d.conditional(p))
		text = tail
	}
	return f, nil
}

// unescaper leaves a backslash before anything else as it is. It is for what is
// between directives; in their arguments a backslash is a backslash.
var unescaper = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t")

func constant(text string) part { return func(b *buffer.Buffer, _ *entry) { b.AppendString(text) } }

// logDirective is one of a format, as %>s, %{Referer}i or %!200,304{User-agent}i.
type logDirective struct {
	name     string
	kind     kind
	argument string
	not      bool
	statuses []int
}

// parseDirective reads what is behind a %. As in httpd, there is no order in which
// statuses, argument and the rest come. < and > ask for the request before or after
// internal redirects; Caddy has one entry for both.
func parseDirective(s string) (d logDirective, rest string, err error) {
	for s != "" {
		switch c := s[0]; {
		case c == '!':
			d.not = !d.not
			s = s[1:]
		case c == '<' || c == '>' || c == ',':
			s = s[1:]
		case c == '{':
			var closed bool
			if d.argument, s, closed = strings.Cut(s[1:], "}"); !closed {
				return d, "", fmt.Errorf("the format has a %%{%s without a } behind it", d.argument)
			}
		case c >= '0' && c <= '9':
			status := 0
			for ; s != "" && s[0] >= '0' && s[0] <= '9'; s = s[1:] {
				status = min(status*10+int(s[0]-'0'), 1000) // which is none
			}
			d.statuses = append(d.statuses, status)
		default:
			d.name = s[:1]
			if c == '^' && len(s) >= 3 {
				d.name = s[:3]
			}
			var ok bool
			if d.kind, ok = kinds[d.name]; !ok {
				return d, "", fmt.Errorf("the format has %%%s, which stands for nothing; a percent sign is %%%%", d.name)
			}
			return d, s[len(d.name):], nil
		}
	}
	return d, "", errors.New("the format ends within a directive, such as %>s or %{Referer}i; a percent sign is %%")
}

// hidden says whether the directive is about a field that Caddy does not log.
func (d *logDirective) hidden() bool {
	switch d.name {
	case "C":
		return true
	case "i", "o":
		return slices.Contains([]string{"cookie", "set-cookie", "authorization", "proxy-authorization"}, strings.ToLower(d.argument))
	}
	return false
}

// conditional writes - unless the status is one of those asked for.
func (d *logDirective) conditional(p part) part {
	if len(d.statuses) == 0 {
		return p
	}
	return func(b *buffer.Buffer, e *entry) {
		if slices.Contains(d.statuses, e.status) == d.not {
			b.AppendByte('-')
			return
		}
		p(b, e)
	}
}

// appendEscaped writes what a client may have chosen so that it ends neither the
// quotation nor the line. It is as httpd 2.4.71 writes it.
func appendEscaped(b *buffer.Buffer, s string) {
	const hex = "0123456789abcdef"
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.AppendByte('\\')
			b.AppendByte(c)
		case c >= '\b' && c <= '\r' && c != '\f':
			b.AppendByte('\\')
			b.AppendByte("btnv-r"[c-'\b'])
		case c < 0x20 || c >= 0x7f:
			b.AppendString(`\x`)
			b.AppendByte(hex[c>>4])
			b.AppendByte(hex[c&0xf])
		default:
			b.AppendByte(c)
		}
	}
}
