// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// flags are those of a RewriteRule.
type flags struct {
	noCase     bool // NC
	chain      bool // C
	last       bool // L
	end        bool // END
	rounds     int  // N: how many at most; 0 is no flag N
	skip       int  // S
	status     int  // F, G, and R with no status of a redirect: nothing is substituted
	redirect   bool // R
	redirectBy int  // the status of R
	proxy      bool // P
	pass       bool // PT

	escape   bool   // B
	escapes  string // what B escapes; empty: all that is special
	keeps    string // BNE: what B does not escape
	noPlus   bool   // BNP: a space becomes %20, not +
	controls bool   // BCTLS: B escapes spaces and control characters

	noEscape  bool // NE
	qsAppend  bool // QSA
	qsDiscard bool // QSD
	qsLast    bool // QSL
	allow3F   bool // UnsafeAllow3F
	anyPrefix bool // UnsafePrefixStat
	slashes   bool // UNC: slashes at the start stay as many as they are

	dropPathInfo bool       // DPI
	env          []template // E
	cookies      []template // CO
	mediaType    template   // T
	handler      template   // H
}

// maxRounds is how often N may begin anew, unless it says so itself. httpd has
// the same.
const maxRounds = 10000

// parseFlags reads the flags of a RewriteRule, brackets included.
func parseFlags(text string) (flags, error) {
	f := flags{redirectBy: http.StatusFound}
	err := eachFlag(text, f.set)
	return f, err
}

// eachFlag splits flags as httpd does, and calls set with each.
func eachFlag(text string, set func(name, value string) error) error {
	if text == "" {
		return nil
	}
	inner, ok := strings.CutPrefix(text, "[")
	if ok {
		inner, ok = strings.CutSuffix(inner, "]")
	}
	if !ok {
		return fmt.Errorf("flags have to be one word in brackets, without spaces, as [P,L]; this is %s", text)
	}
	for flag := range strings.SplitSeq(inner, ",") {
		name, value, _ := strings.Cut(strings.Trim(flag, space), "=")
		if err := set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (f *flags) set(name, value string) error {
	switch strings.ToLower(name) {
	case "b", "backrefescaping":
		f.escape = true
		if value != "" {
			f.escapes = value
		}
	case "bne":
		if value == "" {
			return errors.New("the flag BNE needs the characters that are not to be escaped, as [B,BNE=/]")
		}
		f.keeps = value
	case "bnp", "backrefernoplus":
		f.noPlus = true
	case "bctls":
		f.escape, f.controls = true, true
	case "c", "chain":
		f.chain = true
	case "co", "cookie":
		f.cookies = append(f.cookies, parseTemplate(value))
	case "d", "dpi", "discardpath":
		f.dropPathInfo = true
	case "e", "env":
		f.env = append(f.env, parseTemplate(value))
	case "end":
		f.end = true
	case "f", "forbidden":
		f.status = http.StatusForbidden
	case "g", "gone":
		f.status = http.StatusGone
	case "h", "handler":
		f.handler = parseTemplate(value)
	case "l", "last":
		f.last = true
	case "n", "next":
		f.rounds = maxRounds
		if value != "" {
			f.rounds = max(atoi(value), 1)
		}
	case "nc", "nocase":
		f.noCase = true
	case "ne", "noescape":
		f.noEscape = true
	case "ns", "nosubreq":
		// There are no requests within requests here.
	case "p", "proxy":
		f.proxy = true
	case "pt", "passthrough":
		f.pass = true
	case "qsa", "qsappend":
		f.qsAppend = true
	case "qsd", "qsdiscard":
		f.qsDiscard = true
	case "qsl", "qslast":
		f.qsLast = true
	case "r", "redirect":
		return f.setRedirect(value)
	case "s", "skip":
		f.skip = max(atoi(value), 0)
	case "t", "type":
		f.mediaType = parseTemplate(value)
	case "unsafeprefixstat":
		f.anyPrefix = true
	case "unsafeallow3f":
		f.allow3F = true
	case "unc":
		f.slashes = true
	default:
		return fmt.Errorf("unknown flag %q", name)
	}
	return nil
}

func (f *flags) setRedirect(value string) error {
	f.redirect = true
	switch strings.ToLower(value) {
	case "":
		return nil
	case "permanent":
		f.redirectBy = http.StatusMovedPermanently
		return nil
	case "temp":
		f.redirectBy = http.StatusFound
		return nil
	case "seeother":
		f.redirectBy = http.StatusSeeOther
		return nil
	}
	if value[0] < '0' || value[0] > '9' {
		// httpd takes any other word for 302.
		f.redirectBy = http.StatusFound
		return nil
	}
	status := atoi(value)
	if http.StatusText(status) == "" {
		return fmt.Errorf("%s is not a status for the flag R; right would be R=301, R=permanent", value)
	}
	if status < 300 || status > 399 {
		f.status = status
		return nil
	}
	f.redirectBy = status
	return nil
}

// atoi is C's: as much of a number as there is, 0 if there is none.
func atoi(s string) int {
	s = strings.TrimLeft(s, space)
	negative := strings.HasPrefix(s, "-")
	if negative || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	const most = 1<<31 - 1
	n := 0
	for i := 0; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		n = min(10*n+int(s[i]-'0'), most)
	}
	if negative {
		return -n
	}
	return n
}
