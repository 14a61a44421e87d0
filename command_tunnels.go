// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// listCommand shows running tunnels.
func listCommand() *cobra.Command {
	var q queryFlags
	var sort string
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Shows the tunnels that are open",
		Long: `Shows the tunnels that are open, the oldest first. All flags that say which
have to hold.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			values := q.values()
			values.Set("limit", strconv.Itoa(limit))
			if sort != "" {
				values.Set("sort", sort)
			}
			raw, err := askAPI(cmd, http.MethodGet, "/ws_tunnel/tunnels?"+values.Encode(), nil)
			if err != nil {
				return err
			}
			if asJSON {
				_, err = io.WriteString(cmd.OutOrStdout(), printableJSON(string(raw)))
				return err
			}
			var list tunnelList
			if err := json.Unmarshal(raw, &list); err != nil {
				return fmt.Errorf("reading the answer: %w", err)
			}
			return list.print(cmd.OutOrStdout())
		},
	}
	q.define(cmd)
	cmd.Flags().StringVar(&sort, "sort", "", "opened, client_ip, host, origin, bytes or messages; with a minus the other way round")
	cmd.Flags().IntVar(&limit, "limit", defaultPage, "show so many")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what the admin API answers")
	return cmd
}

// print writes a table.
func (l *tunnelList) print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tCLIENT\tPROTO\tHOST\tPATH\tORIGIN\tAGE\tSTATE\tENGINE\tTO ORIGIN\tTO CLIENT")
	for _, t := range l.Tunnels {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, printable(t.Name), printable(t.ClientIP), t.Proto, printable(t.Host),
			printable(t.Path), printable(t.Origin), age(t.Age), t.State, t.Engine, t.ToOrigin, t.ToClient)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if hidden := l.Total - len(l.Tunnels); hidden > 0 {
		fmt.Fprintf(out, "and %d more: --limit shows them\n", hidden)
	}
	return nil
}

// String is how much there was, for a table.
func (c trafficCounts) String() string {
	return fmt.Sprintf("%d msg, %s", c.Messages, size(float64(c.Bytes)))
}

// queryFlags are the flags that say which tunnels.
type queryFlags struct{ texts map[string]*string }

func (q *queryFlags) define(cmd *cobra.Command) {
	q.texts = make(map[string]*string)
	for name, usage := range map[string]string{
		"name": "of this handler", "client-ip": "of this client address or network", "host": "that asked for this host",
		"path": "whose path begins so", "origin": "to this origin, or a part of its address", "proto": "of this version of HTTP, as HTTP/2.0",
		"older": "older than this", "younger": "younger than this", "state": "open, draining or closing",
	} {
		q.texts[name] = cmd.Flags().String(name, "", usage)
	}
}

func (q *queryFlags) values() url.Values {
	values := make(url.Values)
	for name, text := range q.texts {
		if name == "client-ip" {
			name = "client_ip"
		}
		if *text != "" {
			values.Set(name, *text)
		}
	}
	return values
}

// age is a time in seconds, short.
func age(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < 48*time.Hour:
		return d.Round(time.Second).String()
	default:
		return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}

// size is an amount of bytes, short.
func size(bytes float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if bytes < 1000 {
			return fmt.Sprintf("%.3g %s", bytes, unit)
		}
		bytes /= 1024
	}
	return fmt.Sprintf("%.3g TiB", bytes)
}
