// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// switchInfo is a switch as the admin API shows it. A setting whose time is over is
// not shown.
type switchInfo struct {
	Name string `json:"name"`
	switchSetting
	InConfig bool `json:"in_config"` // a ws_switch of the running config has the name
}

// switchList is the answer to GET.
type switchList struct {
	Switches     []switchInfo `json:"switches"`
	StorageError string       `json:"storage_error,omitempty"` // why those of others are not in it
}

// adminSwitches shows (GET) the switches of the running config and those in storage.
func adminSwitches(w http.ResponseWriter, r *http.Request) error {
	if err := allowMethods(w, r, http.MethodGet); err != nil {
		return err
	}
	board, err := runningSwitchboard()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), storagePatience)
	defer cancel()
	list := switchList{Switches: []switchInfo{}}
	names, err := listSwitches(ctx, board.storage)
	names = slices.AppendSeq(names, maps.Keys(board.switches))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		info, cause := board.info(ctx, name)
		if err = cmp.Or(err, cause); cause == nil {
			list.Switches = append(list.Switches, info)
		}
	}
	if err != nil {
		list.StorageError = err.Error()
	}
	return answerJSON(w, list)
}

// adminSwitch shows one switch (GET), sets it (PUT), or forgets its setting
// (DELETE). Each answers with the switch.
func adminSwitch(w http.ResponseWriter, r *http.Request) error {
	if err := allowMethods(w, r, http.MethodGet, http.MethodPut, http.MethodDelete); err != nil {
		return err
	}
	name := strings.TrimPrefix(r.URL.Path, "/ws_tunnel/switches/")
	if err := checkSwitchName(name); err != nil {
		return badRequest("%w", err)
	}
	board, err := runningSwitchboard()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), storagePatience)
	defer cancel()
	switch r.Method {
	case http.MethodPut:
		err = board.change(ctx, name, w, r)
	case http.MethodDelete:
		err = board.forget(ctx, name, r)
	}
	if err != nil {
		return err
	}
	info, err := board.info(ctx, name)
	if err != nil {
		return storageFailed(err)
	}
	return answerJSON(w, info)
}

// runningSwitchboard is that of the running config, or an empty one if that has no
// ws_switch: others that share its storage may have one.
func runningSwitchboard() (*switchboard, error) {
	ctx := caddy.ActiveContext()
	if ctx.Context == nil {
		return nil, caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: errors.New("no config is running, and so it is not known where switches are stored")}
	}
	if app, err := ctx.AppIfConfigured(switchboardID); err == nil {
		return app.(*switchboard), nil
	}
	return &switchboard{storage: impatientStorage{ctx.Storage()}, logger: caddy.Log().Named(switchboardID)}, nil
}

// info is what holds here for a switch of the config, and what is in storage for
// another.
func (b *switchboard) info(ctx context.Context, name string) (switchInfo, error) {
	s, now := b.switches[name], time.Now()
	if s != nil {
		return switchInfo{name, s.setting.Load().at(now), true}, nil
	}
	setting, err := loadSwitch(ctx, b.storage, name)
	return switchInfo{name, setting.at(now), false}, err
}

// change stores what the body asks for. Storage comes first: what is not there
// would be undone with the next look at it.
func (b *switchboard) change(ctx context.Context, name string, w http.ResponseWriter, r *http.Request) error {
	var c switchChange
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<14))
	body.DisallowUnknownFields()
	if err := body.Decode(&c); err != nil {
		return badRequest(`reading the body: %w; write one as {"on": false, "for": "10m", "by": "alice"}`, err)
	}
	setting, err := c.setting(time.Now(), r.RemoteAddr)
	if err != nil {
		return badRequest("%w", err)
	}
	if err := storeSwitch(ctx, b.storage, name, setting); err != nil {
		return storageFailed(err)
	}
	fields := append(switchFields(name, setting), zap.Bool("on", setting.On), zap.String("remote_addr", r.RemoteAddr))
	b.logger.Info("switch set", fields...)
	b.set(name, setting)
	return nil
}

func (b *switchboard) forget(ctx context.Context, name string, r *http.Request) error {
	if err := forgetSwitch(ctx, b.storage, name); err != nil {
		return storageFailed(err)
	}
	b.logger.Info("switch forgotten", zap.String("switch", name), zap.String("remote_addr", r.RemoteAddr))
	b.set(name, unsetSwitch)
	return nil
}

func storageFailed(err error) error {
	return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
}
