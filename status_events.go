// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// statusPatience is how long a client may take to read an event.
	statusPatience = 10 * time.Second

	// statusRetry tells a client when to come back, in milliseconds. At a reload
	// it has to.
	statusRetry = "retry: 1000\n\n"
)

// serveEvents sends what there is whenever it is counted anew, as server-sent
// events, until the client leaves or the config stops. The first event has the
// history, and each that follows the newest point of it; a client that was too slow
// for one gets all of it again.
func (s *Status) serveEvents(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // for an nginx in front
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close") // whose deadline is none for another request
	}
	if r.Method == http.MethodHead {
		return nil
	}
	defer theStatus.join()()
	rc := http.NewResponseController(w)
	text := []byte(statusRetry)
	for sent := -1; ; { // no round comes after that
		view, fresh := theStatus.newest()
		if view.round != sent {
			event := *view
			if event.round == sent+1 {
				event.History = nil
			}
			body, err := json.Marshal(event) // on one line, as data has to be
			if err != nil {
				return fmt.Errorf("encoding the status: %w", err)
			}
			text = fmt.Appendf(text, "data: %s\n\n", body)
			_ = rc.SetWriteDeadline(time.Now().Add(statusPatience)) // or it takes as long as it takes
			if _, err := w.Write(text); err != nil {
				return nil // the client is gone
			}
			if err := rc.Flush(); err != nil {
				return nil
			}
			text, sent = text[:0], view.round
		}
		select {
		case <-fresh:
		case <-r.Context().Done():
			return nil
		case <-s.stopping.Done():
			return nil
		}
	}
}
