// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"strings"
)

//go:embed status/page.html status/page.css status/page.js
var statusFiles embed.FS

// statusPage is the page with all that it needs, so that it has but one address.
// statusPolicy lets a browser run and apply that, by its hash, and nothing else. No
// text can become markup by mistake: trusted types are required, and there are none.
var statusPage, statusPolicy = func() ([]byte, string) {
	style, script := statusFile("page.css"), statusFile("page.js")
	page := strings.NewReplacer("STYLE", style, "SCRIPT", script).Replace(statusFile("page.html"))
	return []byte(page), "default-src 'none'; connect-src 'self'; script-src " + hashSource(script) + "; style-src " + hashSource(style) +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}()

func statusFile(name string) string {
	text, err := statusFiles.ReadFile("status/" + name)
	if err != nil {
		panic(err) // it is built in
	}
	return string(text)
}

// hashSource allows what is in the page itself (CSP 3 section 2.3.1).
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
