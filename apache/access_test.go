// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache_test

import (
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest/apachelab"
)

// TestAccess runs the cases of access control that httpd was measured with: what a
// section asks, and which of several sections hold.
func TestAccess(t *testing.T) {
	l := newLab(t)
	for _, file := range []string{"access/testdata/httpd.txt", "testdata/sections.txt"} {
		for _, c := range apachelab.Cases(t, file) {
			t.Run(c.Title, func(t *testing.T) { l.run(t, c) })
		}
	}
}
