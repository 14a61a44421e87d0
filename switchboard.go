// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(new(switchboard))
}

const switchboardID = "ws_switches"

// How often storage is looked at, and how long it may take to answer.
const (
	switchInterval  = 2 * time.Second
	storagePatience = 5 * time.Second
)

// switchboard has the switches of one config, and watches storage for them while
// that runs. It is an app of Caddy's: the first ws_switch of a config loads it, and
// it starts and stops with the config. It has no options.
type switchboard struct {
	storage  impatientStorage
	logger   *zap.Logger
	switches map[string]*switchState // not changed once the config is provisioned
	failing  atomic.Bool             // storage, when it was last read

	ctx      context.Context // ends when the config does
	end      context.CancelFunc
	patience time.Duration // what is left of it for reading storage while the config is loaded
}

// rememberedSwitches are settings that running configs have seen, by name, for a
// config that is loaded while storage cannot be read.
var rememberedSwitches sync.Map

// CaddyModule returns the Caddy module information.
func (*switchboard) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  switchboardID,
		New: func() caddy.Module { return new(switchboard) },
	}
}

// Provision prepares for switches to be added.
func (b *switchboard) Provision(ctx caddy.Context) error {
	b.prepare(ctx, ctx.Storage(), ctx.Logger())
	return ctx.GetMetricsRegistry().Register(b)
}

func (b *switchboard) prepare(ctx context.Context, storage certmagic.Storage, logger *zap.Logger) {
	b.storage, b.logger, b.patience = impatientStorage{storage}, logger, storagePatience
	b.switches = make(map[string]*switchState)
	b.ctx, b.end = context.WithCancel(ctx)
}

// add returns a switch, and reads it first if it is not known yet. It is called
// only while the config is provisioned.
func (b *switchboard) add(name string) *switchState {
	if s := b.switches[name]; s != nil {
		return s
	}
	known := unsetSwitch
	if remembered, ok := rememberedSwitches.Load(name); ok {
		known = remembered.(switchSetting)
	}
	s := newSwitchState(known)
	b.switches[name] = s

	// Many switches do not hold up the config longer than one does.
	ctx, cancel := context.WithTimeout(b.ctx, b.patience)
	defer cancel()
	began := time.Now()
	err := b.read(ctx, name, s)
	b.patience -= time.Since(began)
	if err != nil {
		b.failed(err)
	}
	return s
}

// Start begins to watch storage.
func (b *switchboard) Start() error {
	b.remember()
	go b.watch()
	return nil
}

// Stop ends that. It does not wait for a storage that hangs.
func (b *switchboard) Stop() error {
	b.end()
	return nil
}

// Cleanup ends what a config that never started would leave.
func (b *switchboard) Cleanup() error {
	b.end()
	return nil
}

// watch reads all switches at intervals, until the config ends.
func (b *switchboard) watch() {
	ticker := time.NewTicker(switchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-ticker.C:
			b.round()
		}
	}
}

func (b *switchboard) round() {
	ctx, cancel := context.WithTimeout(b.ctx, storagePatience)
	defer cancel()
	var failed error
	for name, s := range b.switches {
		failed = cmp.Or(failed, b.read(ctx, name, s))
	}
	switch {
	case b.ctx.Err() != nil: // that may be why it failed
		return
	case failed != nil:
		b.failed(failed)
	case b.failing.Swap(false):
		b.logger.Info("switches can be read from storage again")
	}
	b.remember()
}

func (b *switchboard) remember() {
	for name, s := range b.switches {
		rememberedSwitches.Store(name, *s.setting.Load())
	}
}

// failed is called when storage could not be read. Only the first time is news.
func (b *switchboard) failed(err error) {
	if !b.failing.Swap(true) {
		b.logger.Warn("cannot read switches from storage, so they stay as they are", zap.Error(err))
	}
}

// read brings a switch to what is in storage.
func (b *switchboard) read(ctx context.Context, name string, s *switchState) error {
	defer b.say(name, s) // also that its time is over
	before := s.setting.Load()
	setting, err := loadSwitch(ctx, b.storage, name)
	if err != nil {
		return err
	}
	// If it has been set meanwhile, that is newer than what was read.
	if s.setting.CompareAndSwap(before, &setting) && setting.Close && setting != *before {
		tunnels.recheckNow()
	}
	return nil
}

// set is called when a setting has been stored.
func (b *switchboard) set(name string, setting switchSetting) {
	s := b.switches[name]
	if s == nil {
		return // it is for others
	}
	s.setting.Store(&setting)
	if setting.Close {
		tunnels.recheckNow()
	}
	rememberedSwitches.Store(name, setting)
	b.say(name, s)
}

// say logs that a switch has gone on or off.
func (b *switchboard) say(name string, s *switchState) {
	setting := s.setting.Load().at(time.Now())
	if s.said.Swap(setting.On) == setting.On {
		return
	}
	message := "switch is off"
	if setting.On {
		message = "switch is on"
	}
	b.logger.Info(message, switchFields(name, setting)...)
}

func switchFields(name string, setting switchSetting) []zap.Field {
	fields := []zap.Field{zap.String("switch", name)}
	if setting.By != "" {
		fields = append(fields, zap.String("by", setting.By), zap.Time("at", setting.At))
	}
	if !setting.Until.IsZero() {
		fields = append(fields, zap.Time("until", setting.Until))
	}
	return fields
}

// Interface guards
var (
	_ caddy.App          = (*switchboard)(nil)
	_ caddy.Provisioner  = (*switchboard)(nil)
	_ caddy.CleanerUpper = (*switchboard)(nil)
)
