// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
)

// kind of a token.
type kind int

const (
	end      kind = iota
	name          // a function
	term          // a string, number, variable or back-reference, in token.word
	pattern       // a regular expression, in token.regex
	operator      // == -eq in && and the like, parentheses, true and false
	unary         // - and one letter
	binaryOp      // - and more letters
)

// token is a piece of an expression.
type token struct {
	kind   kind
	text   string
	column int // 1 is the first
	word   word
	regex  *regex.Regexp
}

// lexer takes an expression to pieces. The texts within it, which are strings and
// the arguments in %{function:argument}, are read in text.go.
type lexer struct {
	text       string
	at         int
	depth      int  // of what is open
	readsFiles bool // a function that does was among it
}

// operators are those made of punctuation; of two that fit the longer is first.
var operators = []string{
	"==", "=~", "=", "!=", "!~", "!", "<=", "<", ">=", ">", "&&", "||", ".", "(", ")", "{", "}", ",",
}

// keywords that are operators, and what they are short for.
var keywords = map[string]string{
	"and": "&&", "or": "||", "not": "!", "true": "true", "false": "false",
	"in": "in", "eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge",
	"-in": "in", "-eq": "eq", "-ne": "ne", "-lt": "lt", "-le": "le", "-gt": "gt", "-ge": "ge",
}

// next reads a token.
func (l *lexer) next() (token, error) {
	l.at += len(l.rest()) - len(strings.TrimLeft(l.rest(), " \t\n"))
	t := token{column: l.at + 1}
	rest := l.rest()
	if rest == "" {
		return t, nil
	}
	var err error
	switch c := rest[0]; {
	case c == '"' || c == '\'':
		l.at++
		t.kind = term
		t.word, err = l.quoted(c)
	case strings.HasPrefix(rest, "%{"):
		t.kind = term
		t.word, err = l.variable()
	case c == '$' && len(rest) > 1 && isDigit(rest[1]):
		l.at += 2
		t.kind, t.word = term, backReference(rest[1]-'0')
	case isDigit(c) || c == '-' && len(rest) > 1 && isDigit(rest[1]):
		digits := l.take(1 + prefix(rest[1:], isDigit))
		t.kind, t.word = term, number(digits)
	case c == '/':
		t.kind = pattern
		t.regex, err = l.regex(1)
	case isLetter(c):
		err = l.identifier(&t)
	case c == '-' && len(rest) > 1 && (isLetter(rest[1]) || rest[1] == '_'):
		l.dashed(&t)
	default:
		for _, op := range operators {
			if strings.HasPrefix(rest, op) {
				t.kind, t.text = operator, l.take(len(op))
				return t, nil
			}
		}
		err = l.errorf("%q has no meaning here; a text needs quotation marks", rest[:1])
	}
	return t, err
}

// identifier reads a keyword, m#pattern# or the name of a function.
func (l *lexer) identifier(t *token) (err error) {
	word := l.rest()[:prefix(l.rest(), isNamePart)]
	if after := l.rest()[len(word):]; word == "m_" || word == "m" && after != "" && strings.Contains(`/#$%^,;:_?|-!.'"`, after[:1]) {
		t.kind = pattern
		t.regex, err = l.regex(2)
		return err
	}
	l.at += len(word)
	if t.text = keywords[word]; t.text != "" {
		t.kind = operator
		return nil
	}
	t.kind, t.text = name, word
	return nil
}

// dashed reads an operator that begins with a dash.
func (l *lexer) dashed(t *token) {
	word := l.take(1 + prefix(l.rest()[1:], isNamePart))
	switch {
	case len(word) == 2:
		t.kind, t.text = unary, word[1:]
	case keywords[word] != "":
		t.kind, t.text = operator, keywords[word]
	default:
		t.kind, t.text = binaryOp, word[1:]
	}
}

// regex reads a regular expression, of which opening bytes are read before it.
// The last of them is the mark that ends it, and nothing takes its meaning from
// that.
func (l *lexer) regex(opening int) (*regex.Regexp, error) {
	start := l.at
	mark := l.text[l.at+opening-1]
	l.at += opening
	length := strings.IndexByte(l.rest(), mark)
	if length < 0 {
		l.at = start
		return nil, l.errorf("the regular expression does not end; it would with the next %q", mark)
	}
	source := l.take(length)
	l.at++
	fold := strings.HasPrefix(l.rest(), "i")
	if fold {
		l.at++
	}
	re, err := regex.Compile(source, fold)
	if err != nil {
		l.at = start
		return nil, l.errorf("%w", err)
	}
	return re, nil
}

func (l *lexer) rest() string { return l.text[l.at:] }

func (l *lexer) take(n int) string {
	taken := l.text[l.at : l.at+n]
	l.at += n
	return taken
}

func (l *lexer) errorf(format string, args ...any) error {
	return columnError(l.at+1, format, args...)
}

func columnError(column int, format string, args ...any) error {
	return fmt.Errorf("column %d: %w", column, fmt.Errorf(format, args...))
}

// prefix is how many bytes at the beginning of s are such.
func prefix(s string, such func(byte) bool) int {
	n := 0
	for n < len(s) && such(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isLetter(c byte) bool   { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isNamePart(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }
