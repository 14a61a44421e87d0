// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/spelling"
)

// faults finds the line of what is wrong with a block as a whole. Such a fault is
// judged at the end, since another line may put it right; the line to blame is the
// one behind which it was first there, whatever else was wrong then.
type faults struct {
	checks []func() error
	lines  map[string]caddyfile.Dispenser // by what is wrong
}

func newFaults(checks []func() error) *faults {
	return &faults{checks, make(map[string]caddyfile.Dispenser)}
}

// look is called behind each line, with where that began.
func (f *faults) look(line caddyfile.Dispenser) {
	for _, check := range f.checks {
		if err := check(); err != nil {
			if _, known := f.lines[err.Error()]; !known {
				f.lines[err.Error()] = line
			}
		}
	}
}

// left is the first fault that nothing has put right.
func (f *faults) left() error {
	for _, check := range f.checks {
		if err := check(); err != nil {
			line := f.lines[err.Error()] // look has been called since
			return line.WrapErr(err)
		}
	}
	return nil
}

// readBlock reads the lines of a block, each by what is for its option.
func (f *faults) readBlock(d *caddyfile.Dispenser, nesting int, block string, options map[string]func() error, repeatable ...string) error {
	seen := make(map[string]bool)
	for d.NextBlock(nesting) {
		line, option := *d, d.Val()
		read := options[option]
		switch {
		case read == nil:
			return unknownOption(d, block, option, options)
		case seen[option] && !slices.Contains(repeatable, option):
			return d.Errf("%s is given twice", option)
		}
		seen[option] = true
		if err := read(); err != nil {
			return err
		}
		f.look(line)
	}
	return nil
}

// unknownOption is the error for an option that is none of those of a block.
func unknownOption(d *caddyfile.Dispenser, block, option string, options map[string]func() error) error {
	if strings.HasPrefix(option, "tls_") && options["tls"] != nil {
		return d.Errf("%s belongs into the block of tls: tls { %[1]s … }", option)
	}
	if near := spelling.Nearest(option, maps.Keys(options)); near != "" {
		return d.Errf("unknown %s option %q: did you mean %s?", block, option, near)
	}
	return d.Errf("unknown %s option %q", block, option)
}
