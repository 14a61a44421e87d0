// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package logformat is mod_log_config: it reads the directives of logs, and
// writes Caddy's log entries in httpd's formats.
package logformat

import (
	"maps"
	"slices"
	"strings"
)

// Rules are the log directives of a server.
type Rules struct {
	// Formats are those of LogFormat. The case of nicknames does not matter; here
	// they are in lower case.
	Formats map[string]string `json:"formats,omitempty"`

	// Default is a LogFormat without nickname, for TransferLog: a format, or the
	// nickname of one.
	Default string `json:"default,omitempty"`

	Logs   []Log     `json:"logs,omitempty"`
	Global []Log     `json:"global,omitempty"` // GlobalLog: beside those of each virtual host
	Error  *ErrorLog `json:"error_log,omitempty"`
	Severe string    `json:"log_level,omitempty"` // LogLevel, in Caddy's words
}

// Log is a CustomLog, a GlobalLog or a TransferLog.
type Log struct {
	// File is empty if the log goes nowhere. It is a log nevertheless: a virtual
	// host that has one does not write those of the server.
	File string `json:"file,omitempty"`

	// Format is a format or the nickname of one; empty is that of TransferLog.
	Format string `json:"format,omitempty"`

	// Condition is env=NAME, env=!NAME or expr=…; empty is always.
	Condition string `json:"condition,omitempty"`
	Line      string `json:"line,omitempty"`
}

// ErrorLog is where a server has its errors.
type ErrorLog struct {
	File string `json:"file,omitempty"` // empty: with those of Caddy
	Line string `json:"line,omitempty"`
}

// Common is httpd's format for logs that have none of their own.
const Common = `%h %l %u %t "%r" %>s %b`

// known are the formats of httpd and of Debian's main configuration, which the
// file of a virtual host counts on.
var known = map[string]string{
	"clf":            Common,
	"common":         Common,
	"combined":       `%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`,
	"vhost_combined": `%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`,
	"combinedio":     `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %I %O`,
	"referer":        `%{Referer}i -> %U`,
	"agent":          `%{User-agent}i`,
}

// Merge returns the rules of a virtual host, inner, in the server outer. Of logs a
// virtual host has its own, or else the server's.
func Merge(outer, inner *Rules) *Rules {
	switch {
	case outer == nil:
		return inner
	case inner == nil:
		return outer
	}
	merged := *inner
	if len(outer.Formats) > 0 {
		merged.Formats = maps.Clone(outer.Formats)
		maps.Copy(merged.Formats, inner.Formats)
	}
	if merged.Default == "" {
		merged.Default = outer.Default
	}
	if merged.Logs == nil {
		merged.Logs = outer.Logs
	}
	merged.Global = slices.Concat(inner.Global, outer.Global)
	if merged.Error == nil {
		merged.Error = outer.Error
	}
	if merged.Severe == "" {
		merged.Severe = outer.Severe
	}
	return &merged
}

// Access returns the logs of requests that go into files, with their formats.
func (rs *Rules) Access() []Log {
	var logs []Log
	for _, l := range slices.Concat(rs.Logs, rs.Global) {
		if l.File == "" {
			continue
		}
		if l.Format == "" {
			l.Format = rs.Default
		}
		l.Format = rs.named(l.Format)
		logs = append(logs, l)
	}
	return logs
}

// named returns the format with a nickname. As in httpd, a nickname that nothing
// defines is a format itself.
func (rs *Rules) named(nickname string) string {
	if nickname == "" {
		return Common
	}
	for _, formats := range []map[string]string{rs.Formats, known} {
		if format, ok := formats[strings.ToLower(nickname)]; ok {
			return format
		}
	}
	return nickname
}

// ErrorFile is the file of ErrorLog; empty if there is none.
func (rs *Rules) ErrorFile() string {
	if rs.Error == nil {
		return ""
	}
	return rs.Error.File
}

// Level is LogLevel in Caddy's words; empty if it is not said.
func (rs *Rules) Level() string { return rs.Severe }
