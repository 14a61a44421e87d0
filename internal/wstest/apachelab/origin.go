// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apachelab

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/handshake"
)

// Echo is an origin that answers with what it was asked, and takes any upgrade.
func (l *Lab) Echo(name, url string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info, err := json.Marshal(seen{name, r.RequestURI, r.Header, r.Host})
		if err != nil {
			panic(err)
		}
		path := strings.TrimPrefix(r.URL.Path, "/")
		status := 0
		if rest, ok := strings.CutPrefix(path, "status/"); ok {
			switch rest {
			case "nohead":
				panic(http.ErrAbortHandler)
			case "bad101":
				hijack(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n")
				return
			}
			status, _ = strconv.Atoi(rest)
			w.Header().Set("Location", url+"/loc/x")
			w.Header().Set("Set-Cookie", "a=b; path=/; domain=127.0.0.1")
		}
		upgrade := r.Header.Get("Upgrade")
		if status == 0 && upgrade != "" && !strings.HasPrefix(path, "noup") {
			accept := ""
			if l.accepts.Load() {
				accept = "Sec-WebSocket-Accept: " + handshake.Accept(r.Header.Get("Sec-WebSocket-Key")) + "\r\n"
			}
			hijack(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: "+upgrade+"\r\nConnection: Upgrade\r\n"+accept+"X-Info: "+base64.StdEncoding.EncodeToString(info)+"\r\n\r\n")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if status != 0 {
			w.WriteHeader(status)
		}
		_, _ = w.Write(info)
	})
}

func hijack(w http.ResponseWriter, answer string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	go func(conn net.Conn) {
		defer conn.Close()
		_, _ = conn.Write([]byte(answer))
		buf := make([]byte, 1024)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			_, _ = conn.Write(buf[:n])
		}
	}(conn)
}

// seen is what an origin was asked.
type seen struct {
	Backend string
	URI     string
	Header  http.Header
	Host    string
}
