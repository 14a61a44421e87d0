// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// declarations find the reasons that handshakes are refused for and tunnels end
// for. One that is not written out is found as "".
var declarations = map[string]*regexp.Regexp{
	"*.go":                     regexp.MustCompile(`&(?:dialError|handshake\.Error)\{(?:Reason: )?(?:reasonOf\(err, )?(?:"(\w+)")?`),
	"t*.go":                    regexp.MustCompile(`\.refused\("(\w+)"`),
	"internal/handshake/*.go":  regexp.MustCompile(`&Error\{(?:"(\w+)")?`),
	"internal/relay/reason.go": regexp.MustCompile(`(?m)^\t[A-Z]\w+: +"(\w+)",$`),
}

// declaredReasons are what TestReasonsAreExplained found.
var declaredReasons []string

func TestReasonsAreExplained(t *testing.T) {
	declaredReasons = nil
	for files, pattern := range declarations {
		reasons := docNames(t, files, pattern)
		if len(reasons) == 0 || slices.Contains(reasons, "") {
			t.Errorf("%s: cannot read all of the reasons %q", files, reasons)
		}
		declaredReasons = append(declaredReasons, reasons...)
	}
	page, err := os.ReadFile("docs/ws_tunnel.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range declaredReasons {
		if !strings.Contains(string(page), "`"+reason+"`") {
			t.Errorf("docs/ws_tunnel.md does not explain %s", reason)
		}
	}
}

// TestMain fails a run of all tests in which one of the reasons did not turn up,
// or one that is not declared. It is for Linux, where all tests are.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && allTestsRan() {
		for _, complaint := range checkReasons() {
			fmt.Fprintln(os.Stderr, complaint)
			code = 1
		}
	}
	os.Exit(code)
}

func allTestsRan() bool {
	for name, value := range map[string]string{"run": "", "skip": "", "list": "", "fuzzworker": "false"} {
		if flag.Lookup("test."+name).Value.String() != value {
			return false
		}
	}
	return true
}

func checkReasons() (complaints []string) {
	counted := slices.Concat(countedReasons(metrics.refused), countedReasons(metrics.ended))
	for _, reason := range declaredReasons {
		if !slices.Contains(counted, reason) {
			complaints = append(complaints, "no test produced the reason "+reason)
		}
	}
	for _, reason := range counted {
		if !slices.Contains(declaredReasons, reason) {
			complaints = append(complaints, "a test produced the reason "+reason+", which is declared nowhere")
		}
	}
	slices.Sort(complaints)
	return slices.Compact(complaints)
}

// countedReasons are those that a counter has counted something for.
func countedReasons(counter *prometheus.CounterVec) (reasons []string) {
	found := make(chan prometheus.Metric)
	go func() {
		counter.Collect(found)
		close(found)
	}()
	for m := range found {
		var written dto.Metric
		if err := m.Write(&written); err != nil {
			panic(err) // a counter cannot fail
		}
		for _, label := range written.GetLabel() {
			if label.GetName() == "reason" && written.GetCounter().GetValue() > 0 {
				reasons = append(reasons, label.GetValue())
			}
		}
	}
	return reasons
}
