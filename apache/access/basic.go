// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/htpasswd"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// basic is AuthType Basic.
type basic struct {
	challenge     string              // empty: there is no AuthName
	passwords     *htpasswd.Passwords // nil: there is no AuthUserFile
	authoritative bool
}

func newBasic(rs *Rules) *basic {
	b := &basic{authoritative: !strings.EqualFold(rs.Authoritative, "off")}
	if rs.AuthName != "" {
		b.challenge = `Basic realm="` + escapeQuotes(rs.AuthName) + `"`
	}
	return b
}

// escapeQuotes puts a backslash before each quotation mark that has none.
func escapeQuotes(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			b.WriteByte('\\')
		} else if s[i] == '\\' && i+1 < len(s) {
			b.WriteByte(s[i])
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// login finds out who the client is. The decision is that of a login that
// failed.
func (b *basic) login(r *request.Request) (user string, d Decision) {
	if b.challenge == "" {
		return "", Decision{Status: http.StatusInternalServerError, Reason: "nobody can log in: there is no AuthName"}
	}
	user, password, err := credentials(r.Get("Authorization"))
	if err != nil {
		return "", b.again(err.Error())
	}
	if b.passwords == nil {
		return "", Decision{Status: http.StatusInternalServerError, Reason: "nobody can log in: there is no AuthUserFile"}
	}
	known, ok, err := b.passwords.Check(user, password)
	switch {
	case err != nil:
		return "", Decision{Status: http.StatusInternalServerError, Reason: "passwords: " + err.Error()}
	case ok:
		return user, Decision{}
	case known:
		return "", b.again(fmt.Sprintf("user %q: wrong password", user))
	case !b.authoritative:
		// There is nobody else to ask, so that httpd is at a loss.
		return "", Decision{Status: http.StatusInternalServerError, Reason: fmt.Sprintf("user %q is not known, and AuthBasicAuthoritative Off leaves it to another module", user)}
	}
	return "", b.again(fmt.Sprintf("user %q is not known", user))
}

func (b *basic) again(reason string) Decision {
	return Decision{Status: http.StatusUnauthorized, Challenge: b.challenge, Reason: reason}
}

// maxAuthorization is how long the header may be: httpd's limit for any.
const maxAuthorization = 8190

type refusal string

func (r refusal) Error() string { return string(r) }

// credentials are the name and the password of an Authorization header.
func credentials(header string) (user, password string, err error) {
	scheme, rest, _ := strings.Cut(header, " ")
	switch {
	case header == "":
		return "", "", refusal("nobody has logged in")
	case len(header) > maxAuthorization:
		return "", "", refusal("the Authorization header is too long")
	case !strings.EqualFold(scheme, "Basic"):
		return "", "", refusal("the client logs in by another scheme than Basic")
	}
	user, password, _ = strings.Cut(decode(strings.TrimLeft(rest, " \t")), ":")
	switch {
	case user == "":
		return "", "", refusal("the client has sent no user name")
	case strings.ContainsRune(user+password, 0):
		// httpd reads up to there, and would take the rest for nothing.
		return "", "", refusal("there is a NUL in what the client has sent")
	}
	return user, password, nil
}

// decode decodes base64 as far as it goes, with or without the = at its end.
func decode(text string) string {
	end := strings.IndexFunc(text, func(c rune) bool {
		return !('A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/')
	})
	if end >= 0 {
		text = text[:end]
	}
	if len(text)%4 == 1 {
		text = text[:len(text)-1] // six bits make no byte
	}
	decoded, _ := base64.RawStdEncoding.DecodeString(text)
	return string(decoded)
}
