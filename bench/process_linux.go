// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// process is a running proxy.
type process struct {
	proxy   *proxy
	cmd     *exec.Cmd
	address string // where it listens
	log     string // what it printed
	exited  chan struct{}
}

const startPatience = 15 * time.Second

// start runs a proxy on its processor and waits until it accepts connections.
func (p *proxy) start(ctx context.Context, s site, c cores) (*process, error) {
	arguments, environment, err := p.configure(s, p.program)
	if err != nil {
		return nil, fmt.Errorf("configuring %s: %w", p.label, err)
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	r := &process{proxy: p, address: s.listen, log: log.Name(), exited: make(chan struct{})}
	r.cmd = exec.Command(p.program, arguments...)
	r.cmd.Env = append(slices.Clone(os.Environ()), environment...)
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = s.dir, log, log
	// If this program is killed, the proxy goes with it.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := startPinned(r.cmd, c); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.label, err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.exited)
	}()
	if err := r.awaitReady(ctx); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

// startPinned starts a child where it belongs from its first instruction on: a
// child inherits the processor of the thread that starts it.
func startPinned(cmd *exec.Cmd, c cores) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := pinThread(c.proxy); err != nil {
		return err
	}
	return errors.Join(cmd.Start(), pinThread(c.load))
}

func (r *process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", r.address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-r.exited:
			return fmt.Errorf("%s ended at once: %s", r.proxy.label, r.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", r.proxy.label, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// lastWords is the end of what the proxy printed.
func (r *process) lastWords() string {
	text, _ := os.ReadFile(r.log)
	return string(text[max(0, len(text)-500):])
}

// stop kills the proxy with its workers, which may have left its group.
func (r *process) stop() {
	members, _ := familyOf(r.cmd.Process.Pid)
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	for pid := range members {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-r.exited
}

func (r *process) cpu() (time.Duration, error) { return cpuTime(r.cmd.Process.Pid) }
func (r *process) memory() (int64, error)      { return residentSize(r.cmd.Process.Pid) }
func (r *process) descriptors() (int, error)   { return descriptors(r.cmd.Process.Pid) }
