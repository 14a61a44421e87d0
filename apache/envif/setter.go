// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package envif

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// Setter is compiled rules. A nil one does nothing.
type Setter struct {
	rules []*compiled
	fixed []Fixed // all are set
}

// Compile prepares the rules. PassEnv takes the values that the environment has
// now. It returns nil if there is nothing to do.
func (rs *Rules) Compile() (*Setter, error) {
	if rs == nil || len(rs.If)+len(rs.Fixed) == 0 {
		return nil, nil
	}
	s := &Setter{fixed: remaining(rs.Fixed)}
	for i := range rs.If {
		c, err := rs.If[i].compile()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rs.If[i].Line, err)
		}
		s.rules = append(s.rules, c)
	}
	return s, nil
}

// remaining works out what SetEnv, UnsetEnv and PassEnv together come to.
func remaining(rules []Fixed) []Fixed {
	var set []Fixed
	for _, f := range rules {
		if f.Action == "pass" {
			var ok bool
			if f.Value, ok = os.LookupEnv(f.Name); !ok {
				continue
			}
		}
		set = slices.DeleteFunc(set, func(before Fixed) bool { return strings.EqualFold(before.Name, f.Name) })
		if f.Action != "unset" {
			set = append(set, f)
		}
	}
	return set
}

// If is mod_setenvif. An error means that it is not known what would be set.
func (s *Setter) If(r *request.Request) error {
	if s == nil {
		return nil
	}
	var name, value string
	for _, c := range s.rules {
		// Successive rules about one attribute look at it once, even if one of them
		// sets a variable of that name. So does httpd.
		if c.condition == nil && (name == "" || !strings.EqualFold(name, c.name)) {
			var err error
			if value, err = c.attribute(r); err != nil {
				return err
			}
			name = c.name
		}
		if err := c.apply(r, value); err != nil {
			return err
		}
	}
	return nil
}

// Fixed is mod_env. What is set already stays as it is.
func (s *Setter) Fixed(r *request.Request) {
	if s == nil {
		return
	}
	for _, f := range s.fixed {
		if _, ok := r.Env(f.Name); !ok {
			r.SetEnv(f.Name, f.Value)
		}
	}
}
