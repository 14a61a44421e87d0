// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// functions by their names in lower case.
var functions = map[string]func(e *evaluation, argument string) (string, error){
	"req":        requestField,
	"http":       requestField,
	"req_novary": requestField, // no answer is given a Vary for what a rule looks at
	"resp":       responseField,
	"reqenv":     requestEnv,
	"env":        anyEnv,
	"osenv":      func(_ *evaluation, name string) (string, error) { return os.Getenv(name), nil },
	"note":       func(*evaluation, string) (string, error) { return "", nil }, // modules write notes, and here are none
	"ssl":        func(e *evaluation, name string) (string, error) { return e.Var("SSL:" + name), nil },

	"tolower":  pure(lower),
	"toupper":  pure(upper),
	"escape":   pure(escape),
	"unescape": pure(unescape),
	"base64":   pure(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
	"unbase64": pure(unbase64),
	"md5":      pure(func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }),
	"sha1":     pure(func(s string) string { sum := sha1.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }),
	"ldap":     pure(ldap),

	"file":     fileContents,
	"filesize": fileSize,
}

func requestField(e *evaluation, name string) (string, error) { return e.Get(name), nil }

func responseField(e *evaluation, name string) (string, error) {
	return strings.Join(e.Answer.Values(name), ", "), nil
}

func requestEnv(e *evaluation, name string) (string, error) {
	value, _ := e.Env(name)
	return value, nil
}

// anyEnv looks for a variable of the request, then for one of the process.
func anyEnv(e *evaluation, name string) (string, error) { return e.Var("ENV:" + name), nil }

// pure is a function of its argument alone.
func pure(f func(string) string) func(*evaluation, string) (string, error) {
	return func(_ *evaluation, argument string) (string, error) { return f(argument), nil }
}

// lower and upper change ASCII letters only, as httpd does in the C locale.
func lower(s string) string { return mapBytes(s, 'A', 'Z') }
func upper(s string) string { return mapBytes(s, 'a', 'z') }

func mapBytes(s string, first, last byte) string {
	b := []byte(s)
	for i, c := range b {
		if first <= c && c <= last {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

// escape makes a path of a URL.
func escape(s string) string {
	return escapeBytes(s, "%%%02x", func(c byte) bool {
		return !isLetter(c) && !isDigit(c) && strings.IndexByte("$-_.+!*'(),:;@&=/~", c) < 0
	})
}

// unescape decodes %xx, but for an encoded slash. A wrong one or %00 makes it
// empty.
func unescape(s string) string {
	s = encodedSlash.Replace(s)
	decoded, err := url.PathUnescape(s)
	if err != nil || strings.Contains(decoded, "\x00") {
		return ""
	}
	return decoded
}

var encodedSlash = strings.NewReplacer("%2f", "%252f", "%2F", "%252F")

// unbase64 decodes what is base64 at the beginning, as far as the first zero byte.
func unbase64(s string) string {
	encoded := s[:prefix(s, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '+' || c == '/' })]
	if len(encoded)%4 == 1 {
		encoded = encoded[:len(encoded)-1]
	}
	decoded, _ := base64.RawStdEncoding.DecodeString(encoded) // it can not fail
	text, _, _ := strings.Cut(string(decoded), "\x00")
	return text
}

// ldap escapes what APR does, which is most of what has a meaning in LDAP.
func ldap(s string) string {
	return escapeBytes(s, `\%02x`, func(c byte) bool {
		return c < ' ' || c >= 0x7f || strings.IndexByte(`"()*+,;<>\`, c) >= 0
	})
}

func escapeBytes(s, format string, special func(byte) bool) string {
	var b strings.Builder
	for i := range len(s) {
		if special(s[i]) {
			fmt.Fprintf(&b, format, s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
