// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"encoding"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Params are the parameters of a worker. In JSON they are the text they were
// written as, "upgrade=websocket timeout=60", since that is what people know.
type Params struct {
	text string

	Timeout           time.Duration // between two reads; 0: ProxyTimeout or Timeout
	ConnectionTimeout time.Duration // 0: as Timeout
	Ping              time.Duration // wait for 100 Continue before a body is sent
	Upgrade           []string      // protocols, "*" for any
	ResponseFieldSize int           // of one header field of an answer; 0: 8192
	DisableReuse      bool          // of connections
	Max               int           // connections; 0: any number
	FlushPackets      string        // on, off, auto; empty: off
	Secret            string        // of AJP

	// Those of members of a balancer. Retry is nil if it is httpd's 60 seconds.
	Route      string
	Redirect   string         // the route that takes over
	LoadFactor float64        // 0: 1
	LBSet      int            // the lower are used first
	Retry      *time.Duration // out for so long after a failure
	Status     string         // as written: +H, D, ...
}

// String returns the parameters as they were written.
func (p Params) String() string { return p.text }

// MarshalText returns the parameters as they were written.
func (p Params) MarshalText() ([]byte, error) { return []byte(p.text), nil }

// UnmarshalText reads parameters with spaces between them.
func (p *Params) UnmarshalText(text []byte) error {
	*p = Params{}
	return p.set(strings.Fields(string(text)))
}

// set takes parameters of the form name=value.
func (p *Params) set(params []string) error {
	for _, param := range params {
		name, value, ok := strings.Cut(param, "=")
		if !ok {
			return notParam(param)
		}
		if strings.ContainsAny(value, " \t") && !strings.EqualFold(name, "upgrade") {
			return fmt.Errorf("%q has a space in it", param)
		}
		if err := p.setOne(strings.ToLower(name), value); err != nil {
			return fmt.Errorf("%s: %w", param, err)
		}
		p.text = strings.TrimSpace(p.text + " " + oneWord(param))
	}
	return nil
}

// oneWord is a parameter as it is read again: upgrade="websocket, foo" may have
// spaces, and commas do as well.
func oneWord(param string) string {
	return strings.Join(strings.FieldsFunc(param, func(c rune) bool { return c == ' ' || c == '\t' || c == ',' }), ",")
}

// notParam is about a parameter without a value.
func notParam(param string) error {
	if strings.HasPrefix(param, "#") {
		return fmt.Errorf("%s is no comment here; a # begins one at the start of a line only", param)
	}
	return fmt.Errorf("%q is not of the form name=value", param)
}

func (p *Params) setOne(name, value string) (err error) {
	switch name {
	case "timeout":
		p.Timeout, err = seconds(value, 1)
	case "connectiontimeout":
		p.ConnectionTimeout, err = duration(value, time.Second)
	case "ping":
		p.Ping, err = duration(value, time.Second)
	case "upgrade":
		if len(value) > 15 {
			err = errors.New("has to have fewer than 16 characters, or be ANY")
		}
		p.Upgrade = protocols(value)
	case "responsefieldsize":
		p.ResponseFieldSize, err = number(value, 0, maxNumber)
	case "disablereuse":
		p.DisableReuse, err = onOff(value)
	case "enablereuse":
		p.DisableReuse, err = onOff(value)
		p.DisableReuse = !p.DisableReuse
	case "max":
		p.Max, err = number(value, 0, maxNumber)
	case "flushpackets":
		p.FlushPackets = strings.ToLower(value)
		if p.FlushPackets != "on" && p.FlushPackets != "off" && p.FlushPackets != "auto" {
			err = errors.New("has to be on, off or auto")
		}
	case "secret":
		p.Secret = value
	case "route":
		p.Route, err = short(value)
	case "redirect":
		p.Redirect, err = short(value)
	case "loadfactor":
		p.LoadFactor, err = strconv.ParseFloat(value, 64)
		if err != nil || !(p.LoadFactor >= 1 && p.LoadFactor <= 100) {
			err = errors.New("has to be a number from 1 to 100")
		}
	case "lbset":
		p.LBSet, err = number(value, 0, 99)
	case "retry":
		var d time.Duration
		d, err = seconds(value, 0)
		p.Retry = &d
	case "status":
		p.Status, err = workerStatus(value)
	default:
		return p.setPool(name, value)
	}
	return err
}

// setPool checks parameters of httpd's pool of connections, which have no use
// here.
func (p *Params) setPool(name, value string) (err error) {
	switch name {
	case "min", "smax":
		_, err = number(value, 0, maxNumber)
	case "ttl":
		_, err = number(value, 1, maxNumber)
	case "iobuffersize", "receivebuffersize":
		var n int
		if n, err = number(value, 0, maxNumber); err == nil && n != 0 && n < 512 {
			err = errors.New("has to be 0 or at least 512")
		}
	case "flushwait":
		_, err = number(value, 0, 1000)
	case "acquire":
		_, err = duration(value, time.Millisecond)
	case "addressttl":
		var d time.Duration
		if value == "-1" {
			return nil
		}
		if d, err = duration(value, time.Second); err == nil && d%time.Second != 0 {
			err = errors.New("has to be whole seconds")
		}
	case "keepalive":
		_, err = onOff(value)
	case "flusher":
	case "hcmethod", "hcpasses", "hcfails", "hcinterval", "hcuri", "hcexpr", "hctemplate":
		err = errors.New("health checks (mod_proxy_hcheck) are not supported; without them, members that do not answer are passed over")
	default:
		err = errors.New("unknown parameter of a worker")
	}
	return err
}

const maxNumber = 1<<31 - 1

// number reads the digits that a text begins with, as httpd does.
func number(text string, least, most int) (int, error) {
	end := 0
	for end < len(text) && '0' <= text[end] && text[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(text[:end])
	if err != nil || n < least || n > most {
		if most == maxNumber {
			return 0, fmt.Errorf("has to be a number, at least %d", least)
		}
		return 0, fmt.Errorf("has to be a number from %d to %d", least, most)
	}
	return n, nil
}

func seconds(text string, least int) (time.Duration, error) {
	n, err := number(text, least, maxNumber)
	return time.Duration(n) * time.Second, err
}

// duration reads a number with one of httpd's units behind it, or none.
func duration(text string, unit time.Duration) (time.Duration, error) {
	end := strings.IndexFunc(text, func(c rune) bool { return c < '0' || c > '9' })
	if end < 0 {
		end = len(text)
	}
	n, err := strconv.ParseInt(text[:end], 10, 32)
	if err != nil {
		return 0, errors.New("has to be a time, such as 5, 300ms or 1min")
	}
	switch suffix := strings.ToLower(text[end:]); {
	case suffix == "":
	case strings.HasPrefix(suffix, "ms"):
		unit = time.Millisecond
	case strings.HasPrefix(suffix, "mi"):
		unit = time.Minute
	case strings.HasPrefix(suffix, "s"):
		unit = time.Second
	case strings.HasPrefix(suffix, "h"):
		unit = time.Hour
	default:
		return 0, fmt.Errorf("%s is not a unit of time: ms, s, mi and h are", suffix)
	}
	if n == 0 {
		return 0, errors.New("has to be at least one millisecond")
	}
	return time.Duration(n) * unit, nil
}

func protocols(text string) []string {
	if strings.EqualFold(text, "any") {
		return []string{"*"}
	}
	// Quotation marks within a word are a part of it, and do no harm here (lab case E7).
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' || c == '"' })
}

// short bounds what httpd has room for in a route.
func short(text string) (string, error) {
	if len(text) > 63 {
		return "", errors.New("has to have fewer than 64 characters")
	}
	return text, nil
}

// workerStatus checks letters of status, each with + or - or nothing before it.
func workerStatus(text string) (string, error) {
	for rest := strings.ToUpper(text); rest != ""; rest = rest[1:] {
		if rest[0] == '+' || rest[0] == '-' {
			rest = rest[1:]
		}
		if rest == "" || !strings.Contains("DSIHRENC", rest[:1]) {
			return "", errors.New("has to be letters of D, S, I, H, R, E, N and C, each with + or - before it or without")
		}
	}
	return text, nil
}

func onOff(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	return false, errors.New("has to be On or Off")
}

// Interface guards
var (
	_ encoding.TextMarshaler   = Params{}
	_ encoding.TextUnmarshaler = (*Params)(nil)
	_ fmt.Stringer             = Params{}
)
