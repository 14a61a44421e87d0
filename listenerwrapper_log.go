// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/hex"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxyheader"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/proxylisten"
)

// rejectLog writes at most one line a second for each reason of a rejection:
// whoever can connect can be rejected, as often as they like. How many were left
// out stands in the next line that is written.
type rejectLog struct {
	logger *zap.Logger
	now    func() time.Time

	mu      sync.Mutex
	reasons map[proxyheader.Reason]rejectCount
}

type rejectCount struct {
	next       time.Time
	suppressed int
}

func (l *rejectLog) log(o proxylisten.Outcome) {
	// Health checks and browsers that connect ahead are no news at all, and
	// must not use up the line of those who sent half a header.
	if o.Probe() {
		if c := l.logger.Check(zapcore.DebugLevel, "connection ended without a byte"); c != nil {
			c.Write(rejectFields(o)...)
		}
		return
	}
	suppressed, ok := l.admit(o.Err.Reason)
	if !ok {
		return
	}
	if c := l.logger.Check(zapcore.WarnLevel, "connection rejected"); c != nil {
		c.Write(append(rejectFields(o),
			zap.String("first_bytes", hex.EncodeToString(o.Err.Seen)),
			zap.Int("suppressed", suppressed))...)
	}
}

// admit says whether it is time for a line, and how many there were since the
// last one.
func (l *rejectLog) admit(reason proxyheader.Reason) (suppressed int, ok bool) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	count := l.reasons[reason]
	if now.Before(count.next) {
		count.suppressed++
		l.reasons[reason] = count
		return 0, false
	}
	if l.reasons == nil {
		l.reasons = make(map[proxyheader.Reason]rejectCount)
	}
	l.reasons[reason] = rejectCount{next: now.Add(time.Second)}
	return count.suppressed, true
}

func rejectFields(o proxylisten.Outcome) []zap.Field {
	fields := []zap.Field{zap.String("reason", string(o.Err.Reason))}
	if o.Peer != nil {
		fields = append(fields, zap.String("peer", o.Peer.String()))
	}
	if o.Rule != nil {
		fields = append(fields, zap.Stringer("rule", o.Rule))
	}
	return fields
}
