// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// balancingOption takes one of the options that concern several origins.
func (h *Handler) balancingOption(d *caddyfile.Dispenser, option string) (err error) {
	if option == "dynamic" {
		h.DynamicRaw, err = moduleOption[reverseproxy.UpstreamSource](d, "http.reverse_proxy.upstreams", "source")
		return err
	}
	if h.LoadBalancing == nil {
		h.LoadBalancing = new(LoadBalancing)
	}
	lb := h.LoadBalancing
	switch option {
	case "lb_policy":
		lb.PolicyRaw, err = moduleOption[reverseproxy.Selector](d, "http.reverse_proxy.selection_policies", "policy")
	case "lb_retries":
		err = retriesArg(d, &lb.Retries)
	case "max_tunnels_per_origin":
		err = onlyCount(d, &lb.MaxTunnels)
	case "lb_try_duration":
		err = durationArg(d, &lb.TryDuration)
	case "lb_try_interval":
		err = durationArg(d, &lb.TryInterval)
	case "lb_slow_start":
		lb.SlowStart = new(caddy.Duration)
		err = durationArg(d, lb.SlowStart)
	case "lb_retry_status":
		lb.RetryStatus, err = statusArgs(d)
	}
	return err
}

// moduleOption takes a module of a namespace by its name, and its own options.
func moduleOption[T any](d *caddyfile.Dispenser, namespace, key string) (json.RawMessage, error) {
	if !d.NextArg() {
		return nil, d.ArgErr()
	}
	name := d.Val()
	if _, err := caddy.GetModule(namespace + "." + name); err != nil {
		var there []string
		for _, module := range caddy.GetModules(namespace) {
			there = append(there, module.ID.Name())
		}
		slices.Sort(there)
		return nil, d.Errf("there is no %s %q: use %s", key, name, strings.Join(there, ", "))
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
	if err != nil {
		return nil, err
	}
	if _, ok := module.(T); !ok {
		return nil, d.Errf("%s is of another kind: %T", name, module)
	}
	return caddyconfig.JSONModuleObject(module, key, name, nil), nil
}

// healthOption takes health, its check, and its block.
func (h *Handler) healthOption(d *caddyfile.Dispenser, f *faults) error {
	h.Health = new(HealthChecks)
	c := h.Health
	switch args := d.RemainingArgs(); {
	case len(args) == 0:
	case args[0] == checkTCP && len(args) == 1:
		c.Check = args[0]
	case (args[0] == checkHTTP || args[0] == checkWebSocket) && len(args) <= 2:
		if c.Check = args[0]; len(args) == 2 {
			c.Path = args[1]
		}
	default:
		return d.Errf("wrong health check %q: write tcp, http <path> or websocket <path>", strings.Join(args, " "))
	}
	f.look(*d)
	duration := durationReader(d)
	count := func(to *int) func() error {
		return func() error { return onlyCount(d, to) }
	}
	return f.readBlock(d, 1, "health", map[string]func() error{
		"status":        func() (err error) { c.Status, err = statusArgs(d); return err },
		"host":          func() error { return oneArg(d, &c.Host) },
		"port":          func() error { return oneArg(d, &c.Port) },
		"interval":      duration(&c.Interval),
		"timeout":       duration(&c.Timeout),
		"healthy":       count(&c.Healthy),
		"unhealthy":     count(&c.Unhealthy),
		"fail_duration": duration(&c.FailDuration),
		"max_fails":     count(&c.MaxFails),
	})
}

func retriesArg(d *caddyfile.Dispenser, to **int) error {
	var text string
	if err := oneArg(d, &text); err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return d.Errf("%q is not a whole number from 0", text)
	}
	*to = &n
	return nil
}

func onlyCount(d *caddyfile.Dispenser, to *int) (err error) {
	var text string
	if err = oneArg(d, &text); err == nil {
		*to, err = countArg(d, text)
	}
	return err
}

// statusArgs takes codes, and classes as 5xx.
func statusArgs(d *caddyfile.Dispenser) (all []int, err error) {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return nil, d.ArgErr()
	}
	for _, arg := range args {
		status, err := strconv.Atoi(strings.TrimSuffix(strings.ToLower(arg), "xx"))
		if err == nil {
			err = checkStatus(status)
		}
		if err != nil {
			return nil, d.Errf("%q is no status: write a code as 503, or 5xx for all that begin with 5", arg)
		}
		all = append(all, status)
	}
	return all, nil
}
