// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apachelab

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// Ask sends a probe, and tells the answer in the lab's words: those that want has.
func (l *Lab) Ask(t *testing.T, address, probe, want string) string {
	t.Helper()
	fields := strings.Split(probe, " | ")
	kind, target, _ := strings.Cut(fields[0], " ")
	method, host, upgrade := "GET", "base.test", ""
	switch {
	case kind == "ws":
		upgrade = "websocket"
	case strings.HasPrefix(kind, "upgrade="):
		upgrade = strings.TrimPrefix(kind, "upgrade=")
	}
	var head []string
	for _, field := range fields[1:] {
		switch name, value, _ := strings.Cut(field, ": "); {
		case strings.HasPrefix(field, "method="):
			method = strings.TrimPrefix(field, "method=")
		case name == "Host":
			host = value
		case strings.HasSuffix(field, ":"): // Host: of nothing
			host = ""
		default:
			head = append(head, field)
		}
	}
	var text strings.Builder
	text.WriteString(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n")
	if upgrade != "" {
		text.WriteString("Connection: Upgrade\r\nUpgrade: " + upgrade + "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n")
	} else if !strings.Contains(strings.ToLower(strings.Join(head, "\n")), "connection:") {
		text.WriteString("Connection: close\r\n")
	}
	for _, field := range head {
		text.WriteString(field + "\r\n")
	}
	conn := wstest.Dial(t, address)
	if _, err := conn.Write([]byte(text.String() + "\r\n")); err != nil {
		t.Fatal(err)
	}
	resp, body := ReadAnswer(t, conn, method) //nolint:bodyclose // ReadAnswer does
	return l.Canonical(Tell(resp, body, want))
}

var (
	sent     = regexp.MustCompile(`(\S+)=(None|'[^']*')`)
	received = regexp.MustCompile(`\[([A-Za-z0-9-]+): ([^\]]*)\]`)
)

// Tell describes an answer, with those fields that want has.
func Tell(resp *http.Response, body []byte, want string) string {
	var told strings.Builder
	told.WriteString(strconv.Itoa(resp.StatusCode))
	if info := resp.Header.Get("X-Info"); info != "" {
		body, _ = base64.StdEncoding.DecodeString(info)
	}
	var s seen
	if json.Unmarshal(body, &s) == nil && s.Backend != "" {
		told.WriteString(" " + s.Backend + " " + s.URI)
		for _, field := range sent.FindAllStringSubmatch(want, -1) {
			value := "None"
			if field[1] == "Host" {
				value = "'" + s.Host + "'"
			} else if values := s.Header.Values(field[1]); len(values) > 0 {
				value = "'" + strings.Join(values, ", ") + "'"
			}
			told.WriteString(" " + field[1] + "=" + value)
		}
	}
	for _, field := range received.FindAllStringSubmatch(want, -1) {
		value := "None"
		if values := resp.Header.Values(field[1]); len(values) > 0 {
			value = strings.Join(values, ", ")
		}
		told.WriteString(" [" + field[1] + ": " + value + "]")
	}
	return told.String()
}

// ReadAnswer reads the answer to a request.
func ReadAnswer(t *testing.T, conn net.Conn, method string) (*http.Response, []byte) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	return resp, body
}
