// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "os"

// bareCommand is the argument that has this program be a bareRelay.
const bareCommand = "bare-relay"

func configureBare(s site, _ string) (arguments, environment []string, err error) {
	return []string{bareCommand, s.listen, s.origin}, []string{"GOMAXPROCS=1"}, nil
}

// thisProgram is where this program is, or nowhere.
func thisProgram() (paths []string) {
	if path, err := os.Executable(); err == nil {
		paths = append(paths, path)
	}
	return paths
}
