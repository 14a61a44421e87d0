// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// own reads the directives that have no package of their own.
func (d *Dir) own(rd *reader, ctx *directive.Context, n *syntax.Node) error {
	switch strings.ToLower(n.Name) {
	case "proxypreservehost":
		return onOff(n, &lazy(&d.Proxy).PreserveHost)
	case "proxyaddheaders":
		return onOff(n, &lazy(&d.Proxy).AddHeaders)
	case "proxyvia":
		return d.via(n)
	case "proxytimeout":
		seconds, err := secondsArg(n, "ProxyTimeout 60")
		lazy(&d.Proxy).Timeout = seconds
		return err
	case "proxywebsocketidletimeout":
		seconds, err := secondsArg(n, "ProxyWebsocketIdleTimeout 60")
		lazy(&d.Proxy).IdleTimeout = seconds
		return err
	case "proxyerroroverride":
		return d.errorOverride(n)
	case "proxyrequests":
		return mustBe(n, false)
	case "proxypassinherit":
		return mustBe(n, true)
	case "proxysourceaddress":
		return oneArg(n, &lazy(&d.Proxy).SourceAddress, "ProxySourceAddress 192.0.2.1")
	case "proxymaxforwards":
		return d.maxForwards(n)
	case "errordocument":
		return d.errorDocument(n)
	case "limitrequestbody":
		return d.limitRequestBody(n)
	case "sethandler":
		return lazy(&d.Files).setHandler(rd, n)
	case "addhandler":
		return lazy(&d.Files).addHandler(rd, n)
	case "removehandler":
		return lazy(&d.Files).removeHandler(n)
	case "setoutputfilter", "addoutputfilterbytype":
		return acceptFilter(rd, n)
	case "secruleengine":
		return secRuleEngine(n)
	}
	return d.file(n)
}

func (d *Dir) via(n *syntax.Node) error {
	var value string
	if err := oneArg(n, &value, "ProxyVia On"); err != nil {
		return err
	}
	switch value = strings.ToLower(value); value {
	case "on", "off", "full", "block":
		lazy(&d.Proxy).Via = value
		return nil
	}
	return fmt.Errorf("ProxyVia is On, Off, Full or Block, not %q", n.Args[0])
}

func (d *Dir) errorOverride(n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, "ProxyErrorOverride On"); err != nil {
		return err
	}
	on := strings.EqualFold(n.Args[0], "on")
	p := lazy(&d.Proxy)
	switch {
	case !on && !strings.EqualFold(n.Args[0], "off"):
		return fmt.Errorf("ProxyErrorOverride is On or Off, not %q", n.Args[0])
	case !on:
		p.ErrorOverride = []int{}
	case len(n.Args) == 1:
		p.ErrorOverride = []int{0}
	default:
		p.ErrorOverride = nil
		for _, text := range n.Args[1:] {
			status, err := strconv.Atoi(text)
			if err != nil || status < 400 || status > 599 {
				return fmt.Errorf("ProxyErrorOverride %s: that is not the status of an error", text)
			}
			p.ErrorOverride = append(p.ErrorOverride, status)
		}
	}
	return nil
}

func (d *Dir) errorDocument(n *syntax.Node) error {
	if err := directive.Args(n, 2, 2, `ErrorDocument 503 "Back in a minute."`); err != nil {
		return err
	}
	status, err := strconv.Atoi(n.Args[0])
	if err != nil || status < 400 || status > 599 {
		return fmt.Errorf("ErrorDocument %s: that is not the status of an error, which is from 400 to 599", n.Args[0])
	}
	if d.ErrorDocuments == nil {
		d.ErrorDocuments = make(map[int]ErrorDocument)
	}
	var doc ErrorDocument
	switch value := n.Args[1]; {
	case strings.EqualFold(value, "default"):
		doc.Default = true
	case strings.HasPrefix(value, "/"):
		doc.Path = value
	case strings.HasPrefix(value, "http://"), strings.HasPrefix(value, "https://"):
		doc.URL = value
	default:
		doc.Text = strings.TrimPrefix(value, `"`) // httpd 1.3's way to write a text
	}
	d.ErrorDocuments[status] = doc
	return nil
}

func (d *Dir) limitRequestBody(n *syntax.Node) error {
	if err := directive.Args(n, 1, 1, "LimitRequestBody 10485760"); err != nil {
		return err
	}
	limit, err := strconv.ParseInt(n.Args[0], 10, 64)
	if err != nil || limit < 0 {
		return fmt.Errorf("LimitRequestBody %s is not a number of bytes", n.Args[0])
	}
	d.LimitRequestBody = &limit
	return nil
}

// maxForwards takes a number, of which one below zero means none.
func (d *Dir) maxForwards(n *syntax.Node) error {
	var value string
	if err := oneArg(n, &value, "ProxyMaxForwards 10"); err != nil {
		return err
	}
	number, err := strconv.Atoi(value)
	if err != nil {
		return fmt.Errorf("ProxyMaxForwards %s: it has to be a number", value)
	}
	lazy(&d.Proxy).MaxForwards = number
	return nil
}

// secRuleEngine takes ModSecurity where it keeps nobody out.
func secRuleEngine(n *syntax.Node) error {
	var value string
	if err := oneArg(n, &value, "SecRuleEngine Off"); err != nil {
		return err
	}
	if strings.EqualFold(value, "off") || strings.EqualFold(value, "detectiononly") {
		return nil
	}
	return fmt.Errorf("SecRuleEngine %s restricts access, and is not supported; the Coraza plugin of Caddy has such rules", value)
}

// acceptFilter takes the filters whose absence no client has to notice.
func acceptFilter(rd *reader, n *syntax.Node) error {
	if err := directive.Args(n, 1, -1, n.Name+" DEFLATE"); err != nil {
		return err
	}
	for filter := range strings.SplitSeq(n.Args[0], ";") {
		switch strings.ToUpper(filter) {
		case "DEFLATE", "BROTLI_COMPRESS", "NONE":
			rd.warnf(n.Position, "%s %s: answers are not compressed here; Caddy's encode does that", n.Name, filter)
		case "RATE_LIMIT":
			rd.warnf(n.Position, "%s %s has no effect: httpd limits the kilobytes a second of a download with it, and not those of a tunnel; ws_tunnel's byte_rate does", n.Name, filter)
		default:
			return fmt.Errorf("there is no filter %s", filter)
		}
	}
	return nil
}

// mustBe refuses a switch whose other position is not there.
func mustBe(n *syntax.Node, want bool) error {
	on, err := directive.OnOff(n)
	if err == nil && on != want {
		err = fmt.Errorf("%s %s is not supported", n.Name, n.Args[0])
		if strings.EqualFold(n.Name, "ProxyRequests") {
			err = fmt.Errorf("ProxyRequests On makes this a proxy to anywhere, for anyone; a reverse proxy does not need it: ProxyRequests Off")
		}
	}
	return err
}
