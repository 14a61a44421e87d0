// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package logformat is mod_log_config: it reads the directives of logs, and
// writes Caddy's log entries in httpd's formats.
package logformat

import (
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Rules are the log directives of a server.
type Rules struct {
	Formats map[string]string `json:"formats,omitempty"` // LogFormat, by nickname
	Default string            `json:"default,omitempty"` // LogFormat without nickname, for TransferLog
	Logs    []Log             `json:"logs,omitempty"`
	Error   string            `json:"error_log,omitempty"` // the file of ErrorLog
	Severe  string            `json:"log_level,omitempty"` // LogLevel
}

// Log is a CustomLog or a TransferLog.
type Log struct {
	File string `json:"file"`

	// Format is a format or the nickname of one; empty is that of TransferLog.
	Format string `json:"format,omitempty"`

	// Condition is env=NAME, env=!NAME or expr=…; empty is always.
	Condition string `json:"condition,omitempty"`
	Line      string `json:"line,omitempty"`
}

// Common is httpd's format for logs that have none of their own.
const Common = `%h %l %u %t "%r" %>s %b`

// known are the formats that Debian's and httpd's own main configuration define,
// which a virtual host file counts on.
var known = map[string]string{
	"common":         Common,
	"combined":       `%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`,
	"vhost_combined": `%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`,
	"combinedio":     `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %I %O`,
	"referer":        `%{Referer}i -> %U`,
	"agent":          `%{User-agent}i`,
}

// Reads says whether a directive is for this package.
func Reads(name string) bool {
	switch strings.ToLower(name) {
	case "logformat", "customlog", "globallog", "transferlog", "errorlog", "loglevel":
		return true
	}
	return false
}

// Directive adds what a directive says.
func (rs *Rules) Directive(ctx *directive.Context, n *syntax.Node) error {
	switch strings.ToLower(n.Name) {
	case "logformat":
		return rs.format(ctx, n)
	case "customlog", "globallog":
		return rs.log(ctx, n, 2, 3, n.Name+" /var/log/apache2/access.log combined")
	case "transferlog":
		return rs.log(ctx, n, 1, 1, "TransferLog /var/log/apache2/access.log")
	case "errorlog":
		if err := directive.Args(n, 1, 2, "ErrorLog /var/log/apache2/error.log"); err != nil {
			return err
		}
		rs.Error, _ = output(ctx, n)
		return nil
	}
	return rs.level(n)
}

func (rs *Rules) format(ctx *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, 2, `LogFormat "%h %l %u %t \"%r\" %>s %b" common`); err != nil {
		return err
	}
	if len(n.Args) == 1 {
		rs.Default = n.Args[0]
		return nil
	}
	if _, missing, err := compile(n.Args[0]); err != nil {
		return fmt.Errorf("LogFormat: %w", err)
	} else if len(missing) > 0 {
		ctx.Warnf(n, "LogFormat: Caddy does not know %s, which will be -", strings.Join(missing, ", "))
	}
	if rs.Formats == nil {
		rs.Formats = make(map[string]string)
	}
	rs.Formats[n.Args[1]] = n.Args[0]
	return nil
}

func (rs *Rules) log(ctx *directive.Context, n *syntax.Node, least, most int, example string) error {
	if err := directive.Args(n, least, most, example); err != nil {
		return err
	}
	l := Log{Line: directive.Line(n)}
	if least > 1 {
		l.Format = n.Args[1]
	}
	if len(n.Args) == 3 {
		l.Condition = n.Args[2]
		if !strings.HasPrefix(l.Condition, "env=") && !strings.HasPrefix(l.Condition, "expr=") {
			return fmt.Errorf("%s: a condition is env=NAME, env=!NAME or expr=…, not %q", n.Name, l.Condition)
		}
	}
	if strings.Contains(l.Format, "%") {
		if _, _, err := compile(l.Format); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	var ok bool
	if l.File, ok = output(ctx, n); ok {
		rs.Logs = append(rs.Logs, l)
	}
	return nil
}

// output is the file that the first argument names, if it is one.
func output(ctx *directive.Context, n *syntax.Node) (file string, ok bool) {
	switch name := n.Args[0]; {
	case strings.HasPrefix(name, "|"):
		ctx.Warnf(n, "%s: no program is run, so this log is not written; Caddy rotates its log files itself", n.Name)
	case strings.HasPrefix(name, "syslog"):
		ctx.Warnf(n, "%s: there is no syslog here, so this log is not written; journald has what Caddy writes to standard error", n.Name)
	case name == "/dev/null":
	default:
		return path.Clean(ctx.Absolute(name)), true
	}
	return "", false
}

func (rs *Rules) level(n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "LogLevel warn"); err != nil {
		return err
	}
	for _, word := range n.Args {
		switch strings.ToLower(word) {
		case "emerg", "alert", "crit", "error":
			rs.Severe = "ERROR"
		case "warn":
			rs.Severe = "WARN"
		case "notice", "info":
			rs.Severe = "INFO"
		case "debug", "trace1", "trace2", "trace3", "trace4", "trace5", "trace6", "trace7", "trace8":
			rs.Severe = "DEBUG"
		default:
			if !strings.Contains(word, ":") { // one of a module
				return fmt.Errorf("LogLevel %q: there are emerg, alert, crit, error, warn, notice, info, debug and trace1 to trace8", word)
			}
		}
	}
	return nil
}

// Merge returns the rules of a virtual host, inner, in the server outer. Of logs a
// virtual host has its own, or else the server's.
func Merge(outer, inner *Rules) *Rules {
	merged := *inner
	merged.Formats = make(map[string]string)
	for _, formats := range []map[string]string{outer.Formats, inner.Formats} {
		maps.Copy(merged.Formats, formats)
	}
	if merged.Default == "" {
		merged.Default = outer.Default
	}
	if merged.Logs == nil {
		merged.Logs = outer.Logs
	}
	if merged.Error == "" {
		merged.Error = outer.Error
	}
	if merged.Severe == "" {
		merged.Severe = outer.Severe
	}
	return &merged
}

// Access returns the logs of requests with their formats. As in httpd, a nickname
// that nothing defines is a format itself.
func (rs *Rules) Access() []Log {
	logs := make([]Log, len(rs.Logs))
	for i, l := range rs.Logs {
		format, ok := rs.Formats[l.Format]
		if !ok {
			format, ok = known[strings.ToLower(l.Format)]
		}
		switch {
		case ok:
			l.Format = format
		case l.Format == "" && rs.Default != "":
			l.Format = rs.Default
		case l.Format == "":
			l.Format = Common
		}
		logs[i] = l
	}
	return logs
}

// ErrorFile is the file of ErrorLog; empty if there is none.
func (rs *Rules) ErrorFile() string { return rs.Error }

// Level is LogLevel in Caddy's words; empty if it is not said.
func (rs *Rules) Level() string { return rs.Severe }
