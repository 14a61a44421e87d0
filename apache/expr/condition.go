// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"cmp"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
)

// condition is what is true or false of a request.
type condition interface {
	holds(e *evaluation) (bool, error)
}

type constant bool

func (c constant) holds(*evaluation) (bool, error) { return bool(c), nil }

type not struct{ condition }

func (c not) holds(e *evaluation) (bool, error) {
	holds, err := c.condition.holds(e)
	return !holds && err == nil, err
}

// anyOf evaluates no more conditions than it must, from left to right.
type anyOf []condition

func (c anyOf) holds(e *evaluation) (bool, error) {
	for _, condition := range c {
		if holds, err := condition.holds(e); holds || err != nil {
			return holds, err
		}
	}
	return false, nil
}

// allOf evaluates no more conditions than it must, from left to right.
type allOf []condition

func (c allOf) holds(e *evaluation) (bool, error) {
	for _, condition := range c {
		if holds, err := condition.holds(e); !holds || err != nil {
			return false, err
		}
	}
	return true, nil
}

// matching is =~.
type matching struct {
	subject word
	regex   *regex.Regexp
}

func (c matching) holds(e *evaluation) (bool, error) {
	subject, err := c.subject.value(e)
	if err != nil {
		return false, err
	}
	if c.regex.Groups() == 0 {
		return c.regex.Match(subject) // and $0 to $9 stay
	}
	match, err := c.regex.Find(subject)
	if err != nil {
		return false, err
	}
	e.match, e.matched = match, subject
	return match != nil, nil
}

// oneOf is -in.
type oneOf struct {
	subject word
	list    []word
}

func (c oneOf) holds(e *evaluation) (bool, error) {
	subject, err := c.subject.value(e)
	if err != nil {
		return false, err
	}
	for _, w := range c.list {
		if value, err := w.value(e); err != nil || value == subject {
			return err == nil, err
		}
	}
	return false, nil
}

// comparison is of two words.
type comparison struct {
	left, right word
	holdsFor    func(left, right string) (bool, error)
}

func (c comparison) holds(e *evaluation) (bool, error) {
	left, err := c.left.value(e)
	if err != nil {
		return false, err
	}
	right, err := c.right.value(e)
	if err != nil {
		return false, err
	}
	return c.holdsFor(left, right)
}

// comparing says whether an operator made of signs, or one that stands for such
// of integers, compares.
func comparing(op string) bool {
	return orders[op] != nil || op == "=~" || op == "!~" || op == "in"
}

// newComparison makes one of texts, byte by byte, or of integers.
func newComparison(op string, left, right word) condition {
	compare := strings.Compare
	if isLetter(op[0]) {
		compare = func(a, b string) int { return cmp.Compare(integer(a), integer(b)) }
	}
	order := orders[op]
	return comparison{left, right, func(left, right string) (bool, error) {
		return order(compare(left, right)), nil
	}}
}

// orders are what an operator wants of the order of its sides.
var orders = map[string]func(order int) bool{
	"==": equal, "=": equal, "eq": equal,
	"!=": different, "ne": different,
	"<": less, "lt": less,
	"<=": atMost, "le": atMost,
	">": greater, "gt": greater,
	">=": atLeast, "ge": atLeast,
}

func equal(order int) bool     { return order == 0 }
func different(order int) bool { return order != 0 }
func less(order int) bool      { return order < 0 }
func atMost(order int) bool    { return order <= 0 }
func greater(order int) bool   { return order > 0 }
func atLeast(order int) bool   { return order >= 0 }

// Interface guards
var (
	_ condition = constant(false)
	_ condition = not{}
	_ condition = anyOf(nil)
	_ condition = allOf(nil)
	_ condition = matching{}
	_ condition = oneOf{}
	_ condition = comparison{}
)
