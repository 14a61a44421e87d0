// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/testbed"
)

// findPrograms builds Caddy and looks for the others. It returns those that
// there are, and their versions.
func findPrograms(ctx context.Context, proxies []*proxy, dir string) (found []*proxy, versions []string, err error) {
	caddy := ""
	for _, p := range proxies {
		if p.goProgram && caddy == "" {
			fmt.Fprintln(os.Stderr, "building Caddy with this plugin")
			if caddy, err = testbed.BuildCaddy(ctx, dir); err != nil {
				return nil, nil, err
			}
		}
		if p.program = find(p.programs); p.goProgram {
			p.program = caddy
		}
		if p.program == "" {
			fmt.Fprintf(os.Stderr, "%s is not installed, and left out\n", p.label)
			continue
		}
		found = append(found, p)
		versions = append(versions, p.label+": "+version(ctx, p))
	}
	return found, versions, nil
}

// version is the first line of what a program says of itself.
func version(ctx context.Context, p *proxy) string {
	argument := "-v"
	if p.name == bare {
		return "reads and writes, and nothing else"
	}
	if p.goProgram {
		argument = "build-info"
	}
	out, err := exec.CommandContext(ctx, p.program, argument).CombinedOutput()
	if err != nil {
		return "unknown version"
	}
	if !p.goProgram {
		line, _, _ := strings.Cut(string(out), "\n")
		return strings.TrimSpace(line)
	}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) >= 3 && fields[1] == "github.com/caddyserver/caddy/v2" {
			return "Caddy " + fields[2]
		}
	}
	return "Caddy"
}
