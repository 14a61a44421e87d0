// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/certmagic"
)

// switchStorage is a storage that fails when a test wants it to.
type switchStorage struct {
	certmagic.FileStorage
	t *testing.T

	mu     sync.Mutex                      // guards all below
	fail   func(ctx context.Context) error // asked before anything about switches is done
	loaded func()                          // called after anything was read
}

// theSwitchStorage is what the storage module of tests stands for.
var theSwitchStorage *switchStorage

// newSwitchStorage makes a storage, and forgets what the process knows of others.
func newSwitchStorage(t *testing.T) *switchStorage {
	rememberedSwitches.Clear()
	theSwitchStorage = &switchStorage{FileStorage: certmagic.FileStorage{Path: t.TempDir()}, t: t}
	return theSwitchStorage
}

var errNoStorage = errors.New("no route to storage")

// down has the storage fail, or work again.
func (s *switchStorage) down(down bool) {
	s.failWith(func(context.Context) error {
		if down {
			return errNoStorage
		}
		return nil
	})
}

func (s *switchStorage) failWith(fail func(ctx context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// put writes a switch as another process would.
func (s *switchStorage) put(name, text string) {
	s.t.Helper()
	if err := s.FileStorage.Store(context.Background(), switchKey(name), []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *switchStorage) get(name string) string {
	text, _ := s.FileStorage.Load(context.Background(), switchKey(name))
	return string(text)
}

func (s *switchStorage) failure(ctx context.Context, key string) error {
	s.mu.Lock()
	fail := s.fail
	s.mu.Unlock()
	if fail == nil || !strings.HasPrefix(key, switchPrefix) {
		return nil
	}
	return fail(ctx)
}

func (s *switchStorage) Load(ctx context.Context, key string) ([]byte, error) {
	if err := s.failure(ctx, key); err != nil {
		return nil, err
	}
	text, err := s.FileStorage.Load(ctx, key)
	s.mu.Lock()
	loaded := s.loaded
	s.mu.Unlock()
	if loaded != nil {
		loaded()
	}
	return text, err
}

func (s *switchStorage) Store(ctx context.Context, key string, value []byte) error {
	if err := s.failure(ctx, key); err != nil {
		return err
	}
	return s.FileStorage.Store(ctx, key, value)
}

func (s *switchStorage) Delete(ctx context.Context, key string) error {
	if err := s.failure(ctx, key); err != nil {
		return err
	}
	return s.FileStorage.Delete(ctx, key)
}

func (s *switchStorage) List(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	if err := s.failure(ctx, prefix); err != nil {
		return nil, err
	}
	return s.FileStorage.List(ctx, prefix, recursive)
}

func init() { caddy.RegisterModule(switchStorageModule{}) }

type switchStorageModule struct{}

func (switchStorageModule) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.storage.wstunnel_test", New: func() caddy.Module { return new(switchStorageModule) }}
}

func (switchStorageModule) CertMagicStorage() (certmagic.Storage, error) {
	return theSwitchStorage, nil
}
func (switchStorageModule) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

// askSwitches asks the admin API, and returns the answer into to.
func askSwitches(t *testing.T, method, path, body string, to any) (status int, said string) {
	t.Helper()
	mux := http.NewServeMux()
	var err error
	for _, route := range (adminAPI{}).Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) { err = route.Handler.ServeHTTP(w, r) })
	}
	r := httptest.NewRequest(method, "http://localhost:2019/ws_tunnel/switches"+path, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.9:4711"
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	var apiErr caddy.APIError
	switch {
	case errors.As(err, &apiErr):
		return apiErr.HTTPStatus, apiErr.Err.Error()
	case err != nil:
		t.Fatal(err)
	}
	if err := json.Unmarshal(w.Body.Bytes(), to); err != nil {
		t.Fatalf("%q: %v", w.Body, err)
	}
	return w.Code, ""
}

// setSwitch sets a switch over the admin API.
func setSwitch(t *testing.T, name, body string) (info switchInfo) {
	t.Helper()
	if status, said := askSwitches(t, http.MethodPut, "/"+name, body, &info); status != http.StatusOK {
		t.Fatalf("setting %s: %d %s", name, status, said)
	}
	return info
}
