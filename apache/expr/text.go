// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"strings"
)

// maxText is how long the longest text of an expression may be; httpd's buffer.
const maxText = 8191

// maxDepth is how deep %{...} and parentheses may be nested. It keeps the stack
// small; httpd gives up at 20 when it evaluates.
const maxDepth = 50

// quoted reads a string up to its second quotation mark.
func (l *lexer) quoted(mark byte) (word, error) { return l.parts(mark) }

// variable reads %{NAME} or %{function:argument}.
func (l *lexer) variable() (word, error) {
	if l.depth++; l.depth > maxDepth {
		return nil, l.errorf("%%{ is nested more than %d times", maxDepth)
	}
	defer func() { l.depth-- }()
	column := l.at + 1
	l.at += len("%{")
	name := l.take(prefix(l.rest(), isNamePart))
	if name == "" || !isLetter(name[0]) {
		return nil, columnError(column, "%%{ needs the name of a variable: %%{REQUEST_URI}")
	}
	switch {
	case strings.HasPrefix(l.rest(), "}"):
		l.at++
		v, err := variableNamed(name)
		if err != nil {
			return nil, columnError(column, "%w", err)
		}
		return v, nil
	case strings.HasPrefix(l.rest(), ":"):
		l.at++
		argument, err := l.parts('}')
		if err != nil {
			return nil, err
		}
		if argument == literal("") {
			return nil, columnError(column, "%%{%s: needs an argument before the }", name)
		}
		f, err := l.call(name, argument)
		if err != nil {
			return nil, columnError(column, "%w", err)
		}
		return f, nil
	case l.rest() == "":
		return nil, columnError(column, "%%{%s does not end; it would with a }", name)
	}
	return nil, l.errorf("the name in %%{%s can not have a %q", name, l.rest()[:1])
}

// parts reads text with variables and back-references in it, up to the mark that
// ends it. With 0 that is the end of the expression.
func (l *lexer) parts(mark byte) (word, error) {
	column := l.at + 1
	var parts joined
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			parts = append(parts, literal(b.String()))
			b.Reset()
		}
	}
	for {
		rest := l.rest()
		if rest == "" && mark != 0 {
			return nil, columnError(column, "the text does not end; it would with the next %q", mark)
		}
		if rest == "" || mark != 0 && rest[0] == mark {
			break
		}
		switch c := rest[0]; {
		case c == '\n':
			return nil, l.errorf("a text can not have the end of a line; write \\n")
		case c == '\\':
			char, err := l.escaped()
			if err != nil {
				return nil, err
			}
			b.WriteByte(char)
		case strings.HasPrefix(rest, "%{"):
			flush()
			part, err := l.variable()
			if err != nil {
				return nil, err
			}
			parts = append(parts, part)
		case c == '$' && len(rest) > 1 && isDigit(rest[1]):
			flush()
			parts = append(parts, backReference(rest[1]-'0'))
			l.at += 2
		case mark == '}' && (c == '"' || c == '\''):
			return nil, l.errorf("a quotation mark in %%{function:argument} needs a backslash before it")
		default:
			b.WriteByte(c)
			l.at++
		}
		if b.Len() > maxText {
			return nil, columnError(column, "the text is longer than %d bytes", maxText)
		}
	}
	if mark != 0 {
		l.at++
	}
	flush()
	switch len(parts) {
	case 0:
		return literal(""), nil
	case 1:
		return parts[0], nil
	}
	return parts, nil
}

// call makes a call of a function, whose name may be in capitals.
func (l *lexer) call(name string, argument word) (word, error) {
	name = strings.ToLower(name)
	function := functions[name]
	if function == nil {
		return nil, fmt.Errorf("no function is named %q", name)
	}
	l.readsFiles = l.readsFiles || name == "file" || name == "filesize"
	return call{function, argument}, nil
}

// escaped reads a backslash and what it makes of the bytes behind it.
func (l *lexer) escaped() (byte, error) {
	rest := l.rest()[1:]
	if rest == "" {
		return 0, l.errorf("a backslash at the end needs another one before it")
	}
	if digits := rest[:prefix(rest, isDigit)]; digits != "" {
		value := 0
		for i := range len(digits) {
			value = 8*value + int(digits[i]-'0')
			if digits[i] > '7' || i == 3 || value > 0xff {
				return 0, l.errorf("\\%s is no byte; one to three octal digits from \\1 to \\377 are", digits)
			}
		}
		if value == 0 {
			return 0, l.errorf("a text can not have a zero byte")
		}
		l.at += 1 + len(digits)
		return byte(value), nil
	}
	l.at += 2
	if i := strings.IndexByte("nrtbf", rest[0]); i >= 0 {
		return "\n\r\t\b\f"[i], nil
	}
	return rest[0], nil
}
