// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax_test

import (
	"fmt"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

func ExampleParse() {
	c, err := syntax.Parse("/etc/apache2/sites-enabled/chat.conf", []byte(`
Define origin localhost:8000
<VirtualHost *:80>
	ServerName "chat.example.com"
	ProxyPass /ws/ ws://${origin}/ timeout=600
</VirtualHost>
`), syntax.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, host := range c.Nodes {
		for _, n := range host.Nodes {
			fmt.Printf("line %d: %s %q\n", n.Line, n.Name, n.Args)
		}
	}
	// Output:
	// line 4: ServerName ["chat.example.com"]
	// line 5: ProxyPass ["/ws/" "ws://localhost:8000/" "timeout=600"]
}
