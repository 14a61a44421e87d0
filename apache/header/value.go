// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// value is what a rule gives a field: text with %{NAME}e and the like in it, or
// an expression.
type value struct {
	parts      []part
	expression *expr.Text
}

// part is a piece of text.
type part func(*request.Request) string

// null is what httpd writes for a variable that is not set (lab case E9b).
const null = "(null)"

func parseValue(text string) (v value, err error) {
	if rest, ok := strings.CutPrefix(text, "expr="); ok {
		if v.expression, err = expr.ParseText(rest); err != nil {
			return v, fmt.Errorf("expression %q: %w", rest, err)
		}
		return v, nil
	}
	for text != "" {
		if text[0] == '%' {
			var p part
			if p, text, err = parseTag(text); err != nil {
				return v, err
			}
			v.parts = append(v.parts, p)
			continue
		}
		end := strings.IndexByte(text, '%')
		if end < 0 {
			end = len(text)
		}
		literal := unescaper.Replace(text[:end])
		if clean(literal) != literal {
			// httpd answers 500 to each request, and in a request begins another field.
			return v, errors.New("the value has a line break or another control character in it, which no field may have")
		}
		v.parts = append(v.parts, constant(literal))
		text = text[end:]
	}
	return v, nil
}

// unescaper leaves a backslash before anything else as it is.
var unescaper = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t")

func constant(text string) part { return func(*request.Request) string { return text } }

// parseTag reads what begins with %.
func parseTag(text string) (p part, rest string, err error) {
	text = text[1:]
	if text == "" || text[0] == '%' {
		return constant("%"), strings.TrimPrefix(text, "%"), nil
	}
	argument := ""
	if text[0] == '{' {
		var closed bool
		if argument, text, closed = strings.Cut(text[1:], "}"); !closed || text == "" {
			return nil, "", fmt.Errorf("%%{%s does not end with }e or }s", argument)
		}
	}
	tag := text[:1]
	if p = newTag(tag, argument); p == nil {
		return nil, "", fmt.Errorf("%%%s stands for nothing; %%{NAME}e, %%{NAME}s, %%t and %%D do, and %%%% for a percent sign", tag)
	}
	return p, text[1:], nil
}

func newTag(tag, argument string) part {
	switch tag {
	case "e":
		return func(r *request.Request) string {
			if value, ok := r.Env(argument); ok {
				return value
			}
			return null
		}
	case "s":
		return sslVariable(argument)
	case "t":
		return func(r *request.Request) string { return "t=" + strconv.FormatInt(r.Time.UnixMicro(), 10) }
	case "D":
		return func(r *request.Request) string {
			return "D=" + strconv.FormatInt(time.Since(r.Time).Microseconds(), 10)
		}
	case "l":
		return func(*request.Request) string { return "l=" + loadAverage() }
	case "i":
		return constant("i=100")
	case "b":
		return constant("b=0")
	}
	return nil
}

// workers says whether a value is about httpd's worker processes.
func workers(text string) bool {
	text = strings.ReplaceAll(text, "%%", "")
	return strings.Contains(text, "%i") || strings.Contains(text, "%b")
}

// sslVariable is a variable of mod_ssl, which knows fewer than rewriting does.
func sslVariable(name string) part {
	upper := strings.ToUpper(name)
	known := strings.HasPrefix(upper, "SSL_") || strings.HasPrefix(upper, "TIME") ||
		strings.HasPrefix(upper, "HTTP:") || strings.HasPrefix(upper, "ENV:") || slices.Contains(sslVariables, upper)
	return func(r *request.Request) string {
		if known {
			if value := r.Var(name); value != "" {
				return value
			}
		}
		return null
	}
}

var sslVariables = []string{
	"HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_COOKIE", "HTTP_FORWARDED", "HTTP_HOST", "HTTP_PROXY_CONNECTION", "HTTP_ACCEPT",
	"REQUEST_METHOD", "REQUEST_SCHEME", "REQUEST_URI", "REQUEST_FILENAME",
	"REMOTE_ADDR", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_USER",
	"SERVER_ADMIN", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE", "SCRIPT_FILENAME",
	"PATH_INFO", "QUERY_STRING", "IS_SUBREQ", "DOCUMENT_ROOT", "AUTH_TYPE", "THE_REQUEST", "HTTPS", "API_VERSION",
}

// loadAverage is what the system says it is, or httpd's answer if it does not.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); err == nil && len(fields) >= 3 {
		return strings.Join(fields[:3], "/")
	}
	return "-1.00/-1.00/-1.00"
}

// expand is the value for a request. Whatever it is made of, it does not end the
// field: with a path that has %0A in it, httpd sends the backend of a RequestHeader
// expr=%{REQUEST_URI} another field.
func (v *value) expand(r *request.Request) (string, error) {
	if v.expression != nil {
		text, err := v.expression.Expand(r)
		return clean(text), err
	}
	if len(v.parts) == 1 {
		return clean(v.parts[0](r)), nil
	}
	var b strings.Builder
	for _, p := range v.parts {
		b.WriteString(p(r))
	}
	return clean(b.String()), nil
}

// clean makes spaces of control characters. All other bytes stay, whether they are
// UTF-8 or not.
func clean(text string) string {
	for i := range len(text) {
		if control(text[i]) {
			cleaned := []byte(text)
			for ; i < len(cleaned); i++ {
				if control(cleaned[i]) {
					cleaned[i] = ' '
				}
			}
			return string(cleaned)
		}
	}
	return text
}

func control(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }
