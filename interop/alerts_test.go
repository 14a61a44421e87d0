// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const alertFile = "../docs/grafana/alerts.yaml"

// alertCase is what Prometheus has scraped each minute, and the labels of the alert
// that fires then. Without labels none does.
type alertCase struct {
	alert, at, series string
	labels            []string
}

// alertCases leave out what all have: the metrics' prefix, the job, and the instance
// if that is gw:2019.
var alertCases = []alertCase{
	{"WsTunnelNoOrigin", "5m", `
		origin_up{name="chat", origin="ws://a:1"} 1x2 0x20
		origin_up{name="chat", origin="ws://b:1"} 1x1 0x20
		origin_up{name="feed", origin="ws://c:1"} 0x20
		origin_up{name="feed", origin="ws://d:1"} 1x20`, []string{"instance=gw:2019", "name=chat"}},
	{"WsTunnelOriginDown", "8m", `
		origin_up{name="chat", origin="ws://a:1"} 1 0x20
		origin_up{name="chat", origin="ws://b:1"} 1x20`, []string{"instance=gw:2019", "name=chat", "origin=ws://a:1"}},
	// Another handler refuses what clients do wrong.
	{"WsTunnelHandshakesFail", "20m", `
		refused_total{name="chat", reason="dial_failed"} 0+6x30
		opened_total{name="chat"} 0+60x30
		refused_total{name="feed", reason="bad_key"} 0+60x30`, []string{"name=chat"}},
	// None has ever been opened.
	{"WsTunnelHandshakesFail", "20m", `
		refused_total{name="chat", reason="no_origin"} 0+6x30`, []string{"name=chat"}},
	// Few of many.
	{"WsTunnelHandshakesFail", "20m", `
		refused_total{name="chat", reason="dial_failed"} 0+1x30
		opened_total{name="chat"} 0+60x30`, nil},
	{"WsTunnelOriginRefuses", "40m", `
		refused_total{name="chat", reason="origin_refused"} 0+20x60
		opened_total{name="chat"} 0+30x60`, []string{"name=chat"}},
	// Few of many.
	{"WsTunnelOriginRefuses", "40m", `
		refused_total{name="chat", reason="origin_refused"} 0+20x60
		opened_total{name="chat"} 0+300x60`, nil},
	// The count is new.
	{"WsTunnelNoLocalPort", "4m", `
		refused_total{name="chat", reason="no_local_port"} _ _ _ 5 5 5`, []string{"instance=gw:2019", "name=chat", "reason=no_local_port"}},
	// It grows.
	{"WsTunnelNoLocalPort", "20m", `
		refused_total{name="chat", reason="no_local_port"} 5x17 9x9`, []string{"instance=gw:2019", "name=chat", "reason=no_local_port"}},
	// It has not grown for long.
	{"WsTunnelNoLocalPort", "20m", `
		refused_total{name="chat", reason="no_local_port"} 5x30`, nil},
	{"WsTunnelLimited", "20m", `
		refused_total{name="chat", reason="limit"} 0+120x30`, []string{"instance=gw:2019", "name=chat", "reason=limit"}},
	{"WsTunnelHandshakeSlow", "30m", `
		handshake_seconds_bucket{name="chat", step="wait", le="1"} 0+90x40
		handshake_seconds_bucket{name="chat", step="wait", le="2.5"} 0+100x40
		handshake_seconds_bucket{name="chat", step="wait", le="+Inf"} 0+100x40`, []string{"name=chat", "step=wait"}},
	// By a drain it may.
	{"WsTunnelsFall", "12m", `
		active{name="chat"} 1000x9 400x9
		draining{name="chat"} 0x20
		active{name="drained"} 1000x9 400x9
		draining{name="drained"} 0x7 600 300 0x20`, []string{"instance=gw:2019", "name=chat"}},
	{"WsTunnelsShort", "40m", `
		lifetime_seconds_bucket{name="chat", le="5.0"} 0+60x60
		lifetime_seconds_count{name="chat"} 0+90x60`, []string{"name=chat"}},
	{"WsTunnelPeersVanish", "60m", `
		ended_total{name="chat", reason="client_gone"} 0+60x90
		ended_total{name="chat", reason="client_closed"} 0+30x90`, []string{"name=chat"}},
	{"WsTunnelProtocolErrors", "40m", `
		ended_total{name="chat", reason="protocol_error"} 0+12x60`, []string{"name=chat"}},
	{"WsTunnelDrainLong", "40m", `
		draining{name="chat"} 3x60`, []string{"instance=gw:2019", "name=chat"}},
	{"WsTunnelProxyHeadersRejected", "30m", `
		proxy_headers_total{outcome="rejected:no-signature"} 0+12x60
		proxy_headers_total{outcome="accepted"} 0+120x60`, []string{"instance=gw:2019", "outcome=rejected:no-signature"}},
	{"WsTunnelSwitchForgotten", "70m", `
		switch_on{instance="a:2019", switch="chat"} 0x90
		switch_on{instance="b:2019", switch="chat"} 0x90
		switch_on{instance="a:2019", switch="feed"} 0x50 1x40`, []string{"switch=chat"}},
	{"WsTunnelSwitchStorage", "5m", `
		switch_storage_up{} 1x1 0x9`, []string{"instance=gw:2019"}},
}

type alertRule struct {
	Alert       string
	Labels      map[string]string
	Annotations map[string]string
}

// TestAlertRules has promtool say that each alert fires for what it is about, with
// the words that it should have, and not for what only looks like it.
func TestAlertRules(t *testing.T) {
	text, err := os.ReadFile(alertFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []alertRule } }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(alertFile)
	if err != nil {
		t.Fatal(err)
	}
	start(t, "", nil, "promtool", "check", "rules", path).succeeds(t)
	var tests []any
	for _, rule := range file.Groups[0].Rules {
		fires := false
		for _, c := range alertCases {
			if c.alert == rule.Alert {
				fires = fires || c.labels != nil
				tests = append(tests, c.forPromtool(rule))
			}
		}
		if !fires {
			t.Errorf("no case in which %s fires", rule.Alert)
		}
	}
	if len(tests) != len(alertCases) {
		t.Errorf("%d cases of %d are of alerts that there are", len(tests), len(alertCases))
	}
	input, err := yaml.Marshal(map[string]any{"rule_files": []string{path}, "evaluation_interval": "1m", "tests": tests})
	if err != nil {
		t.Fatal(err)
	}
	start(t, "", nil, "promtool", "test", "rules", writeConfig(t, string(input), nil)).succeeds(t)
}

var alertLabel = regexp.MustCompile(`\{\{ \$labels\.(\w+) \}\}`)

// forPromtool is the case as promtool's unit tests have it.
func (c alertCase) forPromtool(rule alertRule) map[string]any {
	var series []map[string]string
	for line := range strings.Lines(c.series) {
		name, rest, found := strings.Cut(strings.TrimSpace(line), "{")
		if !found {
			continue
		}
		labels, values, _ := strings.Cut(rest, "} ")
		for label, value := range map[string]string{"instance": "gw:2019", "job": "caddy"} {
			if !strings.Contains(labels, label+"=") {
				labels = fmt.Sprintf("%s=%q, %s", label, value, labels)
			}
		}
		series = append(series, map[string]string{"series": "caddy_ws_tunnel_" + name + "{" + strings.TrimSuffix(labels, ", ") + "}", "values": values})
	}
	fires := []any{}
	if c.labels != nil {
		labels := map[string]string{"job": "caddy", "severity": rule.Labels["severity"]}
		for _, label := range c.labels {
			name, value, _ := strings.Cut(label, "=")
			labels[name] = value
		}
		annotations := make(map[string]string)
		for name, text := range rule.Annotations {
			annotations[name] = alertLabel.ReplaceAllStringFunc(text, func(found string) string {
				return labels[alertLabel.FindStringSubmatch(found)[1]]
			})
		}
		fires = append(fires, map[string]any{"exp_labels": labels, "exp_annotations": annotations})
	}
	return map[string]any{
		"interval": "1m", "input_series": series,
		"alert_rule_test": []any{map[string]any{"eval_time": c.at, "alertname": c.alert, "exp_alerts": fires}},
	}
}
