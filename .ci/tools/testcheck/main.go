// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Command testcheck reads what go test -json prints and says less: a line for
// each package, and all that a failed test said. It fails if a test failed, if
// one was skipped, or if there was none.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, ImportPath, Test, Output string
}

func main() {
	var passed, failed, skipped, broken int
	said := make(map[string]*strings.Builder) // by each test, until it passes
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			break
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			fmt.Print(string(line)) // go's own complaint
			continue
		}
		key := e.Package + e.ImportPath + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			if said[key] == nil {
				said[key] = new(strings.Builder)
			}
			said[key].WriteString(e.Output)
			if e.Test == "" && strings.HasPrefix(e.Output, "ok ") {
				fmt.Print(e.Output)
			}
			continue
		case "build-fail":
			fmt.Print(said[key])
			broken++
		case "pass":
			if e.Test != "" {
				passed++
			}
		case "fail":
			if e.Test == "" {
				broken++
				for other, text := range said { // tests that were cut off, by a panic or a timeout
					if other != key && strings.HasPrefix(other, e.Package+" ") {
						fmt.Print(text)
					}
				}
			} else {
				failed++
			}
			if said[key] != nil {
				fmt.Print(said[key])
			}
		case "skip":
			if e.Test != "" { // a package without tests is skipped, too
				skipped++
				fmt.Printf("SKIPPED %s\n%s", key, said[key])
			}
		default:
			continue
		}
		delete(said, key)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed+broken+skipped > 0 || passed == 0 {
		os.Exit(1)
	}
}
