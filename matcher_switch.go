// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(MatchSwitch{})
}

// MatchSwitch matches while an operator's switch is on, whatever the request is. A
// switch that nobody has set is on.
//
// Switches are set over the admin API, with PUT /ws_tunnel/switches/<name>, or by
// `caddy ws-tunnel switch <name> on|off`. They are kept in Caddy's storage, and so
// outlive restarts and are shared by all that have the same storage: what is set at
// one is seen by the others within two seconds. While storage cannot be read,
// switches stay as they are.
type MatchSwitch struct {
	// The name of the switch: 1 to 64 letters, digits, dots, hyphens and
	// underscores, not beginning with a dot. Required. Placeholders are not
	// replaced.
	Name string `json:"name,omitempty"`

	state *switchState
}

// CaddyModule returns the Caddy module information.
func (MatchSwitch) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.ws_switch",
		New: func() caddy.Module { return new(MatchSwitch) },
	}
}

// Provision reads the switch for the first time, so that not a single request sees
// one that is off as on.
func (m *MatchSwitch) Provision(ctx caddy.Context) error {
	if err := checkSwitchName(m.Name); err != nil {
		return fmt.Errorf("ws_switch: %w", err)
	}
	board, err := ctx.App(switchboardID)
	if err != nil {
		return fmt.Errorf("ws_switch: %w", err)
	}
	m.state = board.(*switchboard).add(m.Name)
	return nil
}

// Match returns true if the switch is on.
func (m MatchSwitch) Match(*http.Request) bool {
	return m.state.on(time.Now())
}

// MatchWithError returns true if the switch is on. The request may be nil, and the
// error always is.
func (m MatchSwitch) MatchWithError(*http.Request) (bool, error) {
	return m.state.on(time.Now()), nil
}

// switchFunction is what ws_switch() becomes in an expression.
const switchFunction = "ws_switch_request_string"

// CELLibrary makes the matcher available in expressions. The name must be written
// out.
//
// Example:
//
//	expression ws_switch('chat') && path('/chat/*')
func (MatchSwitch) CELLibrary(ctx caddy.Context) (cel.Library, error) {
	library, err := caddyhttp.CELMatcherImpl(
		"ws_switch",
		switchFunction,
		[]*cel.Type{cel.StringType},
		func(data ref.Val) (caddyhttp.RequestMatcherWithError, error) {
			name, _ := data.(types.String)
			m := MatchSwitch{Name: string(name)}
			return m, m.Provision(ctx)
		},
	)
	if err != nil {
		return nil, err
	}
	options := append(library.ProgramOptions(), cel.CustomDecorator(refuseComputedSwitch))
	return caddyhttp.NewMatcherCELLibrary(library.CompileOptions(), options), nil
}

// refuseComputedSwitch finds calls that Caddy could not prepare, since their name is
// known with a request only: then it is too late to watch another switch.
func refuseComputedSwitch(i interpreter.Interpretable) (interpreter.Interpretable, error) {
	if call, ok := i.(interpreter.InterpretableCall); ok && call.OverloadID() == switchFunction {
		return nil, errors.New("ws_switch() takes a name that is written out, without placeholders")
	}
	return i, nil
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*MatchSwitch)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchSwitch)(nil)
	_ caddyhttp.CELLibraryProducer      = (*MatchSwitch)(nil)
)
