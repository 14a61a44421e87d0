// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/frame"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// TestShutdownWaits has the gateway end only after its tunnels, one of which
// takes its time to answer the Close frame.
func TestShutdownWaits(t *testing.T) {
	const others = 5
	l := startLab(t, "drain 1s\n\t\tlinger 1m")
	slow := dialCoder(t, "ws://"+l.http+"/chat/slow") // reads nothing for now
	var visits []visit
	for i := range others {
		visits = append(visits, visitWithCoder(t, "ws://"+l.http+"/chat/"+strconv.Itoa(i), 0))
	}
	l.says(t, `"tunnel opened"`, `"path":"/chat/`+strconv.Itoa(others-1)+`"`)
	l.terminate(t)
	l.says(t, `"draining tunnels"`)
	for i, v := range visits {
		if saw := v.ended(); saw != (ending{1001, true}) {
			t.Errorf("client %d saw %+v", i, saw)
		}
	}
	l.says(t, `"drained tunnels"`)
	select {
	case <-l.ended:
		t.Error("the gateway has not waited for the last tunnel")
	default:
	}
	if saw := slow.end(); saw != (ending{1001, true}) {
		t.Errorf("the slow client saw %+v", saw)
	}
	l.succeeds(t)
	for _, path := range []string{"/chat/slow", "/chat/0", "/chat/" + strconv.Itoa(others-1)} {
		// What the client answered is in the record: the gateway was still there.
		if r := l.record(t, path); r.Reason != "shutdown" || r.ToClient.Code != 1001 || r.ToOrigin.Code != 1001 {
			t.Errorf("the record of %s is %+v", path, r)
		}
	}
}

// TestShutdownDuringHandshakes has an origin answer when the gateway is already
// ending. Tunnels are closed as all others are, or not opened.
func TestShutdownDuringHandshakes(t *testing.T) {
	const clients = 50
	asked, answer := make(chan struct{}, clients), make(chan struct{})
	origin := wstest.Listen(t)
	wstest.Serve(t, origin, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		r, err := http.ReadRequest(in)
		if err != nil {
			t.Error(err)
			return
		}
		asked <- struct{}{}
		<-answer
		_, _ = io.WriteString(conn, wstest.Switch(r.Header.Get("Sec-WebSocket-Key"), ""))
		if f, err := frame.Read(in, 1000); err == nil {
			_, _ = conn.Write(f.Append(nil))
		}
	})
	port := wstest.FreePort(t)
	gateway := startCaddy(t, "", "http://localhost:"+port+" {\n\tbind 127.0.0.1\n\tws_tunnel "+origin.Addr().String()+"\n}\n")
	gateway.listens(t, port, nil)

	saw := make([]chan ending, clients)
	for i := range saw {
		saw[i] = make(chan ending, 1)
		go func() {
			conn, resp, err := websocket.Dial(t.Context(), "ws://localhost:"+port+"/"+strconv.Itoa(i), nil)
			switch {
			case err == nil:
				saw[i] <- (&coder{Conn: conn, patience: t.Context()}).end()
			case resp != nil:
				saw[i] <- ending{Code: resp.StatusCode}
			default:
				t.Error(err)
				saw[i] <- ending{}
			}
		}()
		<-asked
	}
	gateway.terminate(t)
	gateway.says(t, `"invoking subscribed handler"`, `"name":"stopping"`)
	close(answer)
	gateway.succeeds(t)
	for i := range saw {
		record := "tunnel ended"
		switch got := <-saw[i]; got {
		case ending{1001, true}:
		case ending{Code: http.StatusServiceUnavailable}:
			record = "handshake refused"
		default:
			t.Errorf("client %d saw %+v", i, got)
			continue
		}
		gateway.says(t, `"`+record+`"`, `"path":"/`+strconv.Itoa(i)+`"`)
	}
}
