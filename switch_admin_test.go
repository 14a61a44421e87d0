// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A switch is shown, set and forgotten; what is set is in storage, and in the log
// with who and when.
func TestSwitchAPI(t *testing.T) {
	storage := newSwitchStorage(t)
	g := switchSites(t, map[string]string{"chat": "ws_switch chat"})
	var info switchInfo
	if askSwitches(t, http.MethodGet, "/chat", "", &info); info != (switchInfo{"chat", unsetSwitch, true}) {
		t.Errorf("%+v", info)
	}
	before := time.Now()
	info = setSwitch(t, "chat", `{"on":false,"for":"10m","by":"alice"}`)
	if info.On || info.By != "alice" || info.At.Before(before) || !info.Until.Equal(info.At.Add(10*time.Minute)) {
		t.Errorf("%+v", info)
	}
	if r := g.await("switch set"); r["switch"] != "chat" || r["on"] != false || r["by"] != "alice" || r["remote_addr"] != "192.0.2.9:4711" || r["until"] == nil || r["at"] == nil {
		t.Errorf("%v", r)
	}
	if text := storage.get("chat"); !strings.HasPrefix(text, `{"on":false,"until":"`) {
		t.Errorf("stored %s", text)
	}
	g.expectStatus("chat", http.StatusForbidden)

	until := time.Now().Add(time.Hour).Truncate(time.Second)
	info = setSwitch(t, "elsewhere", `{"on":false,"until":"`+until.Format(time.RFC3339)+`"}`)
	if info.On || info.By != "192.0.2.9" || !info.Until.Equal(until) || info.InConfig {
		t.Errorf("%+v", info)
	}
	storage.put("a.b", `{"on":true,"by":"bob"}`)
	storage.put("over", `{"on":false,"by":"bob","until":"2026-01-05T12:00:00Z"}`)
	storage.put(".hidden", `{"on":false}`)
	if err := os.WriteFile(filepath.Join(storage.Path, switchPrefix, "1234567"), nil, 0o600); err != nil { // as file_system writes
		t.Fatal(err)
	}
	looks := 0
	storage.failWith(func(context.Context) error { // as file_system when a file goes while it lists
		if looks++; looks == 1 {
			return fs.ErrNotExist
		}
		return nil
	})
	var list switchList
	askSwitches(t, http.MethodGet, "", "", &list)
	if names := switchNames(list); names != "a.b on, chat off, elsewhere off, over on" || list.StorageError != "" {
		t.Errorf("%s (%s)", names, list.StorageError)
	}
	if over := list.Switches[3]; over.By != "" || !over.Until.IsZero() {
		t.Errorf("a setting that is over: %+v", over)
	}

	storage.down(false)
	for _, name := range []string{"chat", "elsewhere", "a.b", "over", "never"} {
		var info switchInfo
		if askSwitches(t, http.MethodDelete, "/"+name, "", &info); info != (switchInfo{name, unsetSwitch, name == "chat"}) {
			t.Errorf("%+v", info)
		}
	}
	g.expectStatus("chat", http.StatusOK)
	list = switchList{}
	if askSwitches(t, http.MethodGet, "", "", &list); switchNames(list) != "chat on" {
		t.Errorf("%+v", list)
	}
}

func switchNames(list switchList) string {
	var names []string
	for _, info := range list.Switches {
		names = append(names, info.Name+map[bool]string{true: " on", false: " off"}[info.On])
	}
	return strings.Join(names, ", ")
}

// Without storage nothing is set, and what holds here is shown all the same.
func TestSwitchAPIWithoutStorage(t *testing.T) {
	storage := newSwitchStorage(t)
	g := switchSites(t, map[string]string{"chat": "ws_switch chat"})
	setSwitch(t, "chat", `{"on":false}`)
	storage.down(true)
	for request, want := range map[string]string{
		"PUT /chat":      "storing switch chat: " + errNoStorage.Error(),
		"DELETE /chat":   "deleting switch chat: " + errNoStorage.Error(),
		"GET /elsewhere": "loading switch elsewhere: " + errNoStorage.Error(),
	} {
		method, path, _ := strings.Cut(request, " ")
		if status, said := askSwitches(t, method, path, `{"on":true}`, nil); status != http.StatusServiceUnavailable || said != want {
			t.Errorf("%s: %d %s", request, status, said)
		}
	}
	g.expectStatus("chat", http.StatusForbidden)
	var list switchList
	askSwitches(t, http.MethodGet, "", "", &list)
	if switchNames(list) != "chat off" || !strings.Contains(list.StorageError, errNoStorage.Error()) {
		t.Errorf("%+v", list)
	}
}

// A Caddy without ws_switch sets those of others, and one without a config none.
func TestSwitchAPIWithoutSwitch(t *testing.T) {
	storage := newSwitchStorage(t)
	if status, said := askSwitches(t, http.MethodGet, "", "", nil); status != http.StatusServiceUnavailable || !strings.Contains(said, "no config is running") {
		t.Errorf("%d %s", status, said)
	}
	switchSites(t, map[string]string{"any": "expression `method('GET')`"})
	if info := setSwitch(t, "chat", `{"on":false}`); info.On || info.InConfig || storage.get("chat") == "" {
		t.Errorf("%+v, stored %q", info, storage.get("chat"))
	}
	awaitStacks(t, nobodyRuns("(*switchboard).watch"))
}

func TestSwitchAPIMistakes(t *testing.T) {
	storage := newSwitchStorage(t)
	switchSites(t, map[string]string{"chat": "ws_switch chat"})
	for request, want := range map[string]string{
		`POST `:                                  "use GET",
		`PUT `:                                   "use GET",
		`POST /chat {"on":true}`:                 "use GET or PUT or DELETE",
		`GET /`:                                  "is no name of a switch; write 1 to 64",
		`PUT /.chat {"on":true}`:                 "is no name of a switch",
		`PUT /a/b {"on":true}`:                   "is no name of a switch",
		`PUT /a%2e%2e%2fb {"on":true}`:           "is no name of a switch",
		`PUT /chat `:                             `write one as {"on": false, "for": "10m", "by": "alice"}`,
		`PUT /chat {}`:                           `"on" is missing`,
		`PUT /chat {"on":"off"}`:                 "reading the body",
		`PUT /chat {"on":false,"fro":"1m"}`:      `unknown field "fro"`,
		`PUT /chat {"on":false,"for":"soon"}`:    "write one as 10m or 2h",
		`PUT /chat {"on":false,"for":"-1m"}`:     "write one as 10m or 2h",
		`PUT /chat {"on":false,"until":"18:00"}`: `until "18:00" is no time; write one as 20`,
		`PUT /chat {"on":false,"until":"2026-01-05T18:00:00Z"}`:            "is over: here it is 20",
		`PUT /chat {"on":false,"until":"2126-01-05T18:00:00Z","for":"1m"}`: "exclude each other",
		`PUT /chat {"on":true,"for":"1m"}`:                                 "a switch that is on stays so",
		`PUT /chat {"on":false,"by":"a\u001b[2J"}`:                         "printable characters",
		fmt.Sprintf(`PUT /chat {"on":false,"by":"%0129d"}`, 0):             "at most 128",
	} {
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		status, said := askSwitches(t, method, path, body, nil)
		if status/100 != 4 || !strings.Contains(said, want) {
			t.Errorf("%s: %d %q, want %q", request, status, said, want)
		}
	}
	if storage.get("chat") != "" {
		t.Error("something was stored")
	}
}

// With close, running tunnels that depend on the switch end at once, and others
// stay.
func TestSwitchClose(t *testing.T) {
	newSwitchStorage(t)
	echo := echoOrigin(t)
	g := startGateway(t, false, "storage wstunnel_test", "@open ws_switch chat\nws_tunnel /bound "+echo+" {\nname bound\nrecheck 1h @open\n}\nws_tunnel "+echo+" {\nname free\n}")
	free := g.open()
	bound := g.dial()
	bound.send(handshakeOf("/bound", ""))
	bound.readHead()
	liveTunnels(t, 2)
	setSwitch(t, "chat", `{"on":false,"close":true}`)
	g.expectPolicy(bound)
	g.expectAlive(free)
	if status, said := askSwitches(t, http.MethodPut, "/chat", `{"on":true,"close":true}`, nil); status != http.StatusBadRequest || !strings.Contains(said, "close is for a switch that is off") {
		t.Errorf("%d %s", status, said)
	}
}
