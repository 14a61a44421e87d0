// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// topCommand shows the busiest tunnels, over and over.
func topCommand() *cobra.Command {
	var q queryFlags
	var every time.Duration
	var rows int
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Shows the busiest tunnels, and goes on showing them",
		Long: `Shows the tunnels that carry most, with their rates, until Ctrl-C. In a terminal
it fills the screen; elsewhere it writes a paragraph each time.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < 100*time.Millisecond || rows < 1 {
				return errors.New("--every is 100ms at least, and --rows 1")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			values := q.values()
			values.Set("limit", strconv.Itoa(maxPage))
			values.Set("sort", "-bytes")
			var view topView
			for ticks := time.Tick(every); ; {
				raw, err := askAPI(cmd, http.MethodGet, "/ws_tunnel/tunnels?"+values.Encode(), nil)
				if err != nil {
					return err
				}
				var list tunnelList
				if err := json.Unmarshal(raw, &list); err != nil {
					return fmt.Errorf("reading the answer: %w", err)
				}
				view.update(list, time.Now())
				if err := view.print(cmd.OutOrStdout(), rows, sizeOf(cmd.OutOrStdout())); err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return nil
				case <-ticks:
				}
			}
		},
	}
	q.define(cmd)
	cmd.Flags().DurationVar(&every, "every", 2*time.Second, "how often to look")
	cmd.Flags().IntVar(&rows, "rows", 20, "show so many tunnels")
	return cmd
}

// topView knows what tunnels had carried when it last looked.
type topView struct {
	at    time.Time
	total int
	last  map[string]tunnelInfo // by id
	now   []tunnelRate
}

// tunnelRate is a tunnel, and how much it carries in a second.
type tunnelRate struct {
	tunnelInfo
	toOrigin, toClient, messages float64
}

func (v *topView) update(list tunnelList, at time.Time) {
	seconds := at.Sub(v.at).Seconds()
	last := v.last
	v.at, v.total, v.now, v.last = at, list.Total, nil, make(map[string]tunnelInfo)
	for _, t := range list.Tunnels {
		rate := tunnelRate{tunnelInfo: t}
		if before, ok := last[t.ID]; ok && seconds > 0 {
			t.ToOrigin = before.ToOrigin.atLeast(t.ToOrigin.Bytes, t.ToOrigin.Messages)
			t.ToClient = before.ToClient.atLeast(t.ToClient.Bytes, t.ToClient.Messages)
			rate.toOrigin = grown(before.ToOrigin.Bytes, t.ToOrigin.Bytes) / seconds
			rate.toClient = grown(before.ToClient.Bytes, t.ToClient.Bytes) / seconds
			rate.messages = (grown(before.ToOrigin.Messages, t.ToOrigin.Messages) + grown(before.ToClient.Messages, t.ToClient.Messages)) / seconds
		}
		v.now = append(v.now, rate)
		v.last[t.ID] = t
	}
	slices.SortFunc(v.now, func(a, b tunnelRate) int {
		return cmp.Or(cmp.Compare(b.toOrigin+b.toClient, a.toOrigin+a.toClient), a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
	})
}

// grown is how much more there is; a count that was not to be had is no less.
func grown(before, now uint64) float64 {
	if now < before {
		return 0
	}
	return float64(now - before)
}

// terminal is the size of one, in characters; zero if there is none.
type terminal struct{ width, height int }

// sizeOf asks each time, since a window can be changed.
func sizeOf(out io.Writer) (t terminal) {
	if file, ok := out.(*os.File); ok {
		t.width, t.height, _ = term.GetSize(int(file.Fd()))
	}
	return t
}

// cut leaves of each line what fits.
func (t terminal) cut(text string) string {
	var all strings.Builder
	for line := range strings.Lines(text) {
		if runes := []rune(strings.TrimSuffix(line, "\n")); len(runes) > t.width {
			line = string(runes[:t.width]) + "\n"
		}
		all.WriteString(line)
	}
	return all.String()
}

// clearScreen moves to the upper left corner and clears what is below.
const clearScreen = "\x1b[H\x1b[J"

// print fills the screen of a terminal, or else writes a paragraph.
func (v *topView) print(out io.Writer, rows int, t terminal) error {
	const others = 4 // lines beside the rows: totals, a space, titles, and the cursor's
	if t.height > 0 {
		rows = max(1, min(rows, t.height-others))
	}
	var text strings.Builder
	var toOrigin, toClient, messages float64
	for _, t := range v.now {
		toOrigin, toClient, messages = toOrigin+t.toOrigin, toClient+t.toClient, messages+t.messages
	}
	fmt.Fprintf(&text, "%d tunnels, %s/s to origins, %s/s to clients, %.0f messages/s, at %s\n\n",
		v.total, size(toOrigin), size(toClient), messages, v.at.Format(time.TimeOnly))
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TO ORIGIN\tTO CLIENT\tMESSAGES\tAGE\tCLIENT\tHOST\tPATH\tORIGIN\tNAME\tID")
	for _, t := range v.now[:min(rows, len(v.now))] {
		fmt.Fprintf(table, "%s/s\t%s/s\t%.0f/s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", size(t.toOrigin), size(t.toClient), t.messages, age(t.Age),
			printable(t.ClientIP), printable(t.Host), printable(t.Path), printable(t.Origin), printable(t.Name), t.ID)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	screen := text.String() + "\n"
	if t.width > 0 {
		screen = clearScreen + t.cut(text.String())
	}
	_, err := io.WriteString(out, screen)
	return err
}
