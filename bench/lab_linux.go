// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/testbed"
)

// bench is what all experiments have in common.
type bench struct {
	ctx         context.Context
	cores       cores
	dir         string
	certificate string
	trust       *tls.Config
	descriptors int
	talks       map[int]*talk
	settling    settling
}

// lab is what one experiment has: a fresh proxy, and both its peers.
type lab struct {
	*bench
	loop    *loop
	origin  *origin
	clients *clients
	process *process
	tls     bool
	ctx     context.Context // ends with the experiment
	cancel  context.CancelFunc
	notes   []string // what else is worth knowing about the experiment

	between func() // lets others have a turn
	watch   *intruders
}

// try makes one experiment with one proxy.
// It calls pass where others may have a turn.
func (b *bench) try(m measure, p *proxy, pass func()) (values []float64, others float64, note string, err error) {
	if need := 2*m.tunnels + 200; need > b.descriptors {
		return nil, 0, "", fmt.Errorf("needs %d descriptors, and the system allows %d", need, b.descriptors)
	}
	l, err := b.newLab(m, p)
	if err != nil {
		return nil, 0, "", err
	}
	defer l.close()
	l.between = pass
	l.watch = b.watchIntruders(l.process)
	if err = l.watch.begin(); err == nil {
		values, err = m.run(l)
	}
	if err == nil {
		err = l.watch.pause()
	}
	if err != nil {
		select {
		case <-l.process.exited:
			err = errors.Join(err, errors.New("the proxy has died"))
		default:
		}
		if words := strings.TrimSpace(l.process.lastWords()); words != "" && b.ctx.Err() == nil {
			err = fmt.Errorf("%w; the proxy's last words: %s", err, words)
		}
		return nil, 0, "", err
	}
	return values, l.watch.share(), strings.Join(l.notes, ", "), nil
}

func (b *bench) newLab(m measure, p *proxy) (l *lab, err error) {
	l = &lab{bench: b, tls: m.tls}
	l.ctx, l.cancel = context.WithCancel(b.ctx)
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	dir, err := os.MkdirTemp(b.dir, p.name+"-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // for workers of another user
		return nil, err
	}
	if l.loop, err = newLoop(b.ctx); err != nil {
		return nil, err
	}
	if l.origin, err = newOrigin(l.loop, b.talks); err != nil {
		return nil, err
	}
	listen, err := testbed.FreeAddress()
	if err != nil {
		return nil, err
	}
	if l.clients, err = newClients(l.loop, listen, b.talks); err != nil {
		return nil, err
	}
	s := site{dir: dir, listen: listen, origin: l.origin.address, descriptors: b.descriptors, heartbeat: m.heartbeat}
	if m.tls {
		s.certificate = b.certificate
	}
	l.process, err = p.start(b.ctx, s, b.cores)
	return l, err
}

func (l *lab) close() {
	l.cancel()
	if l.loop != nil {
		l.loop.reset()
	}
	if l.process != nil {
		l.process.stop()
	}
}

func (l *lab) note(format string, arguments ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, arguments...))
}

// open opens tunnels in the way of the measure.
func (l *lab) open(n int, size int) ([]*tunnel, error) {
	if l.tls {
		return l.clients.openTLS(n, size, l.trust)
	}
	return l.clients.open(n, pathEcho, size)
}

func (l *lab) openPlain(n int) error {
	_, err := l.clients.open(n, pathEcho, smallMessage)
	return err
}

func (l *lab) openTLS(n int) error {
	_, err := l.clients.openTLS(n, smallMessage, l.trust)
	return err
}

// pieces is how many an experiment has whose proxies take turns.
const pieces = 6

// pass lets the other proxies have their next piece.
func (l *lab) pass() error {
	err := l.watch.pause()
	l.between()
	return errors.Join(err, l.watch.begin())
}

// cost runs the loop for a while, in a number of pieces, and returns the processor time
// that the proxy used, divided by what count counted. What is under way at the end of a
// piece is finished in the turn of another: a few milliseconds, which are counted.
func (l *lab) cost(pieces int, d time.Duration, count func() float64) (seconds float64, err error) {
	if err := l.loop.runFor(d / 5); err != nil { // to get going
		return 0, err
	}
	before, err := l.process.cpu()
	if err != nil {
		return 0, err
	}
	counted, elapsed := count(), 0.
	for i := range pieces {
		if i > 0 {
			err = l.pass()
		}
		start := time.Now()
		if err = errors.Join(err, l.loop.runFor(d/time.Duration(pieces))); err != nil {
			return 0, err
		}
		elapsed += time.Since(start).Seconds()
	}
	after, err := l.process.cpu()
	if err != nil {
		return 0, err
	}
	counted = count() - counted
	if counted <= 0 {
		return 0, errors.New("nothing was carried")
	}
	l.note("%.0f/s with %.0f%% of a processor", counted/elapsed, 100*(after-before).Seconds()/elapsed)
	return (after - before).Seconds() / counted, nil
}
