// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// test is what an operator with one side asks.
type test func(e *evaluation, argument string) (bool, error)

// tested is a condition of one word.
type tested struct {
	test     test
	argument word
}

func (c tested) holds(e *evaluation) (bool, error) {
	argument, err := c.argument.value(e)
	if err != nil {
		return false, err
	}
	return c.test(e, argument)
}

// newUnary makes a condition of an operator with one side, -n and so on; capitals
// matter.
func newUnary(op string, argument word) (condition, error) {
	if op == "R" {
		subnet, err := subnetOf("-R", argument)
		if err != nil {
			return nil, err
		}
		return tested{func(e *evaluation, _ string) (bool, error) {
			return subnet.contains(e.Remote.Addr()), nil
		}, argument}, nil
	}
	if unaries[op] == nil {
		return nil, fmt.Errorf("no operator with one side is named -%s", op)
	}
	return tested{unaries[op], argument}, nil
}

var unaries = map[string]test{
	"n": func(_ *evaluation, text string) (bool, error) { return text != "", nil },
	"z": func(_ *evaluation, text string) (bool, error) { return text == "", nil },
	"T": func(_ *evaluation, text string) (bool, error) { return on(text), nil },

	"d": fileTest(os.Stat, os.FileInfo.IsDir),
	"e": fileTest(os.Stat, exists),
	"f": fileTest(os.Stat, isRegular),
	"s": fileTest(os.Stat, hasContents),
	"L": fileTest(os.Lstat, isSymlink),
	"h": fileTest(os.Lstat, isSymlink),
	"x": fileTest(os.Lstat, isExecutable),

	"F": servedFile,
	"U": servedPath,
	"A": servedPath,
}

// on is -T.
func on(text string) bool {
	switch lower(text) {
	case "", "0", "off", "false", "no":
		return false
	}
	return true
}

// newBinary makes a condition of an operator with two sides that begins with a
// dash; its name may be in capitals.
func newBinary(op string, left, right word) (condition, error) {
	switch name := strings.ToLower(op); name {
	case "ipmatch":
		subnet, err := subnetOf("-ipmatch", right)
		if err != nil {
			return nil, err
		}
		return comparison{left, right, func(left, _ string) (bool, error) { return subnet.containsText(left) }}, nil
	case "strmatch", "strcmatch", "fnmatch":
		return comparison{left, right, func(left, right string) (bool, error) {
			if name == "strcmatch" {
				left, right = lower(left), lower(right)
			}
			return wildcard(right, left, name == "fnmatch"), nil
		}}, nil
	}
	return nil, fmt.Errorf("no operator with two sides is named -%s", op)
}

// integer is the number at the beginning of a text, 0 if there is none, and the
// last one there is if it is too large, as C has it.
func integer(text string) int64 {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	digits := strings.TrimPrefix(text, "-")
	negative := digits != text
	if !negative {
		digits = strings.TrimPrefix(text, "+")
	}
	digits = digits[:prefix(digits, isDigit)]
	if digits == "" {
		return 0
	}
	if negative {
		digits = "-" + digits
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil && negative {
		return math.MinInt64
	}
	return n // ParseInt has the last one if it is too large
}

// Interface guards
var _ condition = tested{}
