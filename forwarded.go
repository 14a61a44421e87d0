// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"net"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// setForwarded sets X-Forwarded-For, -Proto and -Host of the request that goes
// to the origin, h, as reverse_proxy does: what the client itself says in them
// counts only if it is one of the server's trusted_proxies. A field that an
// earlier handler set to nil stays out.
func setForwarded(h http.Header, r *http.Request) {
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil && !trusted { // a Unix socket, or nothing known
		h.Del("X-Forwarded-For")
		h.Del("X-Forwarded-Proto")
		h.Del("X-Forwarded-Host")
		return
	}
	peer, _, _ = strings.Cut(peer, "%") // a zone means nothing to others

	proto := "http"
	if r.TLS != nil {
		proto = "https"
	}
	chain := peer
	if prior := strings.Join(h["X-Forwarded-For"], ", "); trusted && prior != "" {
		chain = prior
		if peer != "" {
			chain += ", " + peer
		}
	}
	setUnlessNil(h, "X-Forwarded-For", chain)
	setUnlessNil(h, "X-Forwarded-Proto", lastIf(trusted, h["X-Forwarded-Proto"], proto))
	setUnlessNil(h, "X-Forwarded-Host", lastIf(trusted, h["X-Forwarded-Host"], r.Host))
}

func setUnlessNil(h http.Header, name, value string) {
	if values, ok := h[name]; ok && values == nil || value == "" {
		return
	}
	h[name] = []string{value}
}

// lastIf is the last of values, if they can be trusted and there is one, and
// otherwise fallback.
func lastIf(trusted bool, values []string, fallback string) string {
	if n := len(values); trusted && n > 0 && values[n-1] != "" {
		return values[n-1]
	}
	return fallback
}
