// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// forwardingFields are what proxies add to a request. One that is on this machine
// makes everybody's requests come from here.
var forwardingFields = []string{
	"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip",
}

// checkFromHere tells whether a request comes from this machine by all that is
// known of it: its connection, a PROXY header, and what Caddy takes for the client.
//
// Its Host has to be localhost or an address. A page of another site can give its
// own name the address of this machine, and read what its user's browser then gets
// (DNS rebinding); but the browser asks for that name.
func checkFromHere(r *http.Request) error {
	for _, name := range forwardingFields {
		if len(r.Header.Values(name)) > 0 { // an empty one of the client's may stand before the proxy's
			return fmt.Errorf("a proxy sent the request, since it has %s", name)
		}
	}
	clientIP, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	came := []string{hostOnly(r.RemoteAddr), clientIP}
	if conn := proxyConnFrom(r.Context()); conn != nil {
		came = append(came, hostOnly(conn.RealRemoteAddr().String()))
	}
	for _, from := range came {
		if ip, err := netip.ParseAddr(from); err != nil || !ip.Unmap().IsLoopback() {
			return fmt.Errorf("the request comes from %q, which is no loopback address", from)
		}
	}
	if !isLocalHost(r.Host) {
		return errors.New("the request is for a host by its name: ask for localhost or an address")
	}
	return nil
}

// checkOwnPage tells whether a request is not of another site's page. That page could
// not read the answer, but would keep Caddy counting for it.
func checkOwnPage(r *http.Request) error {
	none, same := webOriginPattern{keyword: "none"}, webOriginPattern{keyword: "same"}
	if none.matches(r) || same.matches(r) {
		return nil
	}
	return fmt.Errorf("the request is of a page of %q", r.Header["Origin"])
}

// isLocalHost tells whether a Host field is localhost or an address, with a port or
// not.
func isLocalHost(host string) bool {
	name := hostOnly(host)
	if strings.EqualFold(name, "localhost") {
		return true
	}
	if bare, ok := strings.CutPrefix(name, "["); ok { // an IPv6 address without a port
		name = strings.TrimSuffix(bare, "]")
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}
