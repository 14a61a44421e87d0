// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package regex

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// What an expression may be, as PCRE has it by default. Both engines call themselves
// for what is within parentheses.
const (
	maxLength = 1 << 16
	maxDepth  = 250
)

var (
	errTooLarge = errors.New("it is too large")
	errTooDeep  = errors.New("parentheses are nested too deeply")
)

// maxSteps is how much Go's engine is given to do in one match: some tenths of a
// second at worst. What could take more is matched under the time limit.
const maxSteps = 2_000_000

func (r *Regexp) quick(s string) bool { return r.linear != nil && r.cost*len(s) <= maxSteps }

// costOf is how many steps a byte of the text can take: one for each instruction.
func costOf(r *regexp.Regexp) int {
	parsed, err := syntax.Parse(r.String(), syntax.Perl)
	if err != nil {
		return maxSteps
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return maxSteps
	}
	return len(program.Inst)
}
