// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

// docFragments are the blocks of the documentation that are not whole
// Caddyfiles, by the word behind "caddyfile" on their fence, and what stands
// around them.
var docFragments = map[string][2]string{
	"":                        {"", ""},
	"fragment=site":           {"http://localhost:8080 {\n", "}\n"},
	"fragment=global-options": {"{\n", "}\n"},
	"fragment=server-options": {"{\n\tservers {\n", "\t}\n}\n\nhttp://localhost:8080 {\n\tws_echo\n}\n"},
}

// docBlock is a fenced block of a page.
type docBlock struct {
	file     string
	line     int
	fragment string
	text     string
}

func (b docBlock) String() string { return fmt.Sprintf("%s:%d", filepath.Base(b.file), b.line) }

// docPages are README.md and the pages of docs.
func docPages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("there are no pages in docs: %v", err)
	}
	return append(pages, "README.md")
}

func docBlocks(t *testing.T, file string) (blocks []docBlock) {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var block *docBlock
	for i, line := range strings.SplitAfter(string(page), "\n") {
		info, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		language, fragment, _ := strings.Cut(info, " ")
		switch {
		case block != nil && isFence:
			blocks, block = append(blocks, *block), nil
		case block != nil:
			block.text += line
		case isFence && language != "": // of any language, so that its end is not taken for a beginning
			block = &docBlock{file: file, line: i + 2, fragment: fragment}
			if language != "caddyfile" {
				block.fragment = language
			}
		case isFence:
			t.Errorf("%s:%d: the fence names no language; write caddyfile, sh, json or text", file, i+1)
		}
	}
	if block != nil {
		t.Errorf("%s: the fence does not end", block)
	}
	return blocks
}

// TestDocCaddyfiles loads every Caddyfile of the documentation as `caddy adapt
// --validate` would: a reader may copy any of them.
func TestDocCaddyfiles(t *testing.T) {
	for _, page := range docPages(t) {
		for _, block := range docBlocks(t, page) {
			around, ok := docFragments[block.fragment]
			if !ok && !strings.HasPrefix(block.fragment, "fragment=") {
				continue // another language
			}
			t.Run(block.String(), func(t *testing.T) {
				if !ok {
					t.Fatalf("unknown %s", block.fragment)
				}
				if formatted := string(caddyfile.Format([]byte(block.text))); formatted != block.text {
					t.Errorf("caddy fmt would write:\n%s", formatted)
				}
				validateCaddyfile(t, around[0]+block.text+around[1])
			})
		}
	}
}

// validateCaddyfile fails on errors and on warnings, of the adapter and of the
// modules.
func validateCaddyfile(t *testing.T, text string) {
	t.Helper()
	adapter := caddyfile.Adapter{ServerType: httpcaddyfile.ServerType{}}
	// Formatted, since what stands around a fragment does not indent it.
	config, warnings, err := adapter.Adapt(caddyfile.Format([]byte(text)), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Errorf("warning: %s", w)
	}
	var c map[string]any
	if err := json.Unmarshal(config, &c); err != nil {
		t.Fatal(err)
	}
	if c["logging"] != nil {
		t.Fatal("a page sets up logging; this test does so, too")
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	c["logging"] = map[string]any{"logs": map[string]any{"default": map[string]any{
		"level": "WARN", "writer": map[string]any{"output": "file", "filename": log},
	}}}
	c["storage"] = map[string]any{"module": "file_system", "root": dir}
	if config, err = json.Marshal(c); err != nil {
		t.Fatal(err)
	}
	var loaded caddy.Config
	if err := caddy.StrictUnmarshalJSON(config, &loaded); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&loaded); err != nil {
		t.Fatal(err)
	}
	if logged, err := os.ReadFile(log); err == nil && len(logged) > 0 {
		t.Errorf("warnings:\n%s", logged)
	}
}

// TestDocNames holds the pages against the code: what an operator meets in a
// log, in a metric or in a config has to be explained.
func TestDocNames(t *testing.T) {
	for _, tc := range []struct{ page, files, pattern string }{
		{"docs/ws_tunnel.md", "*.go", `dialError\{"([a-z_]+)"`},
		{"docs/ws_tunnel.md", "*.go", `\.refused\("([a-z_]+)"`},
		{"docs/ws_tunnel.md", "internal/handshake/*.go", `&Error\{"([a-z_]+)"`},
		{"docs/ws_tunnel.md", "internal/relay/reason.go", `: +"([a-z]+_?[a-z]+)",`},
		{"docs/ws_tunnel.md", "metrics.go", `"(caddy_ws_tunnel_[a-z_]*(?:active|opened|ended|refused|bytes|messages)[a-z_]*)"`},
		{"docs/ws_tunnel.md", "handler.go", `json:"([a-z_]+),omitempty"`},
		{"docs/matchers.md", "metrics_switches.go", `"(caddy_ws_tunnel_[a-z_]+)"`},
		{"docs/origins.md", "health.go", `json:"([a-z_]+),omitempty"`},
		{"docs/origins.md", "metrics_origins.go", `"(caddy_ws_tunnel_[a-z_]+)"`},
		{"docs/ws_tunnel.md", "record.go", `(?:Add[A-Z]\w+|zap\.[A-Z]\w+)\("([a-z_]+)"`},
		{"docs/ws_tunnel.md", "dial.go", `AddDuration\("([a-z_]+)"`},
		{"docs/ws_tunnel.md", "tunnel.go", `\("(http\.ws_tunnel\.[a-z]+)"`},
		{"docs/proxy_header.md", "internal/proxy*/*.go", `Reason += "([a-uw-z][a-z-]+)"`}, // v1-, v2- in one
		{"docs/proxy_header.md", "internal/proxylisten/outcome.go", `Result = "([a-z]+)"`},
		{"docs/proxy_header.md", "internal/proxylisten/policy.go", `Policy = "([a-z]+)"`},
		{"docs/proxy_header.md", "metrics.go", `"(caddy_ws_tunnel_proxy[a-z_]*)"`},
		{"docs/proxy_header.md", "listenerwrapper.go", "`\\{(http\\.proxy_header\\.[a-z_.]+)"},
		{"docs/proxy_header.md", "proxyfacts.go", `^\t"([a-z_.]+)":`},
	} {
		text, err := os.ReadFile(tc.page)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, name := range docNames(t, tc.files, regexp.MustCompile("(?m)"+tc.pattern)) {
			found++
			if !regexp.MustCompile("\\b"+regexp.QuoteMeta(name)+"\\b").Match(text) && !docElsewhere[name] {
				t.Errorf("%s does not explain %s, of %s", tc.page, name, tc.files)
			}
		}
		if found == 0 {
			t.Errorf("%s: nothing looks like %s any more", tc.files, tc.pattern)
		}
	}
}

// docElsewhere are names in JSON that the pages have under the Caddyfile's.
var docElsewhere = map[string]bool{"origins": true, "headers": true}

func docNames(t *testing.T, files string, pattern *regexp.Regexp) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(files)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files %s: %v", files, err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pattern.FindAllSubmatch(source, -1) {
			names = append(names, string(m[1]))
		}
	}
	return names
}

var docLink = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]*))?\)|src(?:set)?="([^"]+)"`)

// TestDocLinks follows the links within the documentation.
func TestDocLinks(t *testing.T) {
	for _, page := range docPages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range docLink.FindAllStringSubmatch(string(text), -1) {
			target, anchor := m[1]+m[3], m[2]
			if strings.Contains(target, "://") {
				continue
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			linked, err := os.ReadFile(file)
			if info, statErr := os.Stat(file); statErr != nil || err != nil && !info.IsDir() {
				t.Errorf("%s: the link to %s leads nowhere", page, target)
			} else if anchor != "" && !docAnchors(string(linked))[anchor] {
				t.Errorf("%s: %s has no heading #%s", page, file, anchor)
			}
		}
	}
}

// docAnchors are the headings of a page as links name them.
func docAnchors(page string) map[string]bool {
	anchors := make(map[string]bool)
	for line := range strings.SplitSeq(page, "\n") {
		if title := strings.TrimLeft(line, "#"); title != line {
			title = regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			anchors[strings.ReplaceAll(title, " ", "-")] = true
		}
	}
	return anchors
}
