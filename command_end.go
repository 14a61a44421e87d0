// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
)

// closeCommand ends tunnels at once.
func closeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "close [<id>]",
		Short: "Ends tunnels",
		Long: `Ends a tunnel, or all that the flags hold, or all with --all. Both sides are
sent a Close frame. Clients usually come back; to keep them away turn a switch
off, too.`,
	}
	return endCommand(cmd, "")
}

// drainCommand ends tunnels one after another.
func drainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drain [<id>]",
		Short: "Ends tunnels one after another",
		Long: `Ends all tunnels that the flags hold, or all with --all, the oldest first and
spread over a time, so that their clients do not come back all at once.`,
	}
	return endCommand(cmd, "30s")
}

func endCommand(cmd *cobra.Command, over string) *cobra.Command {
	var q queryFlags
	var code int
	var reason string
	var all, wait bool
	q.define(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "the text of the Close frames (default admin)")
	cmd.Flags().IntVar(&code, "code", 0, "the close code (default 1001)")
	cmd.Flags().BoolVar(&all, "all", false, "all tunnels of this Caddy")
	cmd.Flags().BoolVar(&wait, "wait", false, "return when they have ended")
	if over != "" {
		cmd.Flags().StringVar(&over, "over", over, "the time to spread the ends over")
	}
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which := q.values()
		if len(args) == 1 {
			which.Set("id", args[0])
		}
		values := maps.Clone(which)
		if all {
			values.Set("all", "true")
		}
		if code != 0 {
			values.Set("code", strconv.Itoa(code))
		}
		if reason != "" {
			values.Set("reason", reason)
		}
		if over != "" {
			values.Set("over", over)
		}
		raw, err := askAPI(cmd, http.MethodDelete, "/ws_tunnel/tunnels?"+values.Encode(), nil)
		if err != nil {
			return err
		}
		var answer struct{ Closing int }
		if err := json.Unmarshal(raw, &answer); err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		if len(args) == 1 && answer.Closing == 0 {
			return fmt.Errorf("no tunnel is open that has the id %s", printable(args[0]))
		}
		fmt.Fprintf(cmd.OutOrStdout(), "closing %s\n", countOf(answer.Closing))
		if !wait {
			return nil
		}
		return awaitEnds(cmd, which)
	}
	return cmd
}

// awaitEnds waits until none of the tunnels is ending, or to be ended, that were
// there when it begins, and says at times how many are.
func awaitEnds(cmd *cobra.Command, which url.Values) error {
	which.Set("limit", "0")
	asked := time.Now()
	said := asked
	// The admin API logs each time that it is asked.
	for interval := 50 * time.Millisecond; ; interval = min(2*interval, 2*time.Second) {
		left, err := tunnelsLeft(cmd, agedBy(which, time.Since(asked)))
		if left == 0 || err != nil {
			return err
		}
		if time.Since(said) >= progressEvery {
			said = time.Now()
			fmt.Fprintf(cmd.OutOrStdout(), "%s left\n", countOf(left))
		}
		select {
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		case <-time.After(interval):
		}
	}
}

// agedBy holds the tunnels that which held so long ago, and no newer ones but for
// those of a second: the gateway's clock is coarse.
func agedBy(which url.Values, by time.Duration) url.Values {
	now := maps.Clone(which)
	older, _ := caddy.ParseDuration(which.Get("older")) // the admin API has read it
	if older = max(older, by-time.Second); older > 0 {
		now.Set("older", older.String())
	}
	if younger, err := caddy.ParseDuration(which.Get("younger")); err == nil {
		now.Set("younger", (younger + by + time.Second).String())
	}
	return now
}

// tunnelsLeft is how many tunnels a drain has yet to end, or, if there are none,
// how many are ending.
func tunnelsLeft(cmd *cobra.Command, which url.Values) (int, error) {
	for _, state := range []string{stateDraining, stateClosing} {
		which.Set("state", state)
		raw, err := askAPI(cmd, http.MethodGet, "/ws_tunnel/tunnels?"+which.Encode(), nil)
		if err != nil {
			return 0, err
		}
		var list tunnelList
		if err := json.Unmarshal(raw, &list); err != nil {
			return 0, fmt.Errorf("reading the answer: %w", err)
		}
		if list.Total > 0 {
			return list.Total, nil
		}
	}
	return 0, nil
}

func countOf(tunnels int) string {
	if tunnels == 1 {
		return "1 tunnel"
	}
	return strconv.Itoa(tunnels) + " tunnels"
}
