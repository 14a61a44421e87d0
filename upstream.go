// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// upstreamOf shows Caddy's selection policies an origin: with so many tunnels,
// and available or not. What is not available keeps its place, since policies
// with weights go by places.
func upstreamOf(o origin, load int, available bool) *reverseproxy.Upstream {
	u := &reverseproxy.Upstream{Host: new(reverseproxy.Host), Dial: o.String()}
	if !available {
		load, u.MaxRequests = 1, 1
	}
	setRequests(u.Host, int64(load))
	return u
}

// requestsOffset is where a Host counts. Only reverse_proxy itself can count
// there otherwise, and the policies look nowhere else. The field is private; a
// test tells when a later Caddy has another.
var requestsOffset = func() uintptr {
	field, ok := reflect.TypeFor[reverseproxy.Host]().FieldByName("numRequests")
	if !ok || field.Type != reflect.TypeFor[atomic.Int64]() {
		panic("ws_tunnel: this Caddy counts the requests of an upstream in another way")
	}
	return field.Offset
}()

func setRequests(host *reverseproxy.Host, n int64) {
	(*atomic.Int64)(unsafe.Add(unsafe.Pointer(host), requestsOffset)).Store(n)
}
