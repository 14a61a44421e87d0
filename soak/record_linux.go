// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// record is a line of the gateway's log. Of most only the level counts.
type record struct {
	Level    string  `json:"level"`
	Logger   string  `json:"logger"`
	Message  string  `json:"msg"`
	Error    string  `json:"error"`
	ID       string  `json:"id"`
	Reason   string  `json:"reason"`
	Side     string  `json:"side"`
	Engine   string  `json:"engine"`
	Proto    string  `json:"proto"`
	Path     string  `json:"path"`
	Origin   string  `json:"origin_addr"`
	ToOrigin traffic `json:"to_origin"`
	ToClient traffic `json:"to_client"`

	number uint64 // of the tunnel, from the path
}

type traffic struct {
	Bytes     uint64 `json:"bytes"`
	Messages  uint64 `json:"messages"`
	CloseCode int    `json:"close_code"`
}

// What records say of tunnels.
const (
	tunnelEnded      = "tunnel ended"
	handshakeRefused = "handshake refused"
)

// path is what a tunnel's client asks for.
func (t *tunnel) path() string {
	return "/" + t.handler + "/" + strconv.FormatUint(t.number, 10)
}

// numberOf finds a tunnel's number in its path.
func numberOf(path string) (uint64, error) {
	number, err := strconv.ParseUint(path[strings.LastIndexByte(path, '/')+1:], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("path %q has no tunnel's number: %w", path, err)
	}
	return number, nil
}

// readLog hands every line of the gateway's log to the ledger, until there are no
// more. The gateway waits for a reader that is slow.
func readLog(log io.Reader, keep io.Writer, l *ledger) error {
	lines := bufio.NewReaderSize(log, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if _, err := keep.Write(line); err != nil {
				return fmt.Errorf("keeping the log: %w", err)
			}
			readLine(line, l)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the gateway's log: %w", err)
		}
	}
}

func readLine(line []byte, l *ledger) {
	var r record
	if err := json.Unmarshal(line, &r); err != nil {
		l.wrong("the gateway printed %.300q", line) // a panic, above all
		return
	}
	switch r.Message {
	case tunnelEnded, handshakeRefused:
		var err error
		if r.number, err = numberOf(r.Path); err != nil {
			l.wrong("a record: %w", err)
			return
		}
		l.recorded(&r)
		return
	}
	switch {
	case r.Level == "info", r.Level == "debug":
	case strings.HasPrefix(r.Logger, "http.log.error"): // refusals, which have records
	case r.Level == "warn" && everyLoad[r.Message]:
	case r.Level == "warn", graceIsOver[r.Message]:
		l.noticed(r.Logger + ": " + r.Message)
	default:
		l.wrong("the gateway logged: %.500s", bytes.TrimSpace(line))
	}
}

// graceIsOver is what Caddy logs when a connection of an old config is still there
// after the grace period. All of its tunnels have ended then, or are missed; whether
// it closes is up to the client, too: in HTTP/3 always, and in HTTP/2 if it was
// accepted just when the server was told to stop.
var graceIsOver = map[string]bool{"HTTP/3 server shutdown": true, "server shutdown": true}

// everyLoad are warnings of Caddy's that come with each config, or each end.
var everyLoad = map[string]bool{
	"HTTP/2 skipped because it requires TLS": true,
	"HTTP/3 skipped because it requires TLS": true,
	"exiting; byeee!! 👋":                     true,
}
