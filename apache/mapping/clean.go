// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"net/http"
	"strings"
)

// CleanOptions are AllowEncodedSlashes and MergeSlashes.
type CleanOptions struct {
	EncodedSlashes string // "" and Off, On, NoDecode
	KeepSlashes    bool   // MergeSlashes Off
}

// CleanOptions returns what the rules say about the cleaning of paths.
func (rs *Rules) CleanOptions() CleanOptions {
	return CleanOptions{
		EncodedSlashes: rs.AllowEncodedSlashes,
		KeepSlashes:    rs.MergeSlashes != nil && !*rs.MergeSlashes,
	}
}

// Clean is what httpd makes of a request's path, as sent and without its query,
// before anything looks at it: it is decoded once, and dot segments are removed
// and slashes merged. The status is 0, 400 for a path that is none, or 404 for an
// encoded slash that is not allowed and for an encoded NUL (lab cases E1, E38).
//
// Dots are decoded before segments are removed, slashes after: %2e%2e is the
// parent, and a..%2F is a name, or where slashes are decoded a segment to remove
// in a second round.
func Clean(rawPath string, o CleanOptions) (uri string, status int) {
	if clean(rawPath) {
		return rawPath, 0
	}
	if !strings.HasPrefix(rawPath, "/") {
		return "", http.StatusBadRequest
	}
	uri, ok := decodeUnreserved(rawPath)
	if !ok {
		return "", http.StatusBadRequest
	}
	if uri, ok = removeDots(uri, !o.KeepSlashes); !ok {
		return "", http.StatusBadRequest
	}
	decode, keep := strings.EqualFold(o.EncodedSlashes, "On"), strings.EqualFold(o.EncodedSlashes, "NoDecode")
	if uri, ok = decodeRest(uri, decode, keep); !ok {
		return "", http.StatusNotFound
	}
	if decode {
		// Whether there is a parent was asked for the first time only.
		uri, _ = removeDots(uri, !o.KeepSlashes)
	}
	return uri, 0
}

// clean says whether there is nothing to do, which is so for most paths.
func clean(path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	for i := 1; i < len(path); i++ {
		switch path[i] {
		case '%':
			return false
		case '/', '.':
			if path[i-1] == '/' {
				return false
			}
		}
	}
	return true
}

// decodeUnreserved decodes what means the same encoded or not. It fails if a %
// is not followed by two hexadecimal digits.
func decodeUnreserved(path string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c, escaped, ok := at(path, i)
		switch {
		case !ok:
			return "", false
		case escaped && unreserved(c):
			b.WriteByte(c)
			i += 2
		default:
			b.WriteByte(path[i])
		}
	}
	return b.String(), true
}

// decodeRest decodes what decodeUnreserved has left.
func decodeRest(path string, slashes, keepSlashes bool) (string, bool) {
	if !strings.Contains(path, "%") {
		return path, true
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c, escaped, _ := at(path, i)
		switch {
		case !escaped:
			b.WriteByte(c)
		case c == 0 || c == '/' && !slashes && !keepSlashes:
			return "", false
		case c == '/' && keepSlashes || unreserved(c):
			// An unreserved one is from a decoded %, as in %2541.
			b.WriteString(path[i : i+3])
			i += 2
		default:
			b.WriteByte(c)
			i += 2
		}
	}
	return b.String(), true
}

// at returns the byte at i, decoded if it is encoded.
func at(path string, i int) (c byte, escaped, ok bool) {
	if path[i] != '%' {
		return path[i], false, true
	}
	if i+2 >= len(path) || !hexDigit(path[i+1]) || !hexDigit(path[i+2]) {
		return '%', false, false
	}
	return hexValue(path[i+1])<<4 | hexValue(path[i+2]), true, true
}

// removeDots removes /./ and /../ and, if wanted, slashes that follow another.
// It says whether no parent of the root was asked for.
func removeDots(path string, mergeSlashes bool) (string, bool) {
	ok := true
	out := make([]byte, 1, len(path))
	out[0] = '/'
	for rest := path[1:]; rest != ""; {
		if out[len(out)-1] == '/' {
			segment, behind, more := strings.Cut(rest, "/")
			switch {
			case segment == "" && more && mergeSlashes, segment == ".":
				rest = behind
				continue
			case segment == "..":
				if len(out) == 1 {
					ok = false
				}
				out = parent(out)
				rest = behind
				continue
			}
		}
		out = append(out, rest[0])
		rest = rest[1:]
	}
	return string(out), ok
}

// parent is the folder around a folder; both end in a slash.
func parent(folder []byte) []byte {
	for len(folder) > 1 {
		folder = folder[:len(folder)-1]
		if folder[len(folder)-1] == '/' {
			break
		}
	}
	return folder
}

func unreserved(c byte) bool {
	return alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexValue(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
