// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"
)

// docMetricsConfig has every module that registers metrics.
const docMetricsConfig = `{
	admin off
	persist_config off
	storage file_system %s
	servers {
		listener_wrappers {
			proxy_header 127.0.0.1
		}
	}
}
http://:0 {
	bind 127.0.0.1
	@open ws_switch chat
	ws_tunnel @open 127.0.0.1:1
}
`

// registeredMetrics are the plugin's metrics as a config's registry has them,
// with their labels. Histograms are there under the names of their series.
func registeredMetrics(t *testing.T) map[string][]string {
	t.Helper()
	config, err := phAdapt(fmt.Sprintf(docMetricsConfig, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	runConfig(t, config)
	ctx := caddy.ActiveContext()
	described := make(chan *prometheus.Desc)
	go func() {
		ctx.GetMetricsRegistry().Describe(described)
		close(described)
	}()
	form := regexp.MustCompile(`^Desc\{fqName: "(\w+)", .*, variableLabels: \{([\w,]*)\}\}$`)
	metrics := make(map[string][]string)
	for desc := range described {
		m := form.FindStringSubmatch(desc.String())
		if m == nil || !strings.HasPrefix(m[1], "caddy_ws_tunnel_") {
			continue
		}
		labels := strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' })
		if !strings.HasSuffix(m[1], "_seconds") {
			metrics[m[1]] = labels
			continue
		}
		metrics[m[1]+"_bucket"] = append(slices.Clone(labels), "le")
		metrics[m[1]+"_sum"], metrics[m[1]+"_count"] = labels, labels
	}
	for _, name := range docNames(t, "*.go", regexp.MustCompile(`"(caddy_ws_tunnel_[a-z_]+)"`)) {
		if _, ok := metrics[name]; !ok && metrics[name+"_count"] == nil {
			t.Errorf("%s is in the code, and docMetricsConfig does not register it", name)
		}
	}
	return metrics
}

// query is an expression of the dashboard or of an alert, and what its result
// is called there.
type query struct{ where, expr, text string }

func (q query) String() string { return q.where }

// dashboardQueries are the expressions of the panels, and the names of the
// variables that they may hold.
func dashboardQueries(t *testing.T) (all []query, variables []string) {
	t.Helper()
	var dashboard struct {
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
		Panels []struct {
			ID                       int
			Title, Type, Description string
			Datasource               struct{ UID string }
			Targets                  []struct {
				RefID, Expr, LegendFormat string
				Datasource                struct{ UID string }
			}
		}
	}
	raw, err := os.ReadFile("docs/grafana/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, v := range dashboard.Templating.List {
		variables = append(variables, v.Name)
		if v.Type == "query" {
			// label_values(<metric>, <label>)
			expr := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`).ReplaceAllString(v.Definition, "count by ($2) ($1)")
			all = append(all, query{"variable " + v.Name, expr, ""})
		}
	}
	if !slices.Contains(variables, "datasource") {
		t.Error("the dashboard has no variable for its data source")
	}
	ids := make(map[int]bool)
	for _, p := range dashboard.Panels {
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && (len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" || p.Description == "") {
			t.Errorf("panel %q has no query, no description, or a data source of its own", p.Title)
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" {
				t.Errorf("panel %q asks another data source", p.Title)
			}
			all = append(all, query{"panel " + p.Title + " " + target.RefID, target.Expr, target.LegendFormat})
		}
	}
	return all, variables
}

func alertQueries(t *testing.T) (all []query) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	raw, err := os.Open("docs/grafana/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	decoder := yaml.NewDecoder(raw)
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if !slices.Contains([]string{"critical", "warning", "info"}, rule.Labels["severity"]) {
				t.Errorf("alert %s has the severity %q", rule.Alert, rule.Labels["severity"])
			}
			if rule.Annotations["summary"] == "" || rule.Annotations["runbook"] == "" {
				t.Errorf("alert %s has no summary or no runbook", rule.Alert)
			}
			if slices.ContainsFunc(all, func(q query) bool { return q.where == "alert "+rule.Alert }) {
				t.Errorf("two alerts are called %s", rule.Alert)
			}
			all = append(all, query{"alert " + rule.Alert, rule.Expr, rule.Annotations["summary"] + rule.Annotations["runbook"]})
		}
	}
	return all
}

// TestDocMetrics holds the dashboard, the alerts and the pages against the
// metrics that the code registers, both ways.
func TestDocMetrics(t *testing.T) {
	metrics := registeredMetrics(t)
	panels, variables := dashboardQueries(t)
	alerts := alertQueries(t)
	if len(panels) == 0 || len(alerts) == 0 {
		t.Fatalf("%d panels, %d alerts", len(panels), len(alerts))
	}
	shown := make(map[string]bool)
	for _, q := range panels {
		for _, name := range checkQuery(t, q, metrics, variables) {
			if !strings.HasPrefix(q.where, "variable ") {
				shown[metricOf(name)] = true
			}
		}
	}
	for _, q := range alerts {
		checkQuery(t, q, metrics, nil)
	}
	var pages strings.Builder
	for _, page := range docPages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		pages.Write(text)
	}
	for series := range metrics {
		name := metricOf(series)
		if !shown[name] {
			t.Errorf("no panel shows %s", name)
		}
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(pages.String()) {
			t.Errorf("no page explains %s", name)
		}
	}
}

// metricOf is the metric that a series belongs to.
func metricOf(series string) string {
	return regexp.MustCompile(`_seconds_(?:bucket|sum|count)$`).ReplaceAllString(series, "_seconds")
}

// checkQuery fails the test if an expression names a metric or a label that
// there is not, and returns the metrics that it names. It knows as much of
// PromQL as is used here.
func checkQuery(t *testing.T, q query, metrics map[string][]string, variables []string) (names []string) {
	t.Helper()
	used, err := readQuery(q.expr, variables)
	if err != nil {
		t.Errorf("%s: %v", q, err)
		return nil
	}
	known := []string{"job", "instance"} // that Prometheus adds
	for _, s := range used.selectors {
		labels, ok := metrics[s.metric]
		if !ok {
			t.Errorf("%s: there is no metric %s", q, s.metric)
			continue
		}
		names = append(names, s.metric)
		known = append(known, labels...)
		for label, values := range s.labels {
			if !slices.Contains(labels, label) && !slices.Contains(known[:2], label) {
				t.Errorf("%s: %s has no label %s", q, s.metric, label)
			}
			if label == "reason" || label == "step" {
				checkValues(t, q, values)
			}
		}
	}
	if len(names) == 0 {
		t.Errorf("%s names no metric", q)
	}
	for _, label := range used.by {
		if !slices.Contains(known, label) {
			t.Errorf("%s: none of its metrics has a label %s", q, label)
		}
	}
	result := used.by // what is left of the labels
	if len(result) == 0 {
		result = known
	}
	for _, m := range regexp.MustCompile(`\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}`).FindAllStringSubmatch(q.text, -1) {
		if !slices.Contains(result, m[1]) {
			t.Errorf("%s is called by the label %s, which its result does not have", q, m[1])
		}
	}
	return names
}

// checkValues fails the test if a pattern of reasons or steps holds one that
// the reference does not explain.
func checkValues(t *testing.T, q query, pattern string) {
	t.Helper()
	page, err := os.ReadFile("docs/ws_tunnel.md")
	if err != nil {
		t.Fatal(err)
	}
	for value := range strings.SplitSeq(pattern, "|") {
		if !strings.Contains(string(page), "`"+value+"`") {
			t.Errorf("%s: docs/ws_tunnel.md does not explain %q", q, value)
		}
	}
}

// usedNames are the names in an expression of PromQL.
type usedNames struct {
	selectors []selector
	by        []string
}

type selector struct {
	metric string
	labels map[string]string
}

var (
	promVariable = regexp.MustCompile(`\$(\w+)`)
	promRange    = regexp.MustCompile(`\[(?:\d+[smhd]|\$__(?:rate_interval|range))\]|\boffset \d+[smhd]\b`)
	promBy       = regexp.MustCompile(`\bby \(([\w, ]+)\)`)
	promSelector = regexp.MustCompile(`([a-zA-Z_:][\w:]*)(?:\{([^{}]*)\}|( ?\())?`)
	promMatcher  = regexp.MustCompile(`^(\w+)(?:=|!=|=~|!~)"([^"]*)"$`)
	promRest     = regexp.MustCompile(`^(?:[-+*/<>=(), \n]|\d+(?:\.\d+)?)*$`)
)

// readQuery finds the names in expr, part by part. A word is a function if a
// parenthesis follows it, an operator, or else a metric.
func readQuery(expr string, variables []string) (used usedNames, err error) {
	for _, m := range promVariable.FindAllStringSubmatch(expr, -1) {
		if !strings.HasPrefix(m[1], "__") && !slices.Contains(variables, m[1]) {
			return used, fmt.Errorf("there is no variable $%s", m[1])
		}
	}
	rest := promRange.ReplaceAllString(expr, "")
	for _, m := range promBy.FindAllStringSubmatch(rest, -1) {
		used.by = append(used.by, strings.Split(m[1], ", ")...)
	}
	rest = promBy.ReplaceAllString(rest, "")
	for _, m := range promSelector.FindAllStringSubmatch(rest, -1) {
		if m[3] != "" || slices.Contains([]string{"and", "or", "unless", "sum", "min", "max", "count"}, m[1]) {
			continue // the aggregations had a by
		}
		s := selector{metric: m[1], labels: map[string]string{}}
		for matcher := range strings.SplitSeq(m[2], ", ") {
			parts := promMatcher.FindStringSubmatch(matcher)
			if parts == nil && m[2] != "" {
				return used, fmt.Errorf("cannot read the matcher %s", matcher)
			}
			if parts != nil {
				s.labels[parts[1]] = parts[2]
			}
		}
		used.selectors = append(used.selectors, s)
	}
	rest = promSelector.ReplaceAllString(rest, "$3")
	if !promRest.MatchString(rest) {
		return used, fmt.Errorf("cannot read %q", rest)
	}
	if strings.Count(rest, "(") != strings.Count(rest, ")") {
		return used, errors.New("its parentheses are not balanced")
	}
	return used, nil
}
