// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"maps"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/spelling"
)

// faults finds the line of what is wrong with a block as a whole. Such a fault is
// judged at the end, since another line may put it right; the line to blame is the
// one behind which it was first there.
type faults struct {
	validate func() error
	lines    map[string]caddyfile.Dispenser // by what is wrong
}

func newFaults(validate func() error) *faults {
	return &faults{validate, make(map[string]caddyfile.Dispenser)}
}

// look is called behind each line, with where that began.
func (f *faults) look(line caddyfile.Dispenser) {
	if err := f.validate(); err != nil {
		if _, known := f.lines[err.Error()]; !known {
			f.lines[err.Error()] = line
		}
	}
}

// left is the fault that nothing has put right.
func (f *faults) left(d *caddyfile.Dispenser) error {
	err := f.validate()
	if err == nil {
		return nil
	}
	line, known := f.lines[err.Error()]
	if !known {
		line = *d
	}
	return line.WrapErr(err)
}

// unknownOption is the error for an option that is none of those of a block.
func unknownOption[T any](d *caddyfile.Dispenser, block, option string, options map[string]T) error {
	if near := spelling.Nearest(option, maps.Keys(options)); near != "" {
		return d.Errf("unknown %s option %q: did you mean %s?", block, option, near)
	}
	return d.Errf("unknown %s option %q", block, option)
}
