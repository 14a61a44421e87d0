// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// placing is where in a matcher's config placeholders of a request may be.
type placing int

const (
	nowhere placing = iota
	anywhere
	inKeys
	inSets // that are nested
	inCode
)

// askable are the matchers that look at nothing but what a tunnel keeps of its
// request, the time, and switches.
var askable = map[string]placing{
	"client_ip": nowhere, "header_regexp": nowhere, "method": nowhere, "path_regexp": nowhere,
	"protocol": nowhere, "remote_ip": nowhere, "time_window": nowhere, "url_pattern": nowhere, "ws_switch": nowhere,
	"header": anywhere, "host": anywhere, "path": anywhere, "proxy_header": anywhere,
	"query": anywhere, "vars": anywhere, "websocket": anywhere,
	"vars_regexp": inKeys, "not": inSets, "expression": inCode,
}

// checkAskable finds what could not be asked again about a tunnel. There it
// would be false for ever, or, under a not, true.
func checkAskable(sets []caddy.ModuleMap) error {
	if len(sets) == 0 {
		return errors.New("there are no matchers")
	}
	for _, set := range sets {
		if len(set) == 0 {
			return errors.New("a set without matchers would match everything")
		}
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if err := checkAskableMatcher(name, set[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkAskableMatcher(name string, config json.RawMessage) error {
	placing, ok := askable[name]
	if !ok {
		return fmt.Errorf("the matcher %s cannot be asked again about a tunnel, only %s", name, strings.Join(slices.Sorted(maps.Keys(askable)), ", "))
	}
	var err error
	switch placing {
	case inSets:
		var sets []caddy.ModuleMap
		if err = json.Unmarshal(config, &sets); err == nil {
			return checkAskable(sets) // which names the matcher
		}
	case inCode:
		err = checkAskableExpression(config)
	case anywhere, inKeys:
		var value any
		if err = json.Unmarshal(config, &value); err == nil {
			err = checkAskableTexts(value, placing)
		}
	}
	if err != nil {
		return fmt.Errorf("the matcher %s: %w", name, err)
	}
	return nil
}

func checkAskableTexts(value any, placing placing) (err error) {
	switch value := value.(type) {
	case string:
		if placing == inKeys {
			return nil
		}
		return checkAskableText(value)
	case []any:
		for _, element := range value {
			err = cmp.Or(err, checkAskableTexts(element, placing))
		}
	case map[string]any:
		for key, element := range value {
			err = cmp.Or(err, checkAskableText(key), checkAskableTexts(element, placing))
		}
	}
	return err
}

// checkAskableText has Caddy say which placeholders there are.
func checkAskableText(text string) (err error) {
	repl := caddy.NewEmptyReplacer()
	repl.Map(func(name string) (any, bool) {
		err = cmp.Or(err, checkAskablePlaceholder(name))
		return "", true
	})
	repl.ReplaceAll(text, "")
	return err
}

func checkAskablePlaceholder(name string) error {
	has := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	if slices.ContainsFunc([]string{"http.request.tls.", "http.request.body", "http.request.uuid"}, has) {
		return fmt.Errorf("the placeholder {%s} cannot be asked again about a tunnel", name)
	}
	if slices.ContainsFunc([]string{"http.request.", "http.vars.", proxyFactsPrefix, "env.", "file.", "system.", "time."}, has) {
		return nil
	}
	return fmt.Errorf("the placeholder {%s} cannot be asked again about a tunnel; those of the request, http.vars and http.proxy_header can", name)
}
