// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package request

import (
	"slices"
	"testing"
)

// TestEnvCase is about names of variables: after SetEnvIf Remote_Addr . Early,
// httpd 2.4.71 finds env=early, and SetEnvIf Remote_Addr . !EARLY unsets it.
func TestEnvCase(t *testing.T) {
	var r Request
	r.SetEnv("Early", "1")
	r.SetEnv("other", "2")
	r.SetEnv("EARLY", "3")
	if value, ok := r.Env("early"); !ok || value != "3" {
		t.Errorf("got %q, %v", value, ok)
	}
	if got, want := r.EnvNames(), []string{"Early", "other"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r.UnsetEnv("earLY")
	r.UnsetEnv("nope")
	if _, ok := r.Env("Early"); ok {
		t.Error("it is still set")
	}
	if value, ok := r.Env("OTHER"); !ok || value != "2" {
		t.Errorf("got %q, %v", value, ok)
	}
}
