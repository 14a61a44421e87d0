// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Command gorilla is a client and an echo server made with
// github.com/gorilla/websocket. They print what they saw as lines of JSON.
//
//	gorilla serve <port>
//	gorilla visit <url> <code to close with>
package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/gorilla/websocket"
)

func main() {
	log.SetFlags(0)
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[2], http.HandlerFunc(echo))) //nolint:gosec // for a test
	case len(os.Args) == 4 && os.Args[1] == "visit":
		if err := visit(os.Args[2], os.Args[3]); err != nil {
			log.Fatal(err)
		}
	default:
		log.Fatal("gorilla serve <port> | visit <url> <code>")
	}
}

func print(event any) { _ = json.NewEncoder(os.Stdout).Encode(event) }

var upgrader = websocket.Upgrader{Subprotocols: []string{"first"}, EnableCompression: true, CheckOrigin: func(*http.Request) bool { return true }}

// echo serves one connection. It answers each message in two fragments.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		print(map[string]any{"refused": r.URL.Path, "error": err.Error()})
		return
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) { // gorilla has answered
			print(map[string]any{"closed": r.URL.Path, "code": closed.Code, "reason": closed.Text})
			return
		}
		if err == nil {
			err = answer(conn, kind, message)
		}
		if err != nil {
			print(map[string]any{"closed": r.URL.Path, "code": 1006, "reason": err.Error()})
			return
		}
	}
}

func answer(conn *websocket.Conn, kind int, message []byte) error {
	out, err := conn.NextWriter(kind)
	if err != nil {
		return err
	}
	for _, part := range [][]byte{message[:len(message)/2], message[len(message)/2:]} {
		if _, err := out.Write(part); err != nil {
			return err
		}
	}
	return out.Close()
}

// visit sends messages of many sizes and a Ping, wants them back, and closes.
func visit(url, code string) error {
	number, err := strconv.Atoi(code)
	if err != nil {
		return err
	}
	dialer := websocket.Dialer{Subprotocols: []string{"second", "first"}, EnableCompression: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	conn, resp, err := dialer.Dial(url, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	pongs := 0
	conn.SetPongHandler(func(string) error {
		pongs++
		return nil
	})
	if err := conn.WriteMessage(websocket.PingMessage, []byte("are you there?")); err != nil {
		return err
	}
	for i, size := range []int{0, 1, 125, 126, 65535, 65536, 4 << 20} {
		kind, message := websocket.BinaryMessage, make([]byte, size)
		if rand.Read(message); i%2 == 1 {
			kind, message = websocket.TextMessage, []byte(strings.Repeat("ů", size/2))
		}
		sent := make(chan error, 1)
		go func() { sent <- conn.WriteMessage(kind, message) }()
		gotKind, got, err := conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", size, err)
		}
		if err := <-sent; err != nil {
			return err
		}
		if gotKind != kind || !bytes.Equal(got, message) {
			return fmt.Errorf("%d bytes came back as %d", len(message), len(got))
		}
	}
	if err := conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(number, "done here")); err != nil {
		return err
	}
	_, _, err = conn.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) {
		return fmt.Errorf("the Close frame was not answered: %w", err)
	}
	print(map[string]any{
		"code": closed.Code, "protocol": conn.Subprotocol(), "pongs": pongs,
		"extensions": resp.Header.Get("Sec-WebSocket-Extensions"),
	})
	return nil
}
