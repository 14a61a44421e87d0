// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import "strings"

// Node is a directive or a section.
type Node struct {
	Position // of its first line

	// End is its last line: that of </Name> for a section, and beyond Line for a
	// directive that goes on over several lines.
	End int

	// Name is as written, without the brackets of a section.
	Name string

	// Section tells <Name …> from the directive Name.
	Section bool

	// Raw is what follows the name, variables replaced and not split, for directives
	// that do not split it either. For a section it ends before the last >.
	Raw string

	// Args are the words of Raw.
	Args []string

	// Nodes are the content of a section.
	Nodes []*Node
}

// Is says whether the node is the directive name or, with < in front of it, the
// section. Case does not matter.
func (n *Node) Is(name string) bool {
	name, section := strings.CutPrefix(name, "<")
	return section == n.Section && same(name, n.Name)
}

// String returns the node in httpd's syntax. Parsing it with no variables
// defined gives the same node, apart from its position.
func (n *Node) String() string {
	var b strings.Builder
	n.print(&b, "")
	return b.String()
}

func (n *Node) print(b *strings.Builder, indent string) {
	b.WriteString(indent)
	head := n.Name
	if n.Section {
		head = "<" + head
	}
	// The parser takes one > off the first word, whatever it is.
	if n.Section && n.Raw == "" || strings.HasSuffix(head, ">") {
		head += ">"
	}
	head = quoted(head)
	if n.Raw != "" {
		head += " " + n.Raw
		if n.Section {
			head += ">"
		}
	}
	b.WriteString(head)
	if strings.HasSuffix(head, `\`) {
		b.WriteByte(' ') // or it would continue
	}
	b.WriteByte('\n')
	if !n.Section {
		return
	}
	for _, child := range n.Nodes {
		child.print(b, indent+"\t")
	}
	b.WriteString(indent + quoted("</"+n.Name+">") + "\n")
}

// quoted returns name as the first word of a line. Few names have to be changed
// for that, and none that exists.
func quoted(name string) string {
	if !strings.ContainsAny(name, space+`\`) && name != "" && !strings.ContainsAny(name[:1], `#"'`) {
		return name
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// String returns the configuration in httpd's syntax.
func (c *Config) String() string {
	var b strings.Builder
	for _, n := range c.Nodes {
		n.print(&b, "")
	}
	return b.String()
}
