// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/relay"
)

// Rates are the rates of a tunnel's two directions.
type Rates struct {
	// From the client to the origin. Default: any rate.
	ToOrigin *Rate `json:"to_origin,omitempty"`

	// From the origin to the client. Default: any rate.
	ToClient *Rate `json:"to_client,omitempty"`
}

// Rate is so many of something in a time. All of them may come at once, and then
// evenly as time goes by.
type Rate struct {
	// How many, from 1. Required.
	Amount int64 `json:"amount"`

	// In what time. Required.
	Window caddy.Duration `json:"window"`
}

func (r *Rate) validate() error {
	switch {
	case r == nil:
		return nil
	case r.Amount < 1:
		return errors.New("the amount is not a number from 1")
	case r.Window <= 0:
		return errors.New("the window is not a time, as 1s")
	case time.Duration(r.Window) > relay.Longest:
		return errors.New("the window is longer than 73 years")
	}
	return nil
}

func (h *Handler) validateRates() error {
	for _, rate := range []struct {
		name string
		*Rate
	}{
		{"message_rate to_origin", h.MessageRate.ToOrigin},
		{"message_rate to_client", h.MessageRate.ToClient},
		{"byte_rate to_origin", h.ByteRate.ToOrigin},
		{"byte_rate to_client", h.ByteRate.ToClient},
	} {
		if err := rate.validate(); err != nil {
			return fmt.Errorf("%s: %w", rate.name, err)
		}
	}
	return nil
}

func paceOf(bytes, messages *Rate) relay.Pace {
	return relay.Pace{Bytes: bytes.relay(), Messages: messages.relay()}
}

func (r *Rate) relay() relay.Rate {
	if r == nil {
		return relay.Rate{}
	}
	return relay.Rate{Amount: uint64(r.Amount), Per: time.Duration(r.Window)}
}

// rateOption takes message_rate or byte_rate.
func (h *Handler) rateOption(d *caddyfile.Dispenser, option string) error {
	rates, example := &h.MessageRate, "message_rate to_origin 20 1s"
	if option == "byte_rate" {
		rates, example = &h.ByteRate, "byte_rate to_client 1MiB 1s"
	}
	args := d.RemainingArgs()
	if len(args) != 3 {
		return d.Errf("wrong argument count for %s: write a direction, an amount and a window, as in %s", option, example)
	}
	var to **Rate
	switch args[0] {
	case "to_origin":
		to = &rates.ToOrigin
	case "to_client":
		to = &rates.ToClient
	default:
		return d.Errf("%q is no direction: write to_origin or to_client, as in %s", args[0], example)
	}
	if *to != nil {
		return d.Errf("%s %s is given twice", option, args[0])
	}
	amount, err := strconv.ParseUint(args[1], 10, 62)
	if option == "byte_rate" {
		amount, err = humanize.ParseBytes(args[1])
	}
	if err != nil || amount < 1 || amount > 1<<62 {
		return d.Errf("%q is not an amount, as in %s", args[1], example)
	}
	rate := &Rate{Amount: int64(amount)}
	if err := parseDuration(d, args[2], &rate.Window); err != nil {
		return err
	}
	*to = rate
	return nil
}
