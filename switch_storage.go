// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"fmt"
	"sync"

	"github.com/caddyserver/certmagic"
)

// impatientStorage is a storage that answers in time, or with the context's error.
// Storages are given the context and need not heed it: file_system does not, and a
// file on a network can take for ever. Such a call is left behind. What is stored or
// deleted may then come true later.
type impatientStorage struct{ certmagic.Storage }

// Load returns a value. Those who want the same one while it is awaited wait together,
// so that no more calls hang than there are values.
func (s impatientStorage) Load(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name := s.nameOf(key)
	loads.mu.Lock()
	load := loads.awaited[name]
	if load == nil {
		load = &storageLoad{done: make(chan struct{})}
		loads.awaited[name] = load
		go load.run(ctx, s.Storage, name, key)
	}
	loads.mu.Unlock()
	select {
	case <-load.done:
		return load.value, load.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// List returns the keys below a prefix.
func (s impatientStorage) List(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	return inTime(ctx, func() ([]string, error) { return s.Storage.List(ctx, prefix, recursive) })
}

// Store stores a value. Whoever loads it afterwards gets no older one.
func (s impatientStorage) Store(ctx context.Context, key string, value []byte) error {
	defer s.joinNoMore(key)
	_, err := inTime(ctx, func() (struct{}, error) { return struct{}{}, s.Storage.Store(ctx, key, value) })
	return err
}

// Delete deletes a value.
func (s impatientStorage) Delete(ctx context.Context, key string) error {
	defer s.joinNoMore(key)
	_, err := inTime(ctx, func() (struct{}, error) { return struct{}{}, s.Storage.Delete(ctx, key) })
	return err
}

// joinNoMore has later calls load a value anew: a load that is under way may have read
// what was there before.
func (s impatientStorage) joinNoMore(key string) {
	loads.mu.Lock()
	defer loads.mu.Unlock()
	delete(loads.awaited, s.nameOf(key))
}

// nameOf names a value among those of all storages.
func (s impatientStorage) nameOf(key string) string {
	if named, ok := s.Storage.(fmt.Stringer); ok { // the same for each config
		return fmt.Sprintf("%s %s", named, key)
	}
	return fmt.Sprintf("%p %s", s.Storage, key)
}

// loads are those that have not been answered yet, of all configs: each reload begins
// to wait for a storage that hangs, and none may add to what hangs.
var loads = struct {
	mu      sync.Mutex
	awaited map[string]*storageLoad
}{awaited: make(map[string]*storageLoad)}

type storageLoad struct {
	done  chan struct{} // closed when there is an answer
	value []byte
	err   error
}

// run outlives who asked first: others may wait, too.
func (l *storageLoad) run(ctx context.Context, storage certmagic.Storage, name, key string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storagePatience)
	defer cancel()
	l.value, l.err = storage.Load(ctx, key)
	loads.mu.Lock()
	if loads.awaited[name] == l {
		delete(loads.awaited, name)
	}
	loads.mu.Unlock()
	close(l.done)
}

func inTime[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		value, err := call()
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
