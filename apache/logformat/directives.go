// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

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
	case "customlog":
		return customLog(ctx, n, &rs.Logs)
	case "globallog":
		return customLog(ctx, n, &rs.Global)
	case "transferlog":
		if err := directive.Args(n, 1, 1, "TransferLog /var/log/apache2/access.log"); err != nil {
			return err
		}
		file, err := output(ctx, n)
		if err != nil {
			return err
		}
		rs.Logs = append(rs.Logs, Log{File: file, Line: directive.Line(n)})
		return nil
	case "errorlog":
		if err := directive.Args(n, 1, 1, "ErrorLog /var/log/apache2/error.log"); err != nil {
			return err
		}
		file, err := output(ctx, n)
		if err != nil {
			return err
		}
		rs.Error = &ErrorLog{File: file, Line: directive.Line(n)}
		return nil
	}
	return rs.level(n)
}

func (rs *Rules) format(ctx *directive.Context, n *syntax.Node) error {
	if err := directive.Args(n, 1, 2, `LogFormat "%h %l %u %t \"%r\" %>s %b" common`); err != nil {
		return err
	}
	if err := check(ctx, n, n.Args[0]); err != nil {
		return err
	}
	if len(n.Args) == 1 {
		rs.Default = n.Args[0]
		return nil
	}
	if rs.Formats == nil {
		rs.Formats = make(map[string]string)
	}
	rs.Formats[strings.ToLower(n.Args[1])] = n.Args[0]
	return nil
}

func customLog(ctx *directive.Context, n *syntax.Node, to *[]Log) error {
	if err := directive.Args(n, 2, 3, n.Name+" /var/log/apache2/access.log combined"); err != nil {
		return err
	}
	if err := check(ctx, n, n.Args[1]); err != nil {
		return err
	}
	l := Log{Format: n.Args[1], Line: directive.Line(n)}
	var err error
	if len(n.Args) == 3 {
		if l.Condition, err = condition(n.Args[2]); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	if l.File, err = output(ctx, n); err != nil {
		return err
	}
	*to = append(*to, l)
	return nil
}

// check compiles a format, and warns of what will not be in the log.
func check(ctx *directive.Context, n *syntax.Node, text string) error {
	f, err := compile(text)
	if err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	if len(f.unknown) > 0 {
		ctx.Warnf(n, "%s: Caddy does not know %s, which will be -", n.Name, strings.Join(f.unknown, ", "))
	}
	if len(f.hidden) > 0 {
		ctx.Warnf(n, "%s: Caddy keeps cookies and passwords out of logs, so instead of %s there is REDACTED, unless should_log_credentials of the server's logs is true",
			n.Name, strings.Join(f.hidden, ", "))
	}
	return nil
}

// condition reads the last word of CustomLog.
func condition(word string) (string, error) {
	kind, rest, _ := strings.Cut(word, "=")
	switch strings.ToLower(kind) {
	case "env":
		if strings.TrimPrefix(rest, "!") == "" {
			return "", fmt.Errorf("%s needs the name of a variable: env=NAME or env=!NAME", word)
		}
		return "env=" + rest, nil
	case "expr":
		if _, err := expr.ParseCondition(rest); err != nil {
			return "", fmt.Errorf("condition %q: %w", rest, err)
		}
		return "expr=" + rest, nil
	}
	return "", fmt.Errorf("a condition is env=NAME, env=!NAME or expr=…, not %q; a format with spaces needs quotation marks around it", word)
}

// output is the file that the first argument names; empty if it is none.
func output(ctx *directive.Context, n *syntax.Node) (file string, err error) {
	switch name := n.Args[0]; {
	case name == "":
		return "", errors.New(n.Name + " needs the name of a file, not an empty word")
	case strings.HasPrefix(name, "|"):
		ctx.Warnf(n, "%s: no program is run, so this log is not written; Caddy rotates its log files itself", n.Name)
	case name == "syslog" || strings.HasPrefix(name, "syslog:") || name == "journald":
		ctx.Warnf(n, "%s: nothing is sent to %s, so this log is not written; journald has what Caddy writes to standard error", n.Name, name)
	case name == "/dev/null":
	default:
		return ctx.Absolute(name), nil
	}
	return "", nil
}

// level takes the level of all modules; there is one for all here.
func (rs *Rules) level(n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "LogLevel warn"); err != nil {
		return err
	}
	for _, word := range n.Args {
		_, name, ofModule := strings.Cut(word, ":")
		if !ofModule {
			name = word
		}
		level, ok := levels[strings.ToLower(name)]
		if !ok {
			return fmt.Errorf("LogLevel %q: there are emerg, alert, crit, error, warn, notice, info, debug and trace1 to trace8", word)
		}
		if !ofModule {
			rs.Severe = level
		}
	}
	return nil
}

// levels are httpd's in Caddy's words.
var levels = map[string]string{
	"emerg": "ERROR", "alert": "ERROR", "crit": "ERROR", "error": "ERROR",
	"warn":   "WARN",
	"notice": "INFO", "info": "INFO",
	"debug": "DEBUG", "trace1": "DEBUG", "trace2": "DEBUG", "trace3": "DEBUG", "trace4": "DEBUG",
	"trace5": "DEBUG", "trace6": "DEBUG", "trace7": "DEBUG", "trace8": "DEBUG",
}
