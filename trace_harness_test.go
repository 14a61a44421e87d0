// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// traceSites runs Caddy with some sites, on free ports: what has no port in its
// URL reaches them. Nothing asks for certificates, or writes to storage later on.
func traceSites(t *testing.T, sites string) {
	t.Helper()
	phLoad(t, `{
	admin off
	persist_config off
	skip_install_trust
	storage file_system `+t.TempDir()+`
	auto_https off
	storage_clean_interval off
	default_bind 127.0.0.1
	http_port `+freePort(t)+`
	https_port `+freePort(t)+`
	servers {
		protocols h1 h2
	}
}
`+sites)
}

// untouched is an origin that fails the test if anyone connects.
func untouched(t *testing.T) string {
	return startOrigin(t, nil, func(*peer) { t.Error("a trace touched an origin") })
}

// askTrace asks the admin API for a trace.
func askTrace(t *testing.T, method, body string) (answer string, err error) {
	t.Helper()
	w := httptest.NewRecorder()
	err = adminTrace(w, httptest.NewRequest(method, "/ws_tunnel/trace", strings.NewReader(body)))
	return w.Body.String(), err
}

// traceOf is the trace of a request.
func traceOf(t *testing.T, body string) *traceResult {
	t.Helper()
	text, err := askTrace(t, http.MethodPost, body)
	if err != nil {
		t.Fatal(err)
	}
	var answer traceAnswer
	if err := json.Unmarshal([]byte(text), &answer); err != nil || !answer.Success {
		t.Fatalf("%v: %s", err, text)
	}
	return &answer.Result
}

// statusOfAPI is the status of an error of the admin API.
func statusOfAPI(err error) int {
	var known caddy.APIError
	if errors.As(err, &known) {
		return known.HTTPStatus
	}
	return http.StatusOK
}
