// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// step is how far a tunnel has come when a wire breaks.
type step struct {
	name      string
	direction direction
	after     int // bytes of this step
	when      moment
}

type moment int

const (
	inHandshake moment = iota
	inTunnel
	inClosing
)

// steps are those of a tunnel's way.
var steps = []step{
	{"before the request", onward, 0, inHandshake},
	{"within the request", onward, 60, inHandshake},
	{"before the answer", back, 0, inHandshake},
	{"within the answer", back, 60, inHandshake},
	{"within a message to the origin", onward, 3, inTunnel},
	{"within a message to the client", back, 3, inTunnel},
	{"within the client's Close frame", onward, 3, inClosing},
	{"before the origin's Close frame", back, 0, inClosing},
	{"within the origin's Close frame", back, 3, inClosing},
}

// victim is a tunnel of which one side's wire breaks.
type victim struct {
	path     string
	atOrigin bool // the wire is that to the origin, and not the client's
	way      string
	step     step
	how      breakage
	wire     *wire

	status int   // that the client was answered with, if it was
	err    error // that the client ended with
}

func (v *victim) String() string {
	side := "client"
	if v.atOrigin {
		side = "origin"
	}
	return fmt.Sprintf("%s: %s, %s of the %s's wire (%s)", v.path, v.step.name, v.how, side, v.way)
}

// TestCutAtEveryStep breaks tunnels at each step of their way, on either side and in
// each manner, while others talk. The gateway notices each, records why it ended, tells
// the other side, and keeps nothing.
func TestCutAtEveryStep(t *testing.T) {
	originPort := coderOrigin(t, websocket.CompressionDisabled)
	var victims []*victim
	var routes strings.Builder
	for _, step := range steps {
		for _, how := range []breakage{blackHole, reset, closed, halfClose} {
			for _, way := range new(lab).ways() {
				for _, atOrigin := range []bool{true, false} {
					if !atOrigin && way.name == "http3" { // these wires are for TCP
						continue
					}
					v := &victim{path: "/victim/" + strconv.Itoa(len(victims)), atOrigin: atOrigin, way: way.name, step: step, how: how}
					victims = append(victims, v)
					to := "127.0.0.1:" + originPort
					if atOrigin {
						v.wire = newWire(t, to)
						to = v.wire.address
					}
					// A heartbeat comes when all other bytes have gone where they go.
					fmt.Fprintf(&routes, "\tws_tunnel %s %s {\n\t\tname victims\n\t\thandshake_timeout 2s\n\t\theartbeat 4s 1s\n\t\tlinger 1s\n\t}\n", v.path, to)
				}
			}
		}
	}
	l := labPlan{
		originPort: originPort, routes: routes.String(), global: "\tmetrics\n",
		server: "\t\ttimeouts {\n\t\t\tread_header 2s\n\t\t\tidle 2s\n\t\t}\n",
	}.start(t)
	before := l.warmUp(t)
	bystanders := l.standBy(t, 3)

	var going sync.WaitGroup
	begin := make(chan struct{}, 16) // they do not all begin at once
	for _, v := range victims {
		begin <- struct{}{}
		going.Go(func() { v.run(t, l, func() { <-begin }) })
	}
	going.Wait()
	bystanders.goOn(t)
	bystanders.leaveWell(t)
	l.leavesNothing(t, before)
	records := l.ends(t)
	for _, v := range victims {
		if complaint := v.judge(records[v.path]); complaint != "" {
			t.Errorf("%s: %s; the client was answered %d and ended with %v; the gateway recorded %+v", v, complaint, v.status, v.err, records[v.path])
		}
	}
	ended, refused := 0, 0
	for _, records := range records {
		for _, r := range records {
			if r.Msg == "tunnel ended" {
				ended++
			} else {
				refused++
			}
		}
	}
	metrics := l.get(t, "/metrics")
	if counted := sum(t, metrics, "caddy_ws_tunnel_ended_total"); counted != ended {
		t.Errorf("%d tunnels are recorded as ended, and %d are counted", ended, counted)
	}
	if counted := sum(t, metrics, "caddy_ws_tunnel_refused_total"); counted != refused {
		t.Errorf("%d handshakes are recorded as refused, and %d are counted", refused, counted)
	}
}

// end is how the gateway says that a tunnel, or a try at one, is over.
type end struct{ Msg, Path, Reason, Side string }

// ends are all that there have been, by path.
func (l *lab) ends(t *testing.T) map[string][]end {
	t.Helper()
	ends := make(map[string][]end)
	for line := range strings.Lines(l.said()) {
		if !strings.Contains(line, `"tunnel ended"`) && !strings.Contains(line, `"handshake refused"`) {
			continue
		}
		var e end
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		ends[e.Path] = append(ends[e.Path], e)
	}
	return ends
}

// run goes the tunnel's way until it breaks. It calls opened when it has come through
// the handshake, or not.
func (v *victim) run(t *testing.T, l *lab, opened func()) {
	way := l.ways()[slices.IndexFunc(l.ways(), func(w way) bool { return w.name == v.way })]
	arm := func() { v.wire.cutAt(cut{v.step.direction, v.step.after, v.how}) }
	var how dialing
	if !v.atOrigin {
		_, address, _ := strings.Cut(way.url, "://")
		v.wire = newWire(t, strings.Replace(address, "localhost", "127.0.0.1", 1))
		how.address = v.wire.address
	}
	switch {
	case v.step.when != inHandshake:
	case v.atOrigin:
		arm()
	default:
		how.dialed = arm
	}
	ctx, leave := context.WithTimeout(t.Context(), wstest.Patience)
	defer leave()
	opened = sync.OnceFunc(opened)
	defer opened()
	go func() {
		select {
		case <-v.wire.broken:
		case <-ctx.Done():
		}
		opened()
	}()
	if !v.atOrigin && v.how == blackHole { // the client is not told: it leaves, and nobody is told that, either
		go func() {
			<-v.wire.broken
			leave()
		}()
	}
	conn, resp, err := websocket.Dial(ctx, way.url+v.path, &websocket.DialOptions{HTTPClient: way.client(t, how)}) //nolint:bodyclose // coder does
	if resp != nil {
		v.status = resp.StatusCode
	}
	if err != nil {
		v.err = err
		return
	}
	defer conn.CloseNow()
	opened()
	talk := func() error {
		if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
			return err
		}
		_, _, err := conn.Read(ctx)
		return err
	}
	if v.step.when != inHandshake {
		if err := talk(); err != nil {
			t.Errorf("%s: before anything breaks: %v", v, err)
			return
		}
		arm()
	}
	if v.step.when == inClosing {
		v.err = conn.Close(4000, "done here")
		return
	}
	v.err = talk()
}

// judge returns what is wrong with how the tunnel ended.
func (v *victim) judge(records []end) string {
	if errors.Is(v.err, context.DeadlineExceeded) && (v.atOrigin || v.how != blackHole) {
		return "the client was left hanging"
	}
	if len(records) > 1 {
		return "it is recorded more than once"
	}
	var got end
	if len(records) == 1 {
		got = records[0]
		got.Path = ""
	}
	ended := func(reason, side string) end { return end{Msg: "tunnel ended", Reason: reason, Side: side} }
	refused := func(reason string) end { return end{Msg: "handshake refused", Reason: reason} }
	side := "client"
	if v.atOrigin {
		side = "origin"
	}
	gone := ended(side+"_gone", side)
	if v.how == blackHole {
		gone = ended("heartbeat_timeout", side)
	}

	var want []end
	status := []int{http.StatusSwitchingProtocols}
	switch {
	case v.step.when == inHandshake && v.atOrigin && v.how == blackHole:
		want, status = []end{refused("no_answer")}, []int{http.StatusGatewayTimeout}
	case v.step.when == inHandshake && v.atOrigin && v.step.name == "within the request" && v.how == halfClose: // the origin can still answer
		want, status = []end{refused("origin_refused"), refused("origin_hung_up")}, []int{http.StatusBadRequest, http.StatusBadGateway}
	case v.step.when == inHandshake && v.atOrigin:
		want, status = []end{refused("no_answer"), refused("origin_hung_up")}, []int{http.StatusBadGateway}
	case v.step.when == inHandshake && v.step.direction == onward: // nobody asked for a tunnel
		want, status = []end{{}}, []int{0, http.StatusBadRequest}
	case v.step.when == inHandshake: // before TLS was there, or when the gateway had answered
		want, status = []end{{}, gone, refused("client_left")}, []int{0}
	case v.step.when == inTunnel:
		want = []end{gone}
	case v.step.name == "within the client's Close frame" && !v.atOrigin:
		want = []end{gone}
	default:
		want = []end{ended("client_closed", "client")}
		if v.way == "http2" && !v.atOrigin { // other frames come back, too, and a wire may break early
			want = append(want, gone)
		}
	}
	switch {
	case !slices.Contains(want, got):
		return fmt.Sprintf("it should have ended as one of %+v", want)
	case !slices.Contains(status, v.status):
		return fmt.Sprintf("the status should have been one of %v", status)
	case v.atOrigin && v.step.name == "within a message to the origin" && v.how == blackHole && websocket.CloseStatus(v.err) != websocket.StatusGoingAway:
		return "the client should have been told 1001"
	}
	return ""
}
