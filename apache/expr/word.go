// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// word is what has a text for a value.
type word interface {
	value(e *evaluation) (string, error)
}

// literal is a text in quotation marks.
type literal string

func (w literal) value(*evaluation) (string, error) { return string(w), nil }

// number is digits without quotation marks. It is not a literal, since the
// operators that need one refuse it.
type number string

func (w number) value(*evaluation) (string, error) { return string(w), nil }

// variable is %{NAME}.
type variable func(*request.Request) string

// variableNamed finds a variable. Most are those of mod_rewrite, too.
func variableNamed(name string) (word, error) {
	name = strings.ToUpper(name)
	get := request.Variable(name)
	switch name {
	case "API_VERSION":
		get = func(*request.Request) string { return "20120211" } // without the minor
	case "SERVER_ADDR":
		return nil, fmt.Errorf("%%{%s} is known to RewriteCond only", name)
	}
	if get == nil {
		return nil, fmt.Errorf("no variable is named %q", name)
	}
	return variable(get), nil
}

func (w variable) value(e *evaluation) (string, error) { return w(e.Request), nil }

// backReference is $0 to $9.
type backReference int

func (w backReference) value(e *evaluation) (string, error) {
	return regex.Group(e.matched, e.match, int(w)), nil
}

// joined is words one behind the other.
type joined []word

func (w joined) value(e *evaluation) (string, error) {
	var b strings.Builder
	for _, part := range w {
		value, err := part.value(e)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
	}
	return b.String(), nil
}

// call is a function and its argument.
type call struct {
	function func(e *evaluation, argument string) (string, error)
	argument word
}

func (w call) value(e *evaluation) (string, error) {
	argument, err := w.argument.value(e)
	if err != nil {
		return "", err
	}
	return w.function(e, argument)
}

// Interface guards
var (
	_ word = literal("")
	_ word = number("")
	_ word = variable(nil)
	_ word = backReference(0)
	_ word = joined(nil)
	_ word = call{}
)
