// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// haproxyStreams gives WebSockets of HTTP/1.1 on as streams of HTTP/2 (RFC 8441).
const haproxyStreams = `
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
	timeout tunnel 1m
frontend in
	bind 127.0.0.1:FRONT
	default_backend gateway
backend gateway
	server gateway 127.0.0.1:BACK ssl verify none sni str(localhost) alpn h2,http/1.1 ws h2
`

// TestHAProxyOpensStreams has clients of HTTP/1.1 come over HTTP/2, with HAProxy in
// between.
func TestHAProxyOpensStreams(t *testing.T) {
	l := startLab(t, "")
	front := wstest.FreePort(t)
	_, back, _ := strings.Cut(l.http2, ":")
	startHAProxy(t, haproxyStreams, map[string]string{"FRONT": front, "BACK": back})

	// The client sends all kinds of messages, and compresses.
	client := node(t, "client.cjs", "ws://localhost:"+front+"/chat/npm", "true", "4006")
	client.succeeds(t)
	var saw struct {
		Code       int
		Protocol   string
		Extensions string
	}
	if err := json.Unmarshal([]byte(client.said()), &saw); err != nil {
		t.Fatalf("the client said %q: %v", client.said(), err)
	}
	if saw.Code != 4006 || saw.Protocol != "first" || saw.Extensions != "permessage-deflate" {
		t.Errorf("the client saw %+v", saw)
	}
	wantStream := func(path string, code int) {
		t.Helper()
		l.origin.says(t, `"closed":"`+path+`"`, `"code":`+strconv.Itoa(code)+",")
		if r := l.record(t, path); r.Proto != "HTTP/2.0" || r.Reason != "client_closed" || r.ToOrigin.Code != code || r.ToClient.Code != code {
			t.Errorf("the record of %s is %+v", path, r)
		}
	}
	wantStream("/chat/npm", 4006)

	const clients = 50
	var visits sync.WaitGroup
	for n := range clients {
		client := dialCoder(t, "ws://localhost:"+front+"/chat/"+strconv.Itoa(n))
		visits.Go(func() {
			message := []byte(strings.Repeat("message of "+strconv.Itoa(n)+" ", 10_000))
			if err := client.Write(client.patience, websocket.MessageText, message); err != nil {
				t.Error(err)
			} else if _, got, err := client.Read(client.patience); err != nil || string(got) != string(message) {
				t.Errorf("client %d got %d of %d bytes: %v", n, len(got), len(message), err)
			}
			if err := client.Close(websocket.StatusCode(4000+n), "done here"); err != nil {
				t.Errorf("client %d is not closed well: %v", n, err)
			}
		})
	}
	visits.Wait()
	for n := range clients {
		wantStream("/chat/"+strconv.Itoa(n), 4000+n)
	}
}
