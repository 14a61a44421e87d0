// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sys/unix"
)

// A gateway without a free descriptor refuses further tunnels and carries on those that
// it has. Once there are some again, it takes tunnels again.
func TestDescriptorsRunOut(t *testing.T) {
	l := labPlan{
		originPort: coderOrigin(t, websocket.CompressionDisabled), global: "\tmetrics\n",
		command: []string{"prlimit", "--nofile=100:100"},
	}.start(t)
	before := l.warmUp(t)
	bystanders := l.standBy(t, 3)

	// As streams of one connection, only the origin's side of each needs a descriptor.
	way := l.ways()[2]
	httpClient := way.client(t, dialing{})
	var many []*websocket.Conn
	for {
		conn, resp, err := websocket.Dial(t.Context(), way.url+"/chat/many", &websocket.DialOptions{HTTPClient: httpClient}) //nolint:bodyclose // coder does
		if err == nil {
			t.Cleanup(func() { _ = conn.CloseNow() })
			if many = append(many, conn); len(many) > 100 {
				t.Fatal("there is no end of descriptors")
			}
			continue
		}
		if resp == nil || resp.StatusCode != http.StatusBadGateway {
			t.Fatalf("answered %v, %v", resp, err)
		}
		break
	}
	l.says(t, `"handshake refused"`, "too many open files")
	// Connections that cannot be accepted wait. Whether they get a tunnel then is open:
	// the first to come takes the last descriptor.
	waiting := make(chan error, 1)
	go func() {
		conn, resp, err := websocket.Dial(t.Context(), l.ways()[0].url+"/chat/waiting", nil) //nolint:bodyclose // coder does
		if err == nil {
			err = conn.Close(4000, "it was worth it")
		} else if resp != nil && resp.StatusCode == http.StatusBadGateway {
			err = nil
		}
		waiting <- err
	}()
	bystanders.goOn(t)
	for _, conn := range many {
		_ = conn.CloseNow()
	}
	if err := <-waiting; err != nil {
		t.Errorf("who waited for a descriptor saw %v", err)
	}
	bystanders.goOn(t)
	l.standBy(t, 1).leaveWell(t)
	bystanders.leaveWell(t)
	httpClient.CloseIdleConnections()
	l.leavesNothing(t, before)
}

// A log that cannot be written, since its disk is full, is no reason for a tunnel to end,
// or not to be opened.
func TestDiskIsFull(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	l := labPlan{
		originPort: coderOrigin(t, websocket.CompressionDisabled),
		global:     "\tmetrics\n\tlog full {\n\t\toutput file " + filepath.Join(disk, "log") + "\n\t\tlevel DEBUG\n\t}\n",
	}.start(t)
	before := l.warmUp(t)
	bystanders := l.standBy(t, 3)
	for full := false; !full; {
		l.standBy(t, 1).leaveWell(t) // which is logged
		var disks unix.Statfs_t
		if err := unix.Statfs(disk, &disks); err != nil {
			t.Fatal(err)
		}
		full = disks.Bfree == 0
	}
	l.standBy(t, 2).leaveWell(t) // there are records in the other log
	bystanders.goOn(t)
	bystanders.leaveWell(t)
	l.leavesNothing(t, before)
}

// A storage that hangs, as on a network that is gone, holds up neither tunnels nor, for
// ever, a reload. A pipe that nobody writes to is such a file.
func TestStorageHangs(t *testing.T) {
	storage := t.TempDir()
	l := labPlan{
		originPort: coderOrigin(t, websocket.CompressionDisabled), global: "\tmetrics\n\tstorage file_system " + storage + "\n",
		routes: "\t@open ws_switch chat\n\theader @open X-Open yes\n",
	}.start(t)
	bystanders := l.standBy(t, 3, "plain", "tls")
	folder := filepath.Join(storage, "ws_tunnel", "switches")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(folder, "chat.json")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	l.says(t, "cannot read switches from storage")
	l.reload(t, "linger 3s")
	l.reload(t, "linger 4s")
	bystanders.goOn(t)
	l.standBy(t, 1).leaveWell(t)
	if hanging := strings.Count(l.get(t, "/debug/pprof/goroutine?debug=2"), "wstunnel.(*storageLoad).run("); hanging != 1 {
		t.Errorf("%d calls of storage hang", hanging)
	}

	// The storage comes back. Who waits for the pipe is told nothing, and then its end.
	// A further look may come to the pipe before it is gone.
	if err := os.Rename(pipe, pipe+".old"); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(pipe+".old", os.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	out.Close()
	l.says(t, "switches can be read from storage again")
	bystanders.goOn(t)
	bystanders.leaveWell(t)
}

// A machine that was asleep finds that its clocks have jumped, and that all of its
// timers are due. That is no reason to take peers for dead which had no chance to
// answer.
func TestMachineWasAsleep(t *testing.T) {
	const beat, patience = time.Second, time.Second
	l := labPlan{
		originPort: coderOrigin(t, websocket.CompressionDisabled), global: "\tmetrics\n",
		options: "heartbeat " + beat.String() + " " + patience.String(),
	}.start(t)
	before := l.warmUp(t)
	bystanders := l.standBy(t, 2)
	// These say nothing, so that they are asked.
	var silent []*coder
	var clients []*http.Client
	for _, way := range l.ways() {
		httpClient := way.client(t, dialing{})
		clients = append(clients, httpClient)
		client := dialCoderWith(t, way.url+"/chat/silent-"+way.name, &websocket.DialOptions{HTTPClient: httpClient})
		client.CloseRead(client.patience)
		silent = append(silent, client)
	}
	for range 2 {
		for _, client := range silent {
			client.pinged(t)
		}
		signal := func(s syscall.Signal) {
			if err := l.cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		signal(syscall.SIGSTOP)
		<-time.After(2 * (beat + patience)) // what the fault is
		signal(syscall.SIGCONT)
		bystanders.goOn(t)
	}
	for _, client := range silent {
		client.pinged(t)
		if err := client.Close(4001, "good morning"); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
	for _, way := range l.ways() {
		if r := l.record(t, "/chat/silent-"+way.name); r.Reason != "client_closed" || r.ToOrigin.Code != 4001 {
			t.Errorf("the record of %s is %+v", way.name, r)
		}
	}
	bystanders.leaveWell(t)
	for _, client := range clients {
		client.CloseIdleConnections()
	}
	l.leavesNothing(t, before)
}

// pinged waits for a Ping.
func (c *coder) pinged(t *testing.T) {
	t.Helper()
	select {
	case <-c.pings:
	case <-c.patience.Done():
		t.Fatal("there comes no Ping")
	}
}
