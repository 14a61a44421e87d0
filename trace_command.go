// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/spf13/cobra"
)

// traceCommand says which rule would take a request.
func traceCommand() *cobra.Command {
	var q traceRequest
	var fields, expected []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "trace <url>",
		Short: "Says which rule would take a request, and where it would go",
		Long: `Walks the routes of the running config as a request would, without touching an
origin, and says which match, why the others do not, and where a WebSocket would
go. A url of ws:// or wss:// is a WebSocket handshake.

With --expect the exit status is 1 if something else comes out: origin=<address>
(given several times: one of these; none: no ws_tunnel), or status=<code>.`,
		Example: `  caddy ws-tunnel trace wss://example.com/ws -H 'Origin: https://example.com'
  caddy ws-tunnel trace wss://example.com/ws --at 2026-11-22T20:00+09:00 --expect origin=ws://localhost:8000`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			q.URL = args[0]
			if q.Headers, err = parseFields(fields); err != nil {
				return err
			}
			expectations, err := parseExpectations(expected)
			if err != nil {
				return err
			}
			body, err := json.Marshal(&q)
			if err != nil {
				return err
			}
			raw, err := askAPI(cmd, http.MethodPost, "/ws_tunnel/trace", bytes.NewReader(body))
			if err != nil {
				return err
			}
			var answer traceAnswer
			if err := json.Unmarshal(raw, &answer); err != nil {
				return fmt.Errorf("reading the answer: %w", err)
			}
			text := answer.Result.tree()
			if asJSON {
				text = printableJSON(string(raw))
			}
			if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
				return err
			}
			return expectations.check(&answer.Result)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&fields, "header", "H", nil, "a header field, as 'Name: value'")
	flags.StringVarP(&q.Method, "method", "X", "", "the method (default GET)")
	flags.StringVar(&q.Protocol, "protocol", "", "HTTP/1.1, HTTP/2 or HTTP/3 (default HTTP/1.1)")
	flags.StringVar(&q.RemoteIP, "from", "", "the address that it comes from (default "+defaultRemote.String()+")")
	flags.StringVar(&q.At, "at", "", "when, as 2026-11-22T20:00+09:00 (default now)")
	flags.StringArrayVar(&expected, "expect", nil, "fail unless this comes out, as origin=ws://localhost:8000")
	flags.BoolVar(&asJSON, "json", false, "print what the admin API answers")
	return cmd
}

// printableJSON is JSON as a terminal may have it. What is not printable in it can
// only be in a text, where it means the same escaped.
func printableJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) || r == '\n' {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// parseFields reads header fields as curl takes them.
func parseFields(fields []string) (map[string]traceValues, error) {
	header := make(map[string]traceValues)
	for _, field := range fields {
		name, value, ok := strings.Cut(field, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("%q is not a header field; write 'Name: value'", field)
		}
		header[name] = append(header[name], strings.TrimSpace(value))
	}
	return header, nil
}

// expectations are what may come out of a trace. Nothing is expected of what is
// not there.
type expectations struct {
	origins  []string
	statuses []int
}

// expectNone stands for no origin at all.
const expectNone = "none"

func parseExpectations(all []string) (e expectations, err error) {
	for _, text := range all {
		switch what, value, _ := strings.Cut(text, "="); what {
		case "origin":
			if o, err := parseOrigin(value, false); err == nil {
				value = o.String()
			} else if value != expectNone {
				return e, fmt.Errorf("--expect %q: %w", text, err)
			}
			e.origins = append(e.origins, value)
		case "status":
			status, err := strconv.Atoi(value)
			if err != nil {
				return e, fmt.Errorf("--expect %q: %q is no status", text, value)
			}
			e.statuses = append(e.statuses, status)
		default:
			return e, fmt.Errorf("--expect %q: write origin=<address> or status=<code>", text)
		}
	}
	return e, nil
}

// check compares. If it cannot be told which of several origins is chosen, each
// must be expected.
func (e expectations) check(r *traceResult) error {
	if len(e.statuses) > 0 && !slices.Contains(e.statuses, r.StatusCode) {
		return fmt.Errorf("expected status %s, got %d: %s", joinInts(e.statuses), r.StatusCode, printable(r.outcome()))
	}
	if len(e.origins) == 0 {
		return nil
	}
	possible := []string{expectNone}
	if rule := r.taken(); rule != nil {
		switch p := rule.Parameter; {
		case p.Dynamic != "":
			return errors.New("what dynamic origins there are cannot be told without looking them up")
		case p.Origin != nil:
			possible = []string{p.Origin.Address}
		default:
			possible = nil
			for _, o := range p.Candidates {
				if !o.Unavailable {
					possible = append(possible, o.Address)
				}
			}
		}
	}
	for _, origin := range possible {
		if !slices.Contains(e.origins, origin) {
			return fmt.Errorf("expected origin %s, got: %s", printable(strings.Join(e.origins, " or ")), printable(r.outcome()))
		}
	}
	return nil
}

func joinInts(all []int) string {
	texts := make([]string, 0, len(all))
	for _, n := range all {
		texts = append(texts, strconv.Itoa(n))
	}
	return strings.Join(texts, " or ")
}
