// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package regex

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// translation is from what PCRE takes to what both engines take for the same, as
// far as they accept it. What is a letter with a backslash is checked here: one
// engine takes those that it does not know for the letter.
type translation struct {
	pattern  string
	onlyPerl bool // Go's engine accepts it and takes it for something else

	b     strings.Builder
	rest  string
	depth int // of parentheses
}

func translate(pattern string) (translation, error) {
	t := translation{rest: pattern}
	if len(pattern) > maxLength {
		return t, errTooLarge
	}
	for t.rest != "" {
		var err error
		switch c := t.rest[0]; {
		case c == '\\':
			err = t.escape(false)
		case c == '[':
			err = t.class()
		case strings.HasPrefix(t.rest, "(?#"):
			err = t.comment()
		case c == '(' || c == ')':
			err = t.parenthesis(c)
		default:
			t.b.WriteRune(wideByte(c))
			t.rest = t.rest[1:]
		}
		if err != nil {
			return t, err
		}
	}
	t.pattern = t.b.String()
	return t, nil
}

func (t *translation) parenthesis(c byte) error {
	t.take(1)
	if c == ')' {
		t.depth--
	} else if t.depth++; t.depth > maxDepth {
		return errTooDeep
	}
	return nil
}

// comment leaves one out.
func (t *translation) comment() error {
	_, rest, closed := strings.Cut(t.rest, ")")
	if !closed {
		return errors.New("a comment, (?#, has no )")
	}
	t.rest = rest
	return nil
}

// class translates [...]. In it a [ is special to one of the engines.
func (t *translation) class() error {
	t.take(1)
	if strings.HasPrefix(t.rest, "^") {
		t.take(1)
	}
	if strings.HasPrefix(t.rest, "]") {
		t.b.WriteString(`\]`)
		t.rest = t.rest[1:]
	}
	for t.rest != "" {
		switch c := t.rest[0]; c {
		case '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		case ']':
			t.take(1)
			return nil
		case '[':
			if end := strings.Index(t.rest, ":]"); end > 0 && strings.HasPrefix(t.rest, "[:") {
				t.take(end + len(":]"))
				continue
			}
			if strings.HasPrefix(t.rest, "[.") || strings.HasPrefix(t.rest, "[=") {
				return errors.New("[. and [= in a class are not supported")
			}
			t.b.WriteString(`\[`)
			t.rest = t.rest[1:]
		default:
			t.b.WriteRune(wideByte(c))
			t.rest = t.rest[1:]
		}
	}
	return errors.New("a [ has no ]")
}

// Kinds of space that have letters, as they are within a class.
const (
	space      = `\t-\r `
	horizontal = `\t \x{E0A0}`
	vertical   = `\n-\r\x{E085}`
)

// spaces are the letters with a backslash that mean such.
var spaces = map[byte]string{'s': space, 'h': horizontal, 'v': vertical}

// escape translates a backslash and what is behind it.
func (t *translation) escape(inClass bool) error {
	if len(t.rest) < 2 {
		return errors.New("a backslash at the end needs another one before it")
	}
	switch c := t.rest[1]; {
	case c >= 0x80:
		t.b.WriteRune(wideByte(c))
		t.rest = t.rest[2:]
		return nil
	case c == 'Q':
		return t.quotation()
	case c == 'x':
		return t.hexadecimal()
	case '0' <= c && c <= '9':
		return t.digits(inClass)
	case spaces[c|0x20] != "" && isLetter(c):
		return t.space(c, inClass)
	case strings.IndexByte("NR", c) >= 0 && !inClass:
		t.b.WriteString(map[byte]string{'N': `[^\n]`, 'R': `(?>\r\n|[` + vertical + `])`}[c])
		t.rest = t.rest[2:]
		return nil
	case c == 'W' && !inClass: // one engine loses k and s when case does not matter
		t.b.WriteString(`(?-i:\W)`)
		t.rest = t.rest[2:]
		return nil
	case c == 'Z' && !inClass:
		t.b.WriteString(`(?=\n?\z)`)
		t.rest = t.rest[2:]
		return nil
	case c == 'e':
		t.b.WriteString(`\x1b`)
		t.rest = t.rest[2:]
		return nil
	case c == 'k' || c == 'G' || c == 'A' || c == 'z' || c == 'B':
		if inClass {
			return fmt.Errorf("\\%c has no meaning in a class", c)
		}
	case isLetter(c) && strings.IndexByte("abcdDfnpPrtwW", c) < 0:
		return fmt.Errorf("\\%c is not supported", c)
	}
	t.take(2)
	return nil
}

// space translates \s and its like, and in capitals what is none of that.
func (t *translation) space(c byte, inClass bool) error {
	set, capital := spaces[c|0x20], c&0x20 == 0
	t.rest = t.rest[2:]
	switch {
	case inClass && capital && c != 'S':
		return fmt.Errorf("\\%c in a class is not supported", c)
	case inClass && capital: // which has the vertical tab, for once
		t.b.WriteString(`\S`)
	case inClass:
		t.b.WriteString(set)
	case capital:
		t.b.WriteString("[^" + set + "]")
	default:
		t.b.WriteString("[" + set + "]")
	}
	return nil
}

// quotation translates \Q...\E to what is between. Without \E it lasts to the end.
func (t *translation) quotation() error {
	text, rest, _ := strings.Cut(t.rest[len(`\Q`):], `\E`)
	for i := range len(text) {
		if c := text[i]; c < 0x80 && !isLetter(c) && !isDigit(c) && c > ' ' {
			t.b.WriteByte('\\')
		}
		t.b.WriteRune(wideByte(text[i]))
	}
	t.rest = rest
	return nil
}

// hexadecimal translates \xhh and \x{hh}.
func (t *translation) hexadecimal() error {
	digits := t.rest[2:]
	var rest string
	if strings.HasPrefix(digits, "{") {
		var closed bool
		if digits, rest, closed = strings.Cut(digits[1:], "}"); !closed {
			return errors.New(`\x{ has no }`)
		}
	} else {
		n := 0
		for n < 2 && n < len(digits) && isHex(digits[n]) {
			n++
		}
		digits, rest = digits[:n], digits[n:]
	}
	value, err := strconv.ParseUint("0"+digits, 16, 8)
	if err != nil {
		return fmt.Errorf("\\x%s is no byte", digits)
	}
	t.writeByte(byte(value))
	t.rest = rest
	return nil
}

// digits translates an octal number; a back-reference stays one. Which of the two
// \12 is depends on how many groups there are; the engine with back-references
// knows.
func (t *translation) digits(inClass bool) error {
	n := 1
	for n < 4 && n < len(t.rest) && '0' <= t.rest[n] && t.rest[n] <= '7' {
		n++
	}
	if t.rest[1] != '0' && !inClass && n < 4 {
		t.onlyPerl = true
		t.take(2)
		for t.rest != "" && isDigit(t.rest[0]) {
			t.take(1)
		}
		return nil
	}
	value, err := strconv.ParseUint(t.rest[1:n], 8, 8)
	if err != nil {
		return fmt.Errorf("%s is no byte", t.rest[:max(n, 2)])
	}
	t.writeByte(byte(value))
	t.rest = t.rest[n:]
	return nil
}

func (t *translation) writeByte(c byte) { fmt.Fprintf(&t.b, `\x{%X}`, wideByte(c)) }

// take copies what both engines take for the same.
func (t *translation) take(n int) {
	t.b.WriteString(t.rest[:n])
	t.rest = t.rest[n:]
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
