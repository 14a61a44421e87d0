// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package mapping

// Target is where a worker is. ok is false if it is known only when a request is
// there, since $1 stands in its host.
func (w *Worker) Target() (t Target, ok bool) {
	o, path, err := w.origin()
	if err != nil {
		return Target{}, false
	}
	return Target{Scheme: o.scheme, Host: o.host, Address: o.address(w.socket), Path: path, Worker: w}, true
}
