// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bytes"
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// program is a real one, running until its test is over.
type program struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}

	mu     sync.Mutex // guards all below
	output bytes.Buffer
	more   chan struct{} // closed when there is more output
}

// start runs a program in dir. What it said is printed if the test fails.
func start(t *testing.T, dir string, env []string, name string, args ...string) *program {
	t.Helper()
	p := &program{name: name, cmd: exec.Command(name, args...), ended: make(chan struct{}), more: make(chan struct{})}
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if _, err := p.cmd.StdinPipe(); err != nil { // open: some end with their input
		t.Fatal(err)
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its children end with it
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("%s has to be installed: %v", name, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
		if t.Failed() {
			t.Logf("%s %s said:\n%s", name, strings.Join(args, " "), p.said())
		}
	})
	return p
}

// Write takes output.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.output.Write(b)
	close(p.more)
	p.more = make(chan struct{})
	return len(b), nil
}

func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// says waits for a line of output that holds all of texts, and returns it.
func (p *program) says(t *testing.T, texts ...string) string {
	t.Helper()
	timeout := time.After(wstest.Patience)
	for ended := false; ; {
		p.mu.Lock()
		said, more := p.output.String(), p.more
		p.mu.Unlock()
		for line := range strings.Lines(said) {
			if containsAll(line, texts) {
				return line
			}
		}
		if ended {
			t.Fatalf("%s ended without saying %q", p.name, texts)
		}
		select {
		case <-more:
		case <-p.ended:
			ended = true // what it said last is still to be looked at
		case <-timeout:
			t.Fatalf("%s does not say %q", p.name, texts)
		}
	}
}

func containsAll(line string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(line, text) {
			return false
		}
	}
	return true
}

// wait waits for the program's end and returns what it said.
func (p *program) wait(t *testing.T) string {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(wstest.Patience):
		t.Fatalf("%s does not end", p.name)
	}
	return p.said()
}

// succeeds waits for the program's end and wants it to be a good one.
func (p *program) succeeds(t *testing.T) {
	t.Helper()
	p.wait(t)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("%s ended with code %d", p.name, code)
	}
}

// terminate asks the program to end, as systemd does.
func (p *program) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// listens waits until something accepts connections on a port, and over TLS if
// the config is not nil.
func (p *program) listens(t *testing.T, port string, config *tls.Config) {
	t.Helper()
	timeout := time.After(wstest.Patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil && config != nil {
			conn = tls.Client(conn, config)
			err = conn.(*tls.Conn).Handshake()
		}
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-again.C:
		case <-p.ended:
			t.Fatalf("%s ended before it listened on port %s", p.name, port)
		case <-timeout:
			t.Fatalf("%s does not listen on port %s: %v", p.name, port, err)
		}
	}
}
