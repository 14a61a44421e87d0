// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// bystanders are tunnels that talk all the time while others meet a fault, which
// must not be theirs: every message comes back as it was, in order, and at the end
// each is closed in good order.
type bystanders struct {
	name    string // what their paths begin with
	lab     *lab
	all     []*bystander
	clients []*http.Client
}

type bystander struct {
	client *coder
	path   string
	proto  string
	leave  chan struct{} // closed: it is time to
	echoed atomic.Int64  // messages
	ended  chan struct{} // closed when it has left, with err
	err    error
}

// crowds tells bystanders apart: how many there have been.
var crowds int

// standBy opens some tunnels by each way into the lab, or by those that are named.
func (l *lab) standBy(t *testing.T, each int, names ...string) *bystanders {
	t.Helper()
	crowds++
	b := &bystanders{lab: l, name: "/chat/bystander-" + strconv.Itoa(crowds)}
	for _, way := range l.ways() {
		if names != nil && !slices.Contains(names, way.name) {
			continue
		}
		client := way.client(t, dialing{})
		b.clients = append(b.clients, client)
		for n := range each {
			one := &bystander{
				path: b.name + "-" + way.name + "-" + strconv.Itoa(n), proto: way.proto,
				leave: make(chan struct{}), ended: make(chan struct{}),
			}
			one.client = dialCoderWith(t, way.url+one.path, &websocket.DialOptions{HTTPClient: client})
			b.all = append(b.all, one)
		}
	}
	for _, one := range b.all {
		go func() {
			defer close(one.ended)
			one.err = one.talk()
		}()
	}
	b.goOn(t)
	return b
}

// burst is how many messages are under way at a time.
const burst = 4

// talk sends messages and wants them back, until it is time to leave.
func (b *bystander) talk() error {
	for number := uint64(0); ; {
		sent := make([][]byte, burst)
		for i := range sent {
			sent[i] = noisy(number, 8+rand.IntN(20<<10))
			number++
		}
		written := make(chan error, 1)
		go func() {
			for _, message := range sent {
				if err := b.client.Write(b.client.patience, websocket.MessageBinary, message); err != nil {
					written <- err
					return
				}
			}
			written <- nil
		}()
		for _, want := range sent {
			_, got, err := b.client.Read(b.client.patience)
			if err != nil {
				return fmt.Errorf("after %d messages: %w", b.echoed.Load(), err)
			}
			if !bytes.Equal(got, want) {
				return fmt.Errorf("message %d of %d bytes, with checksum %08x, came back as %d bytes with %08x", b.echoed.Load(),
					len(want), crc32.ChecksumIEEE(want), len(got), crc32.ChecksumIEEE(got))
			}
			b.echoed.Add(1)
		}
		if err := <-written; err != nil {
			return err
		}
		select {
		case <-b.leave:
			return b.client.Close(4000, "it was a pleasure")
		default:
		}
	}
}

// noisy is a message that begins with its number.
func noisy(number uint64, size int) []byte {
	message := make([]byte, size)
	binary.BigEndian.PutUint64(message, number)
	for i := 8; i+8 <= len(message); i += 8 {
		binary.NativeEndian.PutUint64(message[i:], rand.Uint64())
	}
	return message
}

// goOn waits until each has had some more of its messages back.
func (b *bystanders) goOn(t *testing.T) {
	t.Helper()
	deadline := time.After(wstest.Patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for _, one := range b.all {
		for want := one.echoed.Load() + 2*burst; one.echoed.Load() < want; {
			select {
			case <-again.C:
			case <-one.ended:
				t.Fatalf("%s: %v", one.path, one.err)
			case <-deadline:
				t.Fatalf("%s gets nothing more after %d messages", one.path, one.echoed.Load())
			}
		}
	}
}

// leaveWell has all of them close their tunnels, and looks at their records. Their
// connections are closed, too.
func (b *bystanders) leaveWell(t *testing.T) {
	t.Helper()
	for _, one := range b.all {
		close(one.leave)
	}
	for _, one := range b.all {
		<-one.ended
		if one.err != nil {
			t.Errorf("%s: %v", one.path, one.err)
			continue
		}
		type flow struct {
			Messages int64
			Code     int `json:"close_code"`
		}
		var r struct {
			Reason, Proto string
			ToOrigin      flow `json:"to_origin"`
			ToClient      flow `json:"to_client"`
		}
		if err := json.Unmarshal([]byte(b.lab.says(t, `"tunnel ended"`, `"path":"`+one.path+`"`)), &r); err != nil {
			t.Fatal(err)
		}
		want := flow{one.echoed.Load(), 4000}
		if r.Reason != "client_closed" || r.Proto != one.proto || r.ToOrigin != want || r.ToClient != want {
			t.Errorf("%s had %d messages echoed, and its record is %+v", one.path, want.Messages, r)
		}
	}
	for _, client := range b.clients {
		client.CloseIdleConnections()
	}
}
