// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

func init() {
	caddy.RegisterModule(adminAPI{})
}

// adminAPI is the part of Caddy's admin API that shows tunnels and steers them.
// Caddy guards it as the rest: by who can connect, and the Host and Origin that
// they ask with.
type adminAPI struct{}

// CaddyModule returns the Caddy module information.
func (adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.ws_tunnel",
		New: func() caddy.Module { return new(adminAPI) },
	}
}

// Routes are the paths under /ws_tunnel/.
func (adminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: "/ws_tunnel/tunnels", Handler: caddy.AdminHandlerFunc(adminTunnels)},
		{Pattern: "/ws_tunnel/switches", Handler: caddy.AdminHandlerFunc(adminSwitches)},
		{Pattern: "/ws_tunnel/switches/", Handler: caddy.AdminHandlerFunc(adminSwitch)},
		{Pattern: "/ws_tunnel/trace", Handler: caddy.AdminHandlerFunc(adminTrace)},
	}
}

// allowMethods refuses what a path does not know.
func allowMethods(w http.ResponseWriter, r *http.Request, methods ...string) error {
	if slices.Contains(methods, r.Method) {
		return nil
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("method %s is not allowed here: use %s", r.Method, strings.Join(methods, " or "))}
}

// badRequest is an error of who asks.
func badRequest(format string, arguments ...any) error {
	return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: fmt.Errorf(format, arguments...)}
}

// answerJSON writes an answer.
func answerJSON(w http.ResponseWriter, answer any) error {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(answer)
}

// Interface guards
var (
	_ caddy.Module      = adminAPI{}
	_ caddy.AdminRouter = adminAPI{}
)
