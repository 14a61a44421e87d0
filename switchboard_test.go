// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// testBoard is a switchboard without Caddy, for a synctest bubble.
func testBoard(t *testing.T, storage *switchStorage) (*switchboard, *observer.ObservedLogs) {
	core, logs := observer.New(zapcore.InfoLevel)
	b := new(switchboard)
	b.prepare(t.Context(), storage, zap.New(core))
	return b, logs
}

// startBoard watches switches until the test is over.
func startBoard(t *testing.T, b *switchboard) {
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// nextLook waits until storage has been looked at once more, in the bubble's time.
func nextLook() {
	time.Sleep(switchInterval)
	synctest.Wait()
}

// said returns the messages since it was last asked.
func said(logs *observer.ObservedLogs) (messages []string) {
	for _, entry := range logs.TakeAll() {
		messages = append(messages, entry.Level.String()+": "+entry.Message)
	}
	return messages
}

func expectSaid(t *testing.T, logs *observer.ObservedLogs, want ...string) {
	t.Helper()
	if got := said(logs); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("logged %q, want %q", got, want)
	}
}

// boardValues are the metrics of a switchboard, by name and switch.
func boardValues(t *testing.T, b *switchboard) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(b); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			values[family.GetName()+labelValues(m)] = m.GetGauge().GetValue()
		}
	}
	return values
}

func labelValues(m *dto.Metric) (text string) {
	for _, label := range m.GetLabel() {
		text += " " + label.GetValue()
	}
	return text
}

// What another process sets is seen with the next look, and said once.
func TestSwitchboardWatches(t *testing.T) {
	storage := newSwitchStorage(t)
	storage.put("shop", `{"on":false,"by":"bob"}`)
	synctest.Test(t, func(t *testing.T) {
		b, logs := testBoard(t, storage)
		chat, shop := b.add("chat"), b.add("shop")
		if b.add("chat") != chat {
			t.Error("one switch of one name is two")
		}
		if !chat.on(time.Now()) || shop.on(time.Now()) {
			t.Error("the first look saw something else")
		}
		expectSaid(t, logs, "info: switch is off")
		startBoard(t, b)

		storage.put("chat", `{"on":false,"by":"alice","at":"2026-01-05T12:00:00Z"}`)
		nextLook()
		if chat.on(time.Now()) {
			t.Error("it is not seen that chat was set")
		}
		if by := zap.String("by", "alice"); logs.FilterField(zap.String("switch", "chat")).FilterField(by).Len() != 1 {
			t.Errorf("%v", logs.All())
		}
		expectSaid(t, logs, "info: switch is off")
		values := boardValues(t, b)
		if len(values) != 3 || values["caddy_ws_tunnel_switch_on chat"] != 0 || values["caddy_ws_tunnel_switch_storage_up"] != 1 {
			t.Errorf("%v", values)
		}

		nextLook()
		expectSaid(t, logs)
		if err := forgetSwitch(t.Context(), storage, "chat"); err != nil {
			t.Fatal(err)
		}
		nextLook()
		if !chat.on(time.Now()) {
			t.Error("it is not seen that chat was forgotten")
		}
		expectSaid(t, logs, "info: switch is on")
	})
}

// A setting ends when its time comes, be storage there or not, and one whose time
// was over before counts for nothing.
func TestSwitchUntil(t *testing.T) {
	storage := newSwitchStorage(t)
	storage.put("past", `{"on":false,"until":"1999-12-31T23:59:59Z"}`)
	synctest.Test(t, func(t *testing.T) { // it is 2000-01-01T00:00:00Z
		storage.put("chat", `{"on":false,"until":"`+time.Now().Add(time.Hour).Format(time.RFC3339)+`"}`)
		b, logs := testBoard(t, storage)
		chat, past := b.add("chat"), b.add("past")
		if !past.on(time.Now()) {
			t.Error("a setting that is over holds")
		}
		expectSaid(t, logs, "info: switch is off")
		startBoard(t, b)
		storage.down(true)
		time.Sleep(time.Hour - time.Nanosecond)
		if chat.on(time.Now()) {
			t.Error("the setting ends early")
		}
		time.Sleep(time.Nanosecond)
		if !chat.on(time.Now()) {
			t.Error("the setting does not end")
		}
		nextLook()
		expectSaid(t, logs, "warn: cannot read switches from storage, so they stay as they are", "info: switch is on")
	})
}

// While storage fails, or a switch cannot be understood, the last state holds. That
// is said when it begins and when it is over.
func TestSwitchStorageFails(t *testing.T) {
	const failing, again = "warn: cannot read switches from storage, so they stay as they are", "info: switches can be read from storage again"
	storage := newSwitchStorage(t)
	storage.put("chat", `{"on":false}`)
	synctest.Test(t, func(t *testing.T) {
		b, logs := testBoard(t, storage)
		chat, shop := b.add("chat"), b.add("shop")
		startBoard(t, b)
		expectSaid(t, logs, "info: switch is off")
		up := func() float64 { return boardValues(t, b)["caddy_ws_tunnel_switch_storage_up"] }
		for _, breaks := range []func(){
			func() { storage.down(true) },
			func() { storage.put("chat", `{"on":`) },
			func() { storage.put("chat", `{}`) },
			func() {
				storage.failWith(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
				time.Sleep(storagePatience)
			},
		} {
			breaks()
			nextLook()
			nextLook()
			if chat.on(time.Now()) || !shop.on(time.Now()) || up() != 0 {
				t.Error("a switch has changed, or storage is said to be up")
			}
			expectSaid(t, logs, failing)
			storage.down(false)
			storage.put("chat", `{"on":false}`)
			time.Sleep(storagePatience)
			nextLook()
			if up() != 1 {
				t.Error("storage is up again, and said not to be")
			}
			expectSaid(t, logs, again)
		}
	})
}

// If storage fails when a config is loaded, what an earlier one knew holds, and
// otherwise switches are on. Many switches wait no longer than one.
func TestSwitchFirstLookFails(t *testing.T) {
	storage := newSwitchStorage(t)
	storage.put("chat", `{"on":false}`)
	synctest.Test(t, func(t *testing.T) {
		earlier, _ := testBoard(t, storage)
		earlier.add("chat")
		startBoard(t, earlier)
		rejected, _ := testBoard(t, newSwitchStorageBeside(t))
		rejected.add("chat")
		if err := rejected.Cleanup(); err != nil {
			t.Fatal(err)
		}

		storage.failWith(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		began := time.Now()
		b, logs := testBoard(t, storage)
		chat, shop := b.add("chat"), b.add("shop")
		for i := range 20 {
			b.add(fmt.Sprint("switch", i))
		}
		if took := time.Since(began); took != storagePatience {
			t.Errorf("the config is held up for %s", took)
		}
		if chat.on(time.Now()) || !shop.on(time.Now()) {
			t.Error("chat was known to be off, and shop was not known")
		}
		expectSaid(t, logs, "warn: cannot read switches from storage, so they stay as they are")
		storage.failWith(nil)
		time.Sleep(storagePatience) // for those that earlier has asked meanwhile
	})
}

// newSwitchStorageBeside makes a second, empty storage.
func newSwitchStorageBeside(t *testing.T) *switchStorage {
	s := &switchStorage{t: t}
	s.Path = t.TempDir()
	return s
}

// What is set while storage is read is newer than what was read.
func TestSwitchSetMeanwhile(t *testing.T) {
	storage := newSwitchStorage(t)
	b, _ := testBoard(t, storage)
	chat := b.add("chat")
	storage.loaded = func() { b.set("chat", switchSetting{By: "alice"}) }
	b.round()
	if chat.on(time.Now()) {
		t.Error("an older state was taken")
	}
	b.set("other", switchSetting{}) // of no switch here
}

// A config that is loaded while another one's look at storage is under way does not
// join that, if the switch was set meanwhile.
func TestSwitchSetBeforeReload(t *testing.T) {
	storage := newSwitchStorage(t)
	synctest.Test(t, func(t *testing.T) {
		old, _ := testBoard(t, storage)
		old.add("chat")
		answer := make(chan struct{})
		var read atomic.Bool
		storage.loaded = func() {
			if !read.Swap(true) {
				<-answer
			}
		}
		go old.round()
		synctest.Wait() // it has read, and is not answered
		off := switchSetting{By: "alice"}
		if err := storeSwitch(t.Context(), old.storage, "chat", off); err != nil {
			t.Fatal(err)
		}
		old.set("chat", off)
		time.AfterFunc(time.Second, func() { close(answer) })
		next, _ := testBoard(t, storage)
		if next.add("chat").on(time.Now()) {
			t.Errorf("the switch is on, while storage has %s", storage.get("chat"))
		}
		<-answer
		synctest.Wait()
	})
}

// A hanging storage holds up no end: the goroutine goes with its config, and a round
// that it cut short is no failure.
func TestSwitchboardEnds(t *testing.T) {
	storage := newSwitchStorage(t)
	synctest.Test(t, func(t *testing.T) {
		b, logs := testBoard(t, storage)
		b.add("chat")
		startBoard(t, b)
		storage.failWith(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		nextLook()
		if !runs("(*switchboard).watch")(stacks()) {
			t.Error("nobody watches")
		}
		if err := b.Stop(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if runs("(*switchboard).watch")(stacks()) {
			t.Error("it watches on")
		}
		expectSaid(t, logs)
		time.Sleep(storagePatience) // and then nobody waits for storage, either
	})
}

// A storage that does not heed contexts, as file_system on a network that is gone, holds
// up neither a config nor the admin API for longer than another. However often it is
// asked, one call hangs.
func TestSwitchStorageHangs(t *testing.T) {
	storage := newSwitchStorage(t)
	storage.put("chat", `{"on":false}`)
	synctest.Test(t, func(t *testing.T) {
		up := make(chan struct{})
		storage.failWith(func(context.Context) error { <-up; return nil })
		var boards []*switchboard
		for range 3 { // as by reloads
			began := time.Now()
			b, _ := testBoard(t, storage)
			b.add("chat")
			startBoard(t, b)
			boards = append(boards, b)
			if took := time.Since(began); took != storagePatience {
				t.Errorf("the config is held up for %s", took)
			}
			time.Sleep(10 * storagePatience)
		}
		if hanging := strings.Count(stacks(), "wstunnel.(*storageLoad).run("); hanging != 1 {
			t.Errorf("%d calls hang", hanging)
		}
		ctx, cancel := context.WithTimeout(t.Context(), storagePatience)
		defer cancel()
		if err := storeSwitch(ctx, boards[0].storage, "chat", switchSetting{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("storing: %v", err)
		}
		if err := forgetSwitch(ctx, boards[0].storage, "chat"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("deleting: %v", err)
		}
		close(up)
		storage.failWith(nil)
		time.Sleep(storagePatience)
		nextLook()
		for i, b := range boards {
			if b.failing.Load() || b.switches["chat"].on(time.Now()) {
				t.Errorf("config %d has not noticed that storage is back", i)
			}
		}
	})
}
