// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(Status{})
}

// Status is a page for a browser that shows, and goes on showing, what this
// Caddy's tunnels do: how many there are and what they carry, with charts of the
// last five minutes, the origins, the 50 busiest tunnels, switches, and why
// handshakes were refused and tunnels ended. It is of all handlers of the process,
// whatever site has the page. A client that accepts JSON gets the same as JSON, and
// one that accepts text/event-stream gets it as events, as the page itself does.
//
// It answers only those who come from this machine and not by a proxy, and is
// changed by nobody: GET and HEAD are all that it takes.
//
// While somebody looks, and for five minutes after, one goroutine looks at every
// open tunnel every two seconds, and remembers what it had carried. Otherwise the
// page costs nothing.
type Status struct {
	// Answer clients of other machines, and those that come by a proxy or ask for
	// a host by its name. The page tells who is connected to what, so there should
	// be authentication in front of it. Default: false.
	AllowRemote bool `json:"allow_remote,omitempty"`

	stopping context.Context
}

// CaddyModule returns the Caddy module information.
func (Status) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.ws_status",
		New: func() caddy.Module { return new(Status) },
	}
}

// Provision sets up s.
func (s *Status) Provision(ctx caddy.Context) error {
	events, err := eventsApp(ctx)
	if err != nil {
		return err
	}
	var stop context.CancelFunc
	s.stopping, stop = context.WithCancel(ctx)
	return events.On("stopping", eventFunc(stop))
}

// ServeHTTP answers with what the client accepts: the page, JSON, or events until
// the client leaves or the config stops.
func (s *Status) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	header := w.Header()
	for name, value := range statusFields {
		header.Set(name, value)
	}
	if !s.AllowRemote {
		if err := checkFromHere(r); err != nil {
			return caddyhttp.Error(http.StatusForbidden, fmt.Errorf("ws_status without allow_remote: %w", err))
		}
	}
	if err := checkOwnPage(r); err != nil {
		return caddyhttp.Error(http.StatusForbidden, fmt.Errorf("ws_status: %w", err))
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		return caddyhttp.Error(http.StatusMethodNotAllowed, errors.New("ws_status: method "+r.Method+" is not allowed: use GET or HEAD"))
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	switch {
	case strings.Contains(accept, "text/event-stream"), r.URL.Query().Has("events"):
		return s.serveEvents(w, r)
	case strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html"):
		text, err := json.Marshal(theStatus.look())
		if err != nil {
			return fmt.Errorf("encoding the status: %w", err)
		}
		return answerStatus(w, r, "application/json", text)
	default:
		return answerStatus(w, r, "text/html; charset=utf-8", statusPage)
	}
}

// statusFields are of every answer. What an answer is, nobody has to guess; nobody
// keeps it, puts it into a frame, or learns of it by a link.
var statusFields = map[string]string{
	"Cache-Control":                "no-store",
	"Content-Security-Policy":      statusPolicy,
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "no-referrer",
	"Vary":                         "Accept",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

func answerStatus(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // it fails if the client is gone
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Status)(nil)
	_ caddyhttp.MiddlewareHandler = (*Status)(nil)
)
