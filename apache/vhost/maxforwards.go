// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"net/http"
	"strconv"
)

// maxForwards counts Max-Forwards down, as httpd does for each method. A request
// that may go no further is refused (RFC 9110 section 7.6.2).
func (x *exchange) maxForwards() error {
	h := x.r.Header
	sent := h.Get("Max-Forwards")
	if sent == "" {
		if p := x.place.dir.Proxy; p != nil && p.MaxForwards > 0 {
			h.Set("Max-Forwards", strconv.Itoa(p.MaxForwards))
		}
		return nil
	}
	left, err := strconv.ParseUint(sent, 10, 63)
	switch {
	case err != nil:
		return &refusal{status: http.StatusBadRequest, reason: "Max-Forwards is no number"}
	case left == 0:
		return &refusal{status: http.StatusBadRequest, reason: "Max-Forwards is 0"}
	}
	h.Set("Max-Forwards", strconv.FormatUint(left-1, 10))
	return nil
}
