// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/testbed"
)

// gateway is the Caddy that is soaked: a process of its own.
type gateway struct {
	site
	plan       plan
	generation int
	cmd        *exec.Cmd
	logged     chan error    // when it has written its last line
	exited     chan struct{} // closed when it has ended, with err
	err        error
}

// start starts Caddy and waits until its admin API answers.
func (g *gateway) start(ctx context.Context, program, dir string, keep io.Writer, l *ledger) (err error) {
	for _, address := range []*string{&g.admin, &g.plain, &g.secure} {
		if *address, err = testbed.FreeAddress(); err != nil {
			return err
		}
	}
	config := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(config, []byte(g.caddyfile(g.plan, 0)), 0o600); err != nil {
		return err
	}
	g.cmd = exec.Command(program, "run", "--config", config, "--adapter", "caddyfile")
	g.cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	g.cmd.Dir = dir
	// If this program is killed, the gateway goes with it.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	log, err := g.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := g.cmd.Start(); err != nil {
		return fmt.Errorf("starting Caddy: %w", err)
	}
	g.logged, g.exited = make(chan error, 1), make(chan struct{})
	go func() {
		g.logged <- readLog(log, keep, l)
		g.err = g.cmd.Wait()
		close(g.exited)
	}()
	_, err = g.ask(ctx, http.MethodGet, "/config/", "") // which waits
	return err
}

func (g *gateway) address(k kind) string {
	if k == plain {
		return g.plain
	}
	return g.secure
}

// reload loads the next generation, and waits until the sockets of the last one are
// closed: a connection that waits there to be accepted is reset then.
func (g *gateway) reload(ctx context.Context) error {
	g.generation++
	if _, err := g.ask(ctx, http.MethodPost, "/load", g.caddyfile(g.plan, g.generation)); err != nil {
		return fmt.Errorf("reloading: %w", err)
	}
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, address := range []string{g.plain, g.secure} {
		for {
			n, err := listeners(address)
			if err != nil {
				return err
			}
			if n <= 1 {
				break
			}
			if wait(limit, 20*time.Millisecond); limit.Err() != nil {
				return fmt.Errorf("%d sockets listen at %s after a reload", n, address)
			}
		}
	}
	return nil
}

// ask asks the admin API. A reload replaces that, too, and may break off what is
// under way; what can be asked twice is asked again then.
func (g *gateway) ask(ctx context.Context, method, path, body string) (answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var status int
		answer, status, err = g.askOnce(ctx, method, path, body)
		switch {
		case err == nil && status == http.StatusOK:
			return answer, nil
		case err == nil:
			return "", fmt.Errorf("%s %s: status %d: %s", method, path, status, answer)
		case method == http.MethodPost, ctx.Err() != nil:
			return "", err
		}
		select {
		case <-g.exited:
			return "", errors.Join(errors.New("caddy has ended"), g.err)
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (g *gateway) askOnce(ctx context.Context, method, path, body string) (answer string, status int, err error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+g.admin+path, strings.NewReader(body))
	if err != nil {
		return "", 0, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "text/caddyfile")
	}
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), resp.StatusCode, err
}

// stop asks Caddy to stop, and waits until it has.
func (g *gateway) stop() error {
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping Caddy: %w", err)
	}
	select {
	case <-g.exited:
		return errors.Join(g.err, <-g.logged)
	case <-time.After(patience):
		g.kill()
		return errors.New("caddy did not stop")
	}
}

func (g *gateway) kill() {
	_ = syscall.Kill(-g.cmd.Process.Pid, syscall.SIGKILL)
	<-g.exited
}
