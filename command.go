// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "ws-tunnel",
		Usage: "list | top | close | drain | switch | trace | import [--address <interface>] [--config <path> [--adapter <name>]]",
		Short: "Shows and steers the tunnels of a running Caddy",
		Long: `
Shows and steers the tunnels of a running Caddy, over its admin API. The address
of that is found as by caddy reload: from --address, or from the config file.`,
		CobraFunc: defineCommands,
	})
}

func defineCommands(cmd *cobra.Command) {
	cmd.PersistentFlags().String("address", "", "the address of the admin API")
	cmd.PersistentFlags().StringP("config", "c", "", "a config file, to find that address in")
	cmd.PersistentFlags().StringP("adapter", "a", "", "the name of the adapter for that file")
	cmd.Args = cobra.NoArgs // or else an unknown command would print the help, and succeed
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(listCommand())
	cmd.AddCommand(topCommand())
	cmd.AddCommand(closeCommand())
	cmd.AddCommand(drainCommand())
	cmd.AddCommand(switchCommand())
	cmd.AddCommand(traceCommand())
	cmd.AddCommand(importCommand())
}

// askAPI asks the admin API of the running Caddy, and returns its answer.
func askAPI(cmd *cobra.Command, method, uri string, body io.Reader) ([]byte, error) {
	address, err := adminAddress(cmd)
	if err != nil {
		return nil, fmt.Errorf("finding the admin API's address: %w", err)
	}
	header := make(http.Header)
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	resp, err := caddycmd.AdminAPIRequest(address, method, uri, header, body)
	if err != nil {
		return nil, fmt.Errorf("asking the admin API at %s: %w", address, refusedByAPI(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the admin API's answer: %w", err)
	}
	return answer, nil
}

// adminAddress finds the admin API of the running Caddy. The command then has its
// address: one that asks over and over adapts the config file once.
func adminAddress(cmd *cobra.Command) (string, error) {
	flag := func(name string) string { return cmd.Flag(name).Value.String() }
	var config []byte
	if file := flag("config"); file != "" && flag("address") == "" {
		var err error
		if config, _, _, err = caddycmd.LoadConfig(file, flag("adapter")); err != nil {
			return "", err
		}
		var with struct{ Admin caddy.AdminConfig }
		if err := json.Unmarshal(config, &with); err == nil && with.Admin.Disabled {
			return "", fmt.Errorf("%s switches it off, by admin off", file)
		}
	}
	address, err := caddycmd.DetermineAdminAPIAddress(flag("address"), config, flag("config"), flag("adapter"))
	if err == nil {
		err = cmd.Flags().Set("address", address)
	}
	return address, err
}

// refusedByAPI is an error with what the admin API says in it, without the JSON
// around that.
func refusedByAPI(err error) error {
	before, answer, ok := strings.Cut(err.Error(), ": {")
	var refusal struct{ Error string }
	if !ok || json.Unmarshal([]byte("{"+answer), &refusal) != nil || refusal.Error == "" {
		return err
	}
	return fmt.Errorf("%s: %s", before, printable(refusal.Error))
}

// printable is text from outside as a terminal may have it: what could steer the
// terminal, or pass for something else, is escaped.
func printable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return text
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
