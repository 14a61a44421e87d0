// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
)

// traceTruth has what is hard to follow: routes that exclude each other, captures,
// named routes, errors of errors, and handlers that change the request.
const traceTruth = `
&(named) {
	@deeper path /named/deeper
	rewrite @deeper /deepest
	ws_tunnel /deepest ORIGIN0
}

&(loop) {
	invoke loop
}

http://site.test {
	@odd header_regexp odd X-Odd (a+)
	@either expression websocket() && header({'X-Either': 'yes'}) || path('/either/*')
	handle_path /strip/* {
		route {
			ws_tunnel /inside ORIGIN0
			respond 404
		}
	}
	handle @odd {
		rewrite * /{re.odd.1}
		route {
			ws_tunnel /aa ORIGIN1
			error "odd" 418
		}
	}
	handle @either {
		@not not path /either/never
		ws_tunnel @not ORIGIN0
	}
	handle /named* {
		invoke named
	}
	handle /again {
		error 400
	}
	handle /twice {
		error 401
	}
	handle /status {
		respond 599
	}
	handle /loop {
		respond 508
	}
	handle_errors 400 {
		ws_tunnel /again ORIGIN1
	}
	handle_errors 401 {
		error 402
	}
	handle_errors 418 {
		respond "{err.message}" 419
	}
}
`

// The gateway does what a trace says.
func TestTraceIsTrue(t *testing.T) {
	addresses := several(t, 2)
	traceSites(t, strings.NewReplacer("ORIGIN0", addresses[0], "ORIGIN1", addresses[1]).Replace(traceTruth))
	gateway, err := serverAddress()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ path, name, value string }{
		{"/strip/inside", "", ""},
		{"/strip/inside/x", "", ""},
		{"/inside", "", ""},
		{"/x", "X-Odd", "baab"},
		{"/strip/inside", "X-Odd", "aa"},
		{"/x", "X-Odd", "a"},
		{"/x", "X-Either", "yes"},
		{"/either/x", "", ""},
		{"/either/never", "", ""},
		{"/either/never", "X-Either", "yes"},
		{"/named/deeper", "", ""},
		{"/named", "", ""},
		{"/deepest", "", ""},
		{"/again", "", ""},
		{"/twice", "", ""},
		{"/status", "", ""},
		{"/none", "", ""},
		{"/again", "Sec-WebSocket-Protocol", "a"},
		{"/%61gain", "", ""},
		{"//again", "", ""},
		{"/again?x=/y", "", ""},
		{"/again", "X-Odd", "b"},
		{"/inside", "Upgrade-Insecure-Requests", "1"},
	} {
		c, err := net.Dial("tcp", gateway)
		if err != nil {
			t.Fatal(err)
		}
		p, fields, headers := newPeer(t, c), "", map[string]string{}
		if tc.name != "" {
			fields, headers[tc.name] = tc.name+": "+tc.value+"\r\n", tc.value
		}
		p.send(handshakeOf(tc.path, fields))
		resp := p.readAnswer()
		p.Close()

		body, err := json.Marshal(map[string]any{"url": "ws://site.test" + tc.path, "headers": headers})
		if err != nil {
			t.Fatal(err)
		}
		result := traceOf(t, string(body))
		origin := ""
		if rule := result.taken(); rule != nil {
			origin = map[string]string{"ws://" + addresses[0]: "0", "ws://" + addresses[1]: "1"}[rule.Parameter.Origin.Address]
		}
		if result.StatusCode != resp.StatusCode || origin != resp.Header.Get("X-Origin") {
			t.Errorf("%v: answered %d by origin %q, traced %d and %q:\n%s", tc, resp.StatusCode, resp.Header.Get("X-Origin"), result.StatusCode, origin, result.tree())
		}
	}
	nothingLeft(t)
}

// Named routes that invoke each other would have no end.
func TestTraceLoop(t *testing.T) {
	traceSites(t, strings.NewReplacer("ORIGIN0", "localhost:1", "ORIGIN1", "localhost:1", "respond 508", "invoke loop").Replace(traceTruth))
	result := traceOf(t, `{"url": "ws://site.test/loop"}`)
	if tree := result.tree(); result.StatusCode != 500 || !strings.Contains(tree, "without end") {
		t.Error(tree)
	}
}
