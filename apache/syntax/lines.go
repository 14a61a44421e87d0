// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"bytes"
	"strings"
)

// line is a logical line: one line of a file, or several of which each but the
// last ends in a backslash.
type line struct {
	text        string // joined, without the space at both ends
	source      string // the lines as they are in the file
	first, last int    // their numbers
	size        int    // of what was joined, with the line break
}

// lines cuts a file into logical lines.
type lines struct {
	rest string
	read int // lines of the file
}

// next returns the next logical line, as long as there is one. Joining comes
// first of all: a comment that ends in a backslash goes on in the next line.
//
// What is looked at is the end of what has been joined so far. So two backslashes
// continue a line as one does, and the one that remains does so once more if the
// next line is empty. A backslash at the end of the file, without a line break,
// is nothing special. (httpd loses a last line without one if it happens to fill
// the buffer, as one of 206 bytes does. Here it is read.)
func (l *lines) next() (line, bool) {
	if l.rest == "" {
		return line{}, false
	}
	source, first := l.rest, l.read+1
	var text string
	var broken bool   // at the end
	var joined []byte // all of it, if there is more than one line
	for continued := true; continued && l.rest != ""; {
		text, l.rest, broken = strings.Cut(l.rest, "\n")
		l.read++
		if joined == nil && !strings.HasSuffix(strings.TrimSuffix(text, "\r"), `\`) {
			break
		}
		joined = append(joined, text...)
		var head []byte
		if head, continued = bytes.CutSuffix(bytes.TrimSuffix(joined, []byte("\r")), []byte(`\`)); continued && broken {
			joined = head
		}
	}
	if joined != nil {
		text = string(joined)
	}
	size := len(text)
	if broken {
		size++
	}
	return line{
		text:   strings.Trim(text, space),
		source: source[:len(source)-len(l.rest)],
		first:  first,
		last:   l.read,
		size:   size,
	}, true
}

// swallows says whether the line is a comment that goes on over a line which
// does not look like one.
func (l line) swallows() bool {
	if l.first == l.last || !strings.HasPrefix(l.text, "#") {
		return false
	}
	for text := range strings.SplitSeq(l.source, "\n") {
		if text = strings.Trim(text, space+`\`); text != "" && text[0] != '#' {
			return true
		}
	}
	return false
}

const (
	bom = "\xef\xbb\xbf"

	// The longest lines that httpd reads, in the configuration and in .htaccess files.
	maxLine         = 16 << 20
	maxHTAccessLine = 8192
)

// usable reports what is wrong with a line as such.
func (p *parser) usable(l line, at Position) bool {
	limit := maxLine
	if p.options.HTAccess {
		limit = maxHTAccessLine
	}
	switch {
	case strings.IndexByte(l.source, 0) >= 0:
		p.errorf(at, "a NUL byte; is the file in UTF-16? save it in UTF-8")
		return false
	case l.size > limit:
		p.errorf(at, "a line of %d bytes; httpd reads lines of at most %d", l.size, limit)
		return false
	}
	if l.swallows() {
		p.warnf(at, `a comment that ends in \ takes in the next line, so line %d has no effect`, l.first+1)
	}
	return true
}
