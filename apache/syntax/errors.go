// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"fmt"
	"slices"
	"strings"
)

// Position is a line of a file.
type Position struct {
	File string
	Line int // 1 is the first
}

func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Problem is an error or a warning.
type Problem struct {
	Position
	Message string // what is wrong, and where it can be told what would be right
}

func (p Problem) String() string { return p.Position.String() + ": " + p.Message }

// Errors are what was wrong with a file and with those it includes, in the order
// of their discovery. It is never empty.
type Errors []Problem

// Error has a line for each of the errors.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, problem := range e {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

const (
	maxErrors   = 20
	maxWarnings = 100
)

func (p *parser) errorf(at Position, format string, args ...any) {
	problem := Problem{at, fmt.Sprintf(format, args...)}
	if p.stopped || slices.Contains(p.errors, problem) {
		return // a file that is included twice has its errors once
	}
	if p.errors = append(p.errors, problem); len(p.errors) == maxErrors {
		p.fatal(at, "too many errors, the rest is not read")
	}
}

// fatal is an error after which nothing more is read.
func (p *parser) fatal(at Position, format string, args ...any) {
	if !p.stopped {
		p.stopped = true
		p.errors = append(p.errors, Problem{at, fmt.Sprintf(format, args...)})
	}
}

func (p *parser) warnf(at Position, format string, args ...any) {
	problem := Problem{at, fmt.Sprintf(format, args...)}
	if len(p.warnings) < maxWarnings && !slices.Contains(p.warnings, problem) {
		p.warnings = append(p.warnings, problem)
	}
}

// Interface guards
var (
	_ error        = Errors(nil)
	_ fmt.Stringer = Problem{}
	_ fmt.Stringer = Position{}
)
