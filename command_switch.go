// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// switchCommand shows switches and sets them.
func switchCommand() *cobra.Command {
	var change switchChange
	cmd := &cobra.Command{
		Use:   "switch [<name> [on | off | forget]]",
		Short: "Shows the switches that ws_switch asks for, or sets one",
		Long: `Shows all switches, or one, or sets it: off for good, or for a time, after
which it is on again. A setting is shared by all that have the same storage, and
kept there until it is forgotten, which turns the switch on.`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change.run(cmd, args)
		},
	}
	cmd.Flags().StringVar(&change.For, "for", "", "off for so long, as 10m")
	cmd.Flags().StringVar(&change.Until, "until", "", "off until then, as 2026-01-05T18:00:00+01:00")
	cmd.Flags().BoolVar(&change.Close, "close", false, "end running tunnels that recheck the switch now, and not at their next recheck")
	cmd.Flags().StringVar(&change.By, "by", "", "who sets it (default the user's name)")
	return cmd
}

func (c *switchChange) run(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		if err := checkSwitchName(args[0]); err != nil {
			return err
		}
	}
	if len(args) < 2 || args[1] == "forget" {
		for _, name := range []string{"for", "until", "by", "close"} {
			if cmd.Flags().Changed(name) {
				return fmt.Errorf("--%s needs a name and on or off, as in switch chat off", name)
			}
		}
	}
	if len(args) < 2 {
		return showSwitches(cmd, strings.Join(args, ""))
	}
	switch args[1] {
	case "on", "off":
		on := args[1] == "on"
		c.On = &on
	case "forget":
		answer, err := askAPI(cmd, http.MethodDelete, "/ws_tunnel/switches/"+args[0], nil)
		return printSwitch(cmd, answer, err)
	default:
		return fmt.Errorf("a switch can be turned on or off, or forgotten: %q is none of on, off and forget", args[1])
	}
	if who, err := user.Current(); err == nil && c.By == "" {
		c.By = who.Username
	}
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encoding the setting: %w", err)
	}
	answer, err := askAPI(cmd, http.MethodPut, "/ws_tunnel/switches/"+args[0], bytes.NewReader(body))
	return printSwitch(cmd, answer, err)
}

// showSwitches shows one switch, or all without a name.
func showSwitches(cmd *cobra.Command, name string) error {
	if name != "" {
		answer, err := askAPI(cmd, http.MethodGet, "/ws_tunnel/switches/"+name, nil)
		return printSwitch(cmd, answer, err)
	}
	answer, err := askAPI(cmd, http.MethodGet, "/ws_tunnel/switches", nil)
	if err != nil {
		return err
	}
	var list switchList
	if err := json.Unmarshal(answer, &list); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	for _, info := range list.Switches {
		fmt.Fprintln(cmd.OutOrStdout(), info)
	}
	if list.StorageError != "" {
		return fmt.Errorf("there may be more: %s", printable(list.StorageError))
	}
	return nil
}

func printSwitch(cmd *cobra.Command, answer []byte, err error) error {
	if err != nil {
		return err
	}
	var info switchInfo
	if err := json.Unmarshal(answer, &info); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), info)
	return nil
}

// String is the switch in a line.
func (i switchInfo) String() string {
	line := i.Name + " is off"
	if i.On {
		line = i.Name + " is on"
	}
	if !i.Until.IsZero() {
		line += " until " + i.Until.Local().Format(time.RFC3339)
	}
	if i.By != "" {
		line += ", set by " + printable(i.By) + " at " + i.At.Local().Format(time.RFC3339)
	}
	if !i.InConfig {
		line += " (no ws_switch of this Caddy's config has the name)"
	}
	return line
}
