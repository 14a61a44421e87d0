// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package regex

import "strings"

// Substitute puts groups of a match into a text, as SetEnvIf and Header edit do:
// $0 to $9 are groups, and a backslash takes the meaning from what is behind it.
func Substitute(text string, group func(n int) string) string {
	if !strings.ContainsAny(text, `$\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		more := i+1 < len(text)
		switch {
		case c == '$' && more && '0' <= text[i+1] && text[i+1] <= '9':
			i++
			b.WriteString(group(int(text[i] - '0')))
			continue
		case c == '\\' && more:
			i++
			c = text[i]
		}
		b.WriteByte(c)
	}
	return b.String()
}
