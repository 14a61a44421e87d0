// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"errors"
	"net/http"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/mapping"
)

// refusal is an answer that is an error.
type refusal struct {
	status    int
	reason    string // for the log
	challenge string // WWW-Authenticate
	err       error
}

func (e *refusal) Error() string {
	if e.err != nil {
		return e.err.Error()
	}
	return e.reason
}

func (e *refusal) Unwrap() error { return e.err }

// failed makes a refusal of what went wrong in a phase: the status that it has, or
// 500, as for a regular expression that took too long.
func failed(err error) error {
	if err == nil {
		return nil
	}
	status := http.StatusInternalServerError
	if own, ok := errors.AsType[*mapping.StatusError](err); ok {
		status = own.Status
	}
	return &refusal{status: status, reason: "the configuration could not be applied", err: err}
}
