// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// serverDirectives are those that a server has and a section has not.
var serverDirectives = map[string]func(*reader, *Server, *syntax.Node) error{
	"listen":       (*reader).listen,
	"servername":   serverName,
	"serveralias":  serverAlias,
	"serverroot":   (*reader).root,
	"documentroot": documentRoot,
	"serveradmin": func(_ *reader, s *Server, n *syntax.Node) error {
		return oneArg(n, &s.Admin, "ServerAdmin webmaster@example.com")
	},
	"usecanonicalname": canonicalName,
	"accessfilename":   accessFiles,
	"timeout":          timeout,
	"protocols":        protocols,
	"stricthostcheck":  func(_ *reader, _ *Server, n *syntax.Node) error { return mustBe(n, false) },
	"traceenable":      func(*reader, *Server, *syntax.Node) error { return nil },
}

func (rd *reader) listen(s *Server, n *syntax.Node) error {
	if err := directive.Args(n, 1, 2, "Listen 80"); err != nil {
		return err
	}
	a, err := parseListen(n.Args[0])
	if err != nil {
		return err
	}
	for _, l := range rd.config.Listen {
		if l.Address == a {
			return fmt.Errorf("line %d listens on %s already", l.Line, a)
		}
	}
	rd.config.Listen = append(rd.config.Listen, Listen{n.Position, a})
	return nil
}

func (rd *reader) root(_ *Server, n *syntax.Node) error {
	return oneArg(n, &rd.serverRoot, "ServerRoot /etc/apache2")
}

// serverName takes a host, perhaps with a scheme in front and a port behind it.
func serverName(_ *reader, s *Server, n *syntax.Node) error {
	var name string
	if err := oneArg(n, &name, "ServerName example.com"); err != nil {
		return err
	}
	if _, rest, ok := strings.Cut(name, "://"); ok {
		name = rest
	}
	if host, port, err := net.SplitHostPort(name); err == nil {
		if s.Port, err = strconv.Atoi(port); err != nil {
			return fmt.Errorf("the port of ServerName %s is not a number", name)
		}
		name = host
	}
	s.Name = name
	return nil
}

func serverAlias(_ *reader, s *Server, n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "ServerAlias www.example.com"); err != nil {
		return err
	}
	s.Aliases = append(s.Aliases, n.Args...)
	return nil
}

func documentRoot(rd *reader, s *Server, n *syntax.Node) error {
	var root string
	if err := oneArg(n, &root, "DocumentRoot /var/www/html"); err != nil {
		return err
	}
	s.DocumentRoot = rd.context(Scope{}).Absolute(root)
	return nil
}

func canonicalName(_ *reader, s *Server, n *syntax.Node) error {
	if len(n.Args) == 1 && strings.EqualFold(n.Args[0], "DNS") {
		return nil // as Off: names are not looked up
	}
	return onOff(n, &s.CanonicalName)
}

func accessFiles(_ *reader, s *Server, n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "AccessFileName .htaccess"); err != nil {
		return err
	}
	for _, name := range n.Args {
		if strings.Contains(name, "/") {
			return fmt.Errorf("AccessFileName %s: it is looked for in each folder, so it has no folder of its own", name)
		}
	}
	s.AccessFiles = n.Args
	return nil
}

func timeout(_ *reader, s *Server, n *syntax.Node) error {
	seconds, err := secondsArg(n, "Timeout 60")
	s.Timeout = seconds
	return err
}

func protocols(rd *reader, s *Server, n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "Protocols h2 http/1.1"); err != nil {
		return err
	}
	for _, p := range n.Args {
		switch p = strings.ToLower(p); p {
		case "http/1.1", "h2", "h2c":
			s.Protocols = append(s.Protocols, p)
		default:
			rd.warnf(n.Position, "Protocols %s: there is http/1.1, h2 and h2c", p)
		}
	}
	return nil
}

func oneArg(n *syntax.Node, to *string, example string) error {
	if err := directive.Args(n, 1, 1, example); err != nil {
		return err
	}
	*to = n.Args[0]
	return nil
}

func onOff(n *syntax.Node, to **bool) error {
	on, err := directive.OnOff(n)
	if err == nil {
		*to = &on
	}
	return err
}

// secondsArg takes a time as httpd does: a number of seconds, or one with a unit.
func secondsArg(n *syntax.Node, example string) (*Seconds, error) {
	if err := directive.Args(n, 1, 1, example); err != nil {
		return nil, err
	}
	text, unit := n.Args[0], 1.0
	for suffix, seconds := range map[string]float64{"ms": 0.001, "s": 1, "mi": 60, "min": 60, "h": 3600} {
		if number, ok := strings.CutSuffix(text, suffix); ok && number != "" && strings.Trim(number, "0123456789") == "" {
			text, unit = number, seconds
			break
		}
	}
	number, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("%s %s is not a time in seconds; right would be, for example: %s", n.Name, n.Args[0], example)
	}
	seconds := Seconds(float64(number) * unit)
	return &seconds, nil
}
