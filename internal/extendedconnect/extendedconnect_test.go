// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package extendedconnect

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// asked, in the environment, has this program say what its GODEBUG has become.
const asked = "EXTENDEDCONNECT_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(asked) != "" {
		fmt.Print(os.Getenv("GODEBUG"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestSetting(t *testing.T) {
	tests := []struct {
		name, want string
		env        []string
	}{
		{"nothing set", "http2xconnect=1", nil},
		{"something else set", "panicnil=1,http2xconnect=1", []string{"GODEBUG=panicnil=1"}},
		{"chosen by the user", "http2xconnect=0", []string{"GODEBUG=http2xconnect=0"}},
		{"switched off", "", []string{Switch + "=off"}},
		{"switched off, something else set", "panicnil=1", []string{Switch + "=off", "GODEBUG=panicnil=1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			self := exec.Command(os.Args[0])
			self.Env = append(test.env, asked+"=yes")
			got, err := self.Output()
			if err != nil || string(got) != test.want {
				t.Errorf("GODEBUG is %q (%v), want %q", got, err, test.want)
			}
		})
	}
}
