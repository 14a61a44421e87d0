// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestTakeTurns(t *testing.T) {
	var order strings.Builder
	play := func(name string, pieces int) func(func()) {
		return func(pass func()) {
			for i := range pieces {
				if i > 0 {
					pass()
				}
				order.WriteString(name)
			}
		}
	}
	takeTurns([]func(func()){play("a", 3), play("b", 1), play("c", 2), play("d", 0)})
	if got := order.String(); got != "abcaca" {
		t.Errorf("the order was %s", got)
	}
	takeTurns(nil)
}
