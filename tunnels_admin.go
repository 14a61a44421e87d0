// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// adminTunnels shows running tunnels (GET), or ends them (DELETE).
//
// What tunnels is said by query parameters, as tunnelQuery has them. GET takes
// sort, limit and offset besides. DELETE wants at least one parameter, or
// all=true; over spreads the ends over a time, the oldest first, and code and reason
// are those of the Close frames.
func adminTunnels(w http.ResponseWriter, r *http.Request) error {
	if err := allowMethods(w, r, http.MethodGet, http.MethodDelete); err != nil {
		return err
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("reading the query: %w", err)
	}
	if r.Method == http.MethodDelete {
		return closeTunnels(w, values)
	}
	return listTunnels(w, values)
}

// tunnelList is the answer to GET.
type tunnelList struct {
	Total   int          `json:"total"` // that the parameters hold
	Tunnels []tunnelInfo `json:"tunnels"`
}

// The bounds of a page.
const (
	defaultPage = 100
	maxPage     = 10000
)

func listTunnels(w http.ResponseWriter, values url.Values) error {
	page := map[string]int{"limit": defaultPage, "offset": 0}
	for name := range page {
		text := values.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > maxPage && name == "limit" {
			return badRequest("%s %q is no number from 0 to %d", name, text, maxPage)
		}
		page[name] = n
	}
	order, err := orderOf(values.Get("sort"))
	if err != nil {
		return err
	}
	q, err := newTunnelQuery(values, "sort", "limit", "offset")
	if err != nil {
		return err
	}
	found := q.find()
	infos := make([]tunnelInfo, 0, len(found))
	for _, t := range found {
		infos = append(infos, t.info())
	}
	slices.SortFunc(infos, order)
	list := tunnelList{Total: len(infos)}
	infos = infos[min(page["offset"], len(infos)):]
	list.Tunnels = infos[:min(page["limit"], len(infos))]
	return answerJSON(w, list)
}

// orderOf is how to sort. A minus turns it round.
func orderOf(name string) (func(a, b tunnelInfo) int, error) {
	orders := map[string]func(a, b tunnelInfo) int{
		"":          func(a, b tunnelInfo) int { return a.Opened.Compare(b.Opened) },
		"opened":    func(a, b tunnelInfo) int { return a.Opened.Compare(b.Opened) },
		"client_ip": func(a, b tunnelInfo) int { return cmp.Compare(a.ClientIP, b.ClientIP) },
		"host":      func(a, b tunnelInfo) int { return cmp.Compare(a.Host, b.Host) },
		"origin":    func(a, b tunnelInfo) int { return cmp.Compare(a.Origin, b.Origin) },
		"bytes": func(a, b tunnelInfo) int {
			return cmp.Compare(a.ToOrigin.Bytes+a.ToClient.Bytes, b.ToOrigin.Bytes+b.ToClient.Bytes)
		},
		"messages": func(a, b tunnelInfo) int {
			return cmp.Compare(a.ToOrigin.Messages+a.ToClient.Messages, b.ToOrigin.Messages+b.ToClient.Messages)
		},
	}
	plain, sign := name, 1
	if len(name) > 1 && name[0] == '-' {
		plain, sign = name[1:], -1
	}
	order := orders[plain]
	if order == nil {
		return nil, badRequest("cannot sort by %q: use opened, client_ip, host, origin, bytes or messages, with a minus for the other way round", name)
	}
	return func(a, b tunnelInfo) int { return cmp.Or(sign*order(a, b), cmp.Compare(a.ID, b.ID)) }, nil
}

func closeTunnels(w http.ResponseWriter, values url.Values) error {
	var over time.Duration
	if text := values.Get("over"); text != "" {
		var err error
		if over, err = caddy.ParseDuration(text); err != nil || over < 0 {
			return badRequest("over %q is not a duration, as 30s", text)
		}
	}
	code := 0
	if text := values.Get("code"); text != "" {
		var err error
		if code, err = strconv.Atoi(text); err != nil || !sendableCode(code) {
			return badRequest("code %q is no close code that can be sent: use 1000, 1001, 1008, 1011 to 1013, or one from 3000 to 4999", text)
		}
	}
	text := values.Get("reason")
	if len(text) > maxCloseText || !utf8.ValidString(text) {
		return badRequest("reason %q is no text of at most %d bytes", text, maxCloseText)
	}
	q, err := newTunnelQuery(values, "over", "code", "reason", "all")
	if err != nil {
		return err
	}
	if q.empty() && values.Get("all") != "true" {
		return badRequest("this would end all tunnels: say which, for example by name or client_ip, or all=true (--all)")
	}
	byName := make(map[string][]*tunnel)
	count := 0
	for _, t := range q.find() {
		if t.relay.Status().Closing {
			continue // it is on its way
		}
		byName[t.generation.name] = append(byName[t.generation.name], t)
		count++
	}
	for name, these := range byName {
		d := newDrain(name, these, over)
		d.code, d.text = code, text
		go d.run(relay.Admin)
	}
	return answerJSON(w, map[string]int{"closing": count})
}

// maxCloseText is what a Close frame has room for behind its code (RFC 6455 section
// 5.5).
const maxCloseText = 123

// sendableCode tells the codes that a gateway can send for another's reason (RFC
// 6455 section 7.4).
func sendableCode(code int) bool {
	return slices.Contains([]int{1000, 1001, 1008, 1011, 1012, 1013}, code) || code >= 3000 && code <= 4999
}

// tunnelInfo is a running tunnel as the admin API shows it. The fields are those
// of its record.
type tunnelInfo struct {
	ID         string        `json:"id"`
	Name       string        `json:"name"`
	ClientIP   string        `json:"client_ip"`
	RemoteAddr string        `json:"remote_addr"`
	Peer       string        `json:"peer,omitempty"` // that sent the PROXY header, or could have
	Proto      string        `json:"proto"`
	Host       string        `json:"host"`
	Path       string        `json:"path"`
	Origin     string        `json:"origin"`
	OriginAddr string        `json:"origin_addr"`
	Opened     time.Time     `json:"opened"`
	Age        float64       `json:"age"`   // seconds
	State      string        `json:"state"` // open, draining or closing
	Engine     string        `json:"engine"`
	ToOrigin   trafficCounts `json:"to_origin"`
	ToClient   trafficCounts `json:"to_client"`
}

type trafficCounts struct {
	Bytes    uint64 `json:"bytes"`
	Messages uint64 `json:"messages"`
}

// The values of tunnelInfo.State.
const (
	stateOpen     = "open"
	stateDraining = "draining" // a drain is to end it
	stateClosing  = "closing"  // its end has begun
)

// stage is one of them.
func (t *tunnel) stage(closing bool) string {
	if closing {
		return stateClosing
	}
	if _, draining := beingDrained.Load(t); draining {
		return stateDraining
	}
	return stateOpen
}

func (t *tunnel) info() tunnelInfo {
	status := t.relay.Status()
	opened := t.opening()
	i := tunnelInfo{
		ID:         opened.field("id"),
		Name:       t.generation.name,
		ClientIP:   opened.field("client_ip"),
		RemoteAddr: opened.field("remote_addr"),
		Peer:       opened.field("peer"),
		Proto:      opened.proto.String(),
		Host:       opened.field("host"),
		Path:       opened.field("path"),
		Origin:     opened.origin,
		OriginAddr: opened.field("origin_addr"),
		Opened:     status.Opened.Truncate(time.Microsecond),
		Age:        status.Age.Seconds(),
		State:      t.stage(status.Closing),
		Engine:     status.Engine,
	}
	i.ToOrigin = trafficCounts{status.ToOrigin.Bytes, status.ToOrigin.Messages}
	i.ToClient = trafficCounts{status.ToClient.Bytes, status.ToClient.Messages}
	return i
}
