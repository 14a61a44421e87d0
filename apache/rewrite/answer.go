// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"net/http"
	"strings"
	"time"
)

// proxy is for a request that goes to another server.
func (x *run) proxy() Result {
	res := x.result
	res.Kind, res.Query = Proxy, x.r.Query
	res.URL = strings.TrimPrefix(x.r.Filename, proxyPrefix)
	if res.NoEscape && !visible(res.URL) { // mod_proxy's guard: lab case E5b
		return x.refuse()
	}
	return res
}

// redirect is for a request whose path has become the URL of another server. The
// query string was what is given before the rules.
func (x *run) redirect(query string) Result {
	res := x.result
	res.Kind, res.URL = Redirect, x.r.Filename
	if length, _ := absolute(res.URL); !res.NoEscape {
		res.URL = escapeURL(res.URL, length)
	}
	switch args := x.r.Query; {
	case args == "":
	case res.NoEscape, args == query:
		res.URL += "?" + args
	default:
		res.URL += "?" + escapePath(args)
	}
	res.Status = http.StatusFound
	if x.status >= 300 && x.status <= 399 {
		res.Status = x.status
	}
	return res
}

// answer is for a request that a rule has given a status.
func (x *run) answer() Result {
	res := x.result
	res.Kind = Status
	return res
}

// refuse is for a request that rules have made one nobody should get.
func (x *run) refuse() Result { return x.with(http.StatusForbidden) }

func (x *run) with(status int) Result {
	x.result.Status = status
	return x.answer()
}

// wrongQuery is httpd's guard against spaces and control characters in a query
// string that rules have put together, unless it is escaped after this.
func (x *run) wrongQuery() bool {
	if visible(x.r.Query) {
		return false
	}
	length, _ := absolute(x.r.Filename)
	return length == 0 || x.result.NoEscape
}

// addCookie makes a cookie of the flag CO's NAME:VALUE:DOMAIN:MINUTES:PATH:SECURE:
// HTTPONLY:SAMESITE, of which all behind the domain may be missing. The separator
// is a semicolon if the text begins with one. A name is set once.
func (res *Result) addCookie(text string, now time.Time) {
	separator := ":"
	if rest, ok := strings.CutPrefix(text, ";"); ok {
		separator, text = ";", rest
	}
	// Empty fields are none, as httpd splits with strtok.
	fields := strings.FieldsFunc(text, func(r rune) bool { return string(r) == separator })
	if len(fields) < 3 {
		return
	}
	for _, cookie := range res.Cookies {
		if strings.HasPrefix(cookie, fields[0]+"=") {
			return
		}
	}
	const most = 8
	var field [most]string
	copy(field[:], fields)
	if field[4] == "" {
		field[4] = "/"
	}
	cookie := field[0] + "=" + field[1] + "; path=" + field[4] + "; domain=" + field[2]
	if minutes := atoi(field[3]); minutes != 0 {
		expires := now.Add(time.Duration(minutes) * time.Minute).UTC()
		cookie += "; expires=" + expires.Format("Mon, 02-Jan-2006 15:04:05 GMT")
	}
	if is(field[5], "true", "1", "secure") {
		cookie += "; secure"
	}
	if is(field[6], "true", "1", "HttpOnly") {
		cookie += "; HttpOnly"
	}
	if field[7] != "" && !is(field[7], "0", "false") {
		cookie += "; SameSite=" + field[7]
	}
	res.Cookies = append(res.Cookies, cookie)
}

func is(word string, any ...string) bool {
	for _, one := range any {
		if strings.EqualFold(word, one) {
			return true
		}
	}
	return false
}
