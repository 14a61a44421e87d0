// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
)

// condition is a RewriteCond, ready to be tested.
type condition struct {
	test   template
	not    bool
	or     bool   // OR: it or the next
	noCase bool   // NC
	op     string // one of those below; empty: a regular expression
	value  string // what to compare with
	regexp *regex.Regexp
	expr   *expr.Condition
}

// The operators that ask for files or URLs stand alone in a pattern.
const fileOperators = "-d -F -f -h -L -l -s -U -x "

var (
	stringOperators  = []string{">=", "<=", ">", "<", "="}
	integerOperators = []string{"-lt", "-le", "-gt", "-ge", "-eq", "-ne"}
)

// compile makes a condition ready. The warning is what httpd passes over.
func (c Condition) compile() (compiled *condition, warning string, err error) {
	t := &condition{}
	err = eachFlag(c.Flags, func(name, _ string) error {
		switch strings.ToLower(name) {
		case "nc", "nocase":
			t.noCase = true
		case "or", "ornext":
			t.or = true
		case "nv", "novary":
		default:
			return fmt.Errorf("unknown flag %q; RewriteCond has NC, OR and NV", name)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	pattern := c.Pattern
	pattern, t.not = strings.CutPrefix(pattern, "!")
	if strings.EqualFold(c.Test, "expr") {
		t.op = "expr"
		t.expr, err = expr.ParseCondition(pattern)
	} else {
		t.test = parseTemplate(c.Test)
		t.operator(pattern)
		if t.op == "" {
			t.regexp, err = regex.Compile(pattern, t.noCase)
		}
	}
	if t.noCase && (t.op == "expr" || strings.HasPrefix(t.op, "-")) {
		warning = fmt.Sprintf("the flag NC has no effect on %s", c.Pattern)
	}
	return t, warning, err
}

// operator finds out what kind of pattern it is. One of a single character is
// always a regular expression.
func (t *condition) operator(pattern string) {
	if len(pattern) < 2 {
		return
	}
	if len(pattern) == 2 && strings.Contains(fileOperators, pattern+" ") {
		t.op = pattern
		return
	}
	for _, op := range integerOperators {
		if value, ok := strings.CutPrefix(pattern, op); ok && value != "" {
			t.op, t.value = op, value
			return
		}
	}
	for _, op := range stringOperators {
		if value, ok := strings.CutPrefix(pattern, op); ok {
			if op == "=" && value == `""` {
				value = ""
			}
			t.op, t.value = op, value
			return
		}
	}
}

// holds tests a condition.
func (x *run) holds(t *condition) (bool, error) {
	ok, err := x.test(t)
	if err != nil {
		return false, err
	}
	return ok != t.not, nil
}

func (x *run) test(t *condition) (bool, error) {
	if t.expr != nil {
		ok, texts, err := t.expr.Match(x.r)
		if ok && !t.not {
			x.condition = groups{texts: texts}
		}
		return ok, err
	}
	input, err := x.expand(t.test, nil)
	if err != nil {
		return false, err
	}
	switch t.op {
	case "":
		at, err := t.regexp.Find(input)
		if at != nil && !t.not {
			x.condition = groups{text: input, at: at}
		}
		return at != nil, err
	case "-F", "-U":
		return x.lookAhead(t.op, input)
	case "-d", "-f", "-h", "-L", "-l", "-s", "-x":
		return testFile(t.op, input), nil
	case "=":
		return input == t.value || t.noCase && compareFold(input, t.value) == 0, nil
	case "<", ">", "<=", ">=":
		order := compareByLength(input, t.value)
		if t.noCase {
			order = compareFold(input, t.value)
		}
		return inOrder(t.op, order), nil
	}
	return inOrder(t.op, atoi(input)-atoi(t.value)), nil
}

// compareByLength is httpd's comparison of strings: the longer is the greater, and
// bytes decide among those of one length. Lab case E5a.
func compareByLength(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func inOrder(op string, order int) bool {
	switch op {
	case "<", "-lt":
		return order < 0
	case "<=", "-le":
		return order <= 0
	case ">", "-gt":
		return order > 0
	case ">=", "-ge":
		return order >= 0
	case "-ne":
		return order != 0
	}
	return order == 0
}

func testFile(op, name string) bool {
	stat := os.Stat
	if op == "-h" || op == "-L" || op == "-l" {
		stat = os.Lstat
	}
	info, err := stat(name)
	if err != nil {
		return false
	}
	switch op {
	case "-d":
		return info.IsDir()
	case "-f":
		return info.Mode().IsRegular()
	case "-s":
		return info.Mode().IsRegular() && info.Size() > 0
	case "-x":
		return info.Mode().Perm()&0o111 != 0
	}
	return info.Mode()&os.ModeSymlink != 0
}

// lookAhead tests whether a file (-F) or URL path (-U) can be had.
func (x *run) lookAhead(op, name string) (bool, error) {
	if name == "" {
		return false, nil
	}
	if x.engine.lookup == nil {
		return false, errNoLookup
	}
	status, err := x.engine.lookup(x.r, name, op == "-F")
	if op == "-U" {
		return err == nil && status < 400, err
	}
	if err != nil || status >= 300 {
		return false, err
	}
	_, err = os.Stat(name)
	return err == nil, nil
}

var errNoLookup = errors.New("the conditions -F and -U need a server to ask")

// compareFold is C's strcasecmp: the case of ASCII letters does not matter.
func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		if order := int(toLower(a[i])) - int(toLower(b[i])); order != 0 {
			return order
		}
	}
	return len(a) - len(b)
}

func toLower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
