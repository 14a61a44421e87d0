// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
)

// switchSetting is what an operator wants of a switch, as it is in storage.
type switchSetting struct {
	On    bool      `json:"on"`
	Close bool      `json:"close,omitempty"` // tunnels are rechecked at once when it goes off
	Until time.Time `json:"until,omitzero"`  // then it is as if nobody had set it
	By    string    `json:"by,omitempty"`
	At    time.Time `json:"at,omitzero"`
}

// unsetSwitch is a switch that nobody has set.
var unsetSwitch = switchSetting{On: true}

// at returns what holds at a time.
func (s switchSetting) at(now time.Time) switchSetting {
	if !s.Until.IsZero() && !now.Before(s.Until) {
		return unsetSwitch
	}
	return s
}

// switchState is a switch as one config knows it.
type switchState struct {
	setting atomic.Pointer[switchSetting]
	said    atomic.Bool // what was logged last, or goes without saying
}

func newSwitchState(known switchSetting) *switchState {
	s := new(switchState)
	s.setting.Store(&known)
	s.said.Store(known.at(time.Now()).On)
	return s
}

func (s *switchState) on(now time.Time) bool { return s.setting.Load().at(now).On }

// The names of switches are file names in storage, and parts of a URL.
var switchName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$`)

func checkSwitchName(name string) error {
	if switchName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%q is no name of a switch; write 1 to 64 letters, digits, dots, hyphens and underscores, not beginning with a dot", name)
}

// Where switches are in storage.
const (
	switchPrefix = "ws_tunnel/switches"
	switchSuffix = ".json"
)

func switchKey(name string) string { return switchPrefix + "/" + name + switchSuffix }

// listSwitches returns the names of those that are in storage.
func listSwitches(ctx context.Context, storage certmagic.Storage) (names []string, err error) {
	var keys []string
	for range 3 { // a file that goes while file_system lists a directory is this error, too
		if keys, err = storage.List(ctx, switchPrefix, false); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing switches: %w", err)
	}
	for _, key := range keys {
		name, ok := strings.CutSuffix(path.Base(key), switchSuffix)
		if ok && switchName.MatchString(name) { // others are files that are still written, say
			names = append(names, name)
		}
	}
	return names, nil
}

// loadSwitch reads a setting. One that is not in storage is unsetSwitch.
func loadSwitch(ctx context.Context, storage certmagic.Storage, name string) (switchSetting, error) {
	text, err := storage.Load(ctx, switchKey(name))
	if errors.Is(err, fs.ErrNotExist) {
		return unsetSwitch, nil
	}
	if err != nil {
		return switchSetting{}, fmt.Errorf("loading switch %s: %w", name, err)
	}
	var stored struct {
		On *bool `json:"on"`
		switchSetting
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		return switchSetting{}, fmt.Errorf("decoding switch %s: %w", name, err)
	}
	if stored.On == nil {
		return switchSetting{}, fmt.Errorf("decoding switch %s: it has no \"on\"", name)
	}
	stored.switchSetting.On = *stored.On
	return stored.switchSetting, nil
}

// forgetSwitch removes a setting. That it is not there is no error.
func forgetSwitch(ctx context.Context, storage certmagic.Storage, name string) error {
	if err := storage.Delete(ctx, switchKey(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deleting switch %s: %w", name, err)
	}
	return nil
}

// storeSwitch writes a setting.
func storeSwitch(ctx context.Context, storage certmagic.Storage, name string, setting switchSetting) error {
	text, err := json.Marshal(setting)
	if err != nil {
		return fmt.Errorf("encoding switch %s: %w", name, err)
	}
	if err := storage.Store(ctx, switchKey(name), text); err != nil {
		return fmt.Errorf("storing switch %s: %w", name, err)
	}
	return nil
}
