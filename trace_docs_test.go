// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestDocTrace runs what docs/trace.md shows, and wants it to come to what that
// shows behind it.
func TestDocTrace(t *testing.T) {
	blocks := docBlocks(t, "docs/trace.md")
	files, _ := phCertificate(t)
	traceSites(t, strings.Replace(blocks[0].text, "example.com {\n", "example.com {\n\ttls "+files+"\n", 1))
	shown, port := 0, freePort(t)
	for i, block := range blocks[1:] {
		before := blocks[i]
		switch block.fragment {
		case "apache":
			startApache(t, strings.ReplaceAll(block.text, "8080", port))
		case "text":
			shown++
			args := strings.Fields(strings.NewReplacer("Origin: ", "Origin:", "8080", port).Replace(before.text))
			for i := range args {
				args[i] = strings.Trim(args[i], "'")
			}
			if out, err := runCommand(t, args[2:]...); err != nil || strings.ReplaceAll(out, port, "8080") != block.text {
				t.Errorf("%s: %v\n%s", block, err, out)
			}
		case "json":
			shown++
			var got struct{ Result struct{ Trace []any } }
			body := regexp.MustCompile(`(?s)'(\{.*\})'`).FindStringSubmatch(before.text)[1]
			text, err := askTrace(t, "POST", body)
			if err == nil {
				err = json.Unmarshal([]byte(text), &got)
			}
			if err != nil {
				t.Fatal(err)
			}
			var want any
			if err := json.Unmarshal([]byte(block.text), &want); err != nil || !reflect.DeepEqual(got.Result.Trace[1], want) {
				indented, _ := json.MarshalIndent(got.Result.Trace[1], "", "  ")
				t.Errorf("%s: %v\n%s", block, err, indented)
			}
		case "sh":
			for line := range strings.Lines(block.text) {
				if strings.Contains(line, "--expect") {
					shown++
					if out, err := runCommand(t, strings.Fields(line)[2:]...); err != nil {
						t.Errorf("%s: %v\n%s", line, err, out)
					}
				}
			}
		}
	}
	if shown != 8 {
		t.Errorf("%d examples", shown)
	}
}
