// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// Expires is mod_expires.
type Expires struct {
	Active  *bool    `json:"active,omitempty"` // nil: as around it
	Default *Expiry  `json:"default,omitempty"`
	ByType  []Expiry `json:"by_type,omitempty"`
}

// Expiry is ExpiresDefault or ExpiresByType.
type Expiry struct {
	Line   string `json:"line,omitempty"`
	Type   string `json:"type,omitempty"`
	Period string `json:"period"` // as written: access plus 1 month
}

func (x *Expires) directive(ctx *directive.Context, n *syntax.Node) error {
	rule := Expiry{Line: directive.Line(n)}
	switch strings.ToLower(n.Name) {
	case "expiresactive":
		on, err := directive.OnOff(n)
		x.Active = &on
		return err
	case "expiresdefault":
		if err := directive.Args(n, 1, 1, n.Name+` "access plus 1 month"`); err != nil {
			return err
		}
		rule.Period = n.Args[0]
		x.Default = &rule
	default:
		if err := directive.Args(n, 2, 2, n.Name+` image/png "access plus 1 month"`); err != nil {
			return err
		}
		rule.Type, rule.Period = n.Args[0], n.Args[1]
		if !strings.Contains(rule.Type, "/") {
			return fmt.Errorf("%s: %q is no type of content; image/png and image/* are", n.Name, rule.Type)
		}
		x.ByType = append(x.ByType, rule)
	}
	p, err := parsePeriod(rule.Period)
	if err != nil {
		return fmt.Errorf("%s %q: %w", n.Name, rule.Period, err)
	}
	if p.seconds == 0 && strings.Contains(rule.Period, " ") && strings.ContainsAny(rule.Period[:1], "AM") {
		ctx.Warnf(n, "%s %q is 0 seconds: a capital A or M begins the short form, as in A3600", n.Name, rule.Period)
	}
	return nil
}

// mergeExpires is what holds in a place inside of another. A place with rules of
// its own forgets the types with a * of the one around it, unless it has one, too.
// It is httpd's mistake, and it was measured.
func mergeExpires(outer, inner *Expires) *Expires {
	switch {
	case outer == nil:
		return inner
	case inner == nil:
		return outer
	}
	x := *inner
	if x.Active == nil {
		x.Active = outer.Active
	}
	if x.Default == nil {
		x.Default = outer.Default
	}
	around := outer.ByType
	if !slices.ContainsFunc(inner.ByType, Expiry.wildcard) {
		around = slices.DeleteFunc(slices.Clone(around), Expiry.wildcard)
	}
	x.ByType = slices.Concat(around, inner.ByType)
	return &x
}

func (rule Expiry) wildcard() bool { return strings.HasSuffix(rule.Type, "/*") }

// expiry is compiled Expires.
type expiry struct {
	byType   map[string]period // in lower case
	standard *period
}

// period is a time after the request or, if modified, the change of the file.
type period struct {
	modified bool
	seconds  int
}

func (x *Expires) compile() (*expiry, error) {
	if x == nil || x.Active == nil || !*x.Active || x.Default == nil && len(x.ByType) == 0 {
		return nil, nil
	}
	e := &expiry{byType: make(map[string]period)}
	for _, rule := range x.ByType {
		p, err := parsePeriod(rule.Period)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rule.Line, err)
		}
		e.byType[strings.ToLower(rule.Type)] = p
	}
	if x.Default != nil {
		p, err := parsePeriod(x.Default.Period)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.Default.Line, err)
		}
		e.standard = &p
	}
	return e, nil
}

// apply adds Expires and the max-age of Cache-Control to an answer that has no
// Expires.
func (e *expiry) apply(r *request.Request, h http.Header) {
	if len(h["Expires"]) > 0 {
		return
	}
	p := e.period(h.Get("Content-Type"))
	if p == nil {
		return
	}
	base := r.Time
	if p.modified {
		changed, err := http.ParseTime(h.Get("Last-Modified"))
		if err != nil || proxied(r) {
			return // httpd asks the file, and there is none
		}
		base = changed
	}
	expires := base.Add(time.Duration(p.seconds) * time.Second)
	if expires.Before(r.Time) {
		expires = r.Time
	}
	appendTo(h, "Cache-Control", "max-age="+strconv.FormatInt(int64(expires.Sub(r.Time)/time.Second), 10))
	h["Expires"] = []string{expires.UTC().Format(http.TimeFormat)}
}

func (e *expiry) period(contentType string) *period {
	name, _, _ := strings.Cut(contentType, ";")
	name = strings.ToLower(strings.TrimSpace(name))
	if p, ok := e.byType[name]; ok {
		return &p
	}
	if major, _, ok := strings.Cut(name, "/"); ok {
		if p, ok := e.byType[major+"/*"]; ok {
			return &p
		}
	}
	return e.standard
}

// parsePeriod reads "access plus 1 month 2 days", where plus may be missing, or the
// short forms A3600 and M3600. Of the words, httpd looks at the first letters only.
func parsePeriod(text string) (period, error) {
	words := syntax.Words(text)
	if len(words) == 0 {
		return period{}, errors.New(`it is empty; right would be, for example: "access plus 1 month"`)
	}
	if text[0] == 'A' || text[0] == 'M' {
		return period{text[0] == 'M', atoi(text[1:])}, nil
	}
	var p period
	switch first := strings.ToLower(words[0]); {
	case strings.HasPrefix(first, "m"):
		p.modified = true
	case !strings.HasPrefix(first, "a") && !strings.HasPrefix(first, "n"):
		return p, fmt.Errorf("it begins with %q instead of access, now or modification", words[0])
	}
	words = words[1:]
	if len(words) > 0 && strings.HasPrefix(strings.ToLower(words[0]), "p") {
		words = words[1:]
	}
	for ; len(words) > 0; words = words[2:] {
		if words[0] == "" || words[0][0] < '0' || words[0][0] > '9' {
			return p, fmt.Errorf("%q is no number", words[0])
		}
		if len(words) == 1 {
			return p, fmt.Errorf("behind %s a unit is missing: seconds, minutes, hours, days, weeks, months or years", words[0])
		}
		unit := unitOf(strings.ToLower(words[1]))
		if unit == 0 {
			return p, fmt.Errorf("%q is no unit; seconds, minutes, hours, days, weeks, months and years are", words[1])
		}
		p.seconds = min(p.seconds+unit*atoi(words[0]), maxSeconds)
	}
	return p, nil
}

// unitOf is how many seconds a unit has; 0 if it is none.
func unitOf(word string) int {
	const day = 24 * 60 * 60
	for _, unit := range []struct {
		begin   string
		seconds int
	}{{"y", 365 * day}, {"mo", 30 * day}, {"w", 7 * day}, {"d", day}, {"h", 60 * 60}, {"mi", 60}, {"s", 1}} {
		if strings.HasPrefix(word, unit.begin) {
			return unit.seconds
		}
	}
	return 0
}

// maxSeconds keeps a period within what a time.Duration can hold; it is 200 years.
const maxSeconds = 200 * 365 * 24 * 60 * 60

// atoi is the number a text begins with, as C has it; 0 if it begins with none.
func atoi(text string) int {
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && (text[0] == '-' || text[0] == '+')) {
		end++
	}
	n, _ := strconv.Atoi(text[:end]) // of one that is too large it is the largest
	return max(-maxSeconds, min(n, maxSeconds))
}
