// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"os"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap/buffer"
)

// kind makes what writes a directive with an argument; nil if no entry of Caddy's
// has the answer.
type kind func(argument string) part

// kinds are the directives that httpd knows.
var kinds = map[string]kind{
	"%": always(constant("%")),

	"a": address,
	"h": address, // HostnameLookups is Off
	"p": port,
	"v": plain((*entry).serverName),
	"V": plain((*entry).hostname),

	"l": always(constant("-")), // IdentityCheck is no more
	"u": optional(func(e *entry, _ string) (string, bool) { return e.user, e.user != "" }),

	"r": plain((*entry).requestLine),
	"m": plain((*entry).method),
	"U": plain((*entry).path),
	"q": plain((*entry).query),
	"H": plain((*entry).protocol),
	"i": optional((*entry).field),
	"C": optional((*entry).cookie),

	// What Caddy counts is the content, without the header.
	"s": number(func(e *entry) int { return e.status }),
	"b": contentLength,
	"B": number(func(e *entry) int { return e.size }),
	"O": number(func(e *entry) int { return e.size }),
	"I": number(func(e *entry) int { return e.read }),
	"S": number(func(e *entry) int { return e.read + e.size }),
	"o": optional((*entry).answerField),

	"t": moment,
	"D": number(func(e *entry) int { return int(e.duration.Microseconds()) }),
	"T": duration,

	"P": process,
	"x": tlsVariable,
	"c": oldTLSVariable,

	"A": unknown, "e": unknown, "f": unknown, "k": unknown, "L": unknown, "n": unknown, "R": unknown, "X": unknown,
	"^ti": unknown, "^to": unknown, "^FB": unknown,
}

func unknown(string) part { return nil }

func always(p part) kind { return func(string) part { return p } }

func plain(value func(*entry) string) kind {
	return always(func(b *buffer.Buffer, e *entry) { appendEscaped(b, value(e)) })
}

func number(value func(*entry) int) kind {
	return always(func(b *buffer.Buffer, e *entry) { b.AppendInt(int64(value(e))) })
}

// optional writes - for what is missing, and nothing for what is empty.
func optional(value func(e *entry, argument string) (string, bool)) kind {
	return func(argument string) part {
		return func(b *buffer.Buffer, e *entry) {
			s, ok := value(e, argument)
			if !ok {
				b.AppendByte('-')
				return
			}
			appendEscaped(b, s)
		}
	}
}

// address is that of the client, or of who is connected.
func address(argument string) part {
	return func(b *buffer.Buffer, e *entry) {
		ip := e.clientIP
		if argument == "c" {
			ip = e.remoteIP
		}
		appendEscaped(b, ip)
	}
}

func port(argument string) part {
	switch strings.ToLower(argument) {
	case "", "canonical":
		return func(b *buffer.Buffer, e *entry) { appendEscaped(b, e.serverPort()) }
	case "remote":
		return func(b *buffer.Buffer, e *entry) { appendEscaped(b, e.remotePort) }
	case "local":
		return nil
	}
	return constant(argument) // so httpd writes what it does not know
}

func contentLength(string) part {
	return func(b *buffer.Buffer, e *entry) {
		if e.size == 0 {
			b.AppendByte('-')
			return
		}
		b.AppendInt(int64(e.size))
	}
}

func duration(unit string) part {
	units := map[string]time.Duration{"": time.Second, "s": time.Second, "ms": time.Millisecond, "us": time.Microsecond}
	length, ok := units[strings.ToLower(unit)]
	if !ok {
		return constant(unit)
	}
	return func(b *buffer.Buffer, e *entry) { b.AppendInt(int64(e.duration / length)) }
}

func process(argument string) part {
	switch strings.ToLower(argument) {
	case "", "pid":
		return constant(strconv.Itoa(os.Getpid()))
	case "tid", "hextid":
		return nil
	}
	return constant(argument)
}

// tlsVariable is %{SSL_PROTOCOL}x and the like.
func tlsVariable(name string) part {
	switch name = strings.ToUpper(name); name {
	case "SSL_PROTOCOL", "SSL_CIPHER", "SSL_TLS_SNI", "SSL_SESSION_RESUMED":
		return optional(func(e *entry, _ string) (string, bool) { return e.tlsVariable(name) })("")
	}
	return nil
}

// oldTLSVariable is %{version}c and the like, from before there was %x.
func oldTLSVariable(name string) part {
	return tlsVariable(map[string]string{"version": "SSL_PROTOCOL", "cipher": "SSL_CIPHER"}[strings.ToLower(name)])
}
