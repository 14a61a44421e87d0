// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"path"
	"strings"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/expr"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/regex"
)

// Matcher says whether a section is for a path, which is that of a request for
// <Location>, of a file for <Directory> and <Files>, and a URL for <Proxy>.
type Matcher struct {
	matches   func(string) (bool, error)
	Condition *expr.Condition // of <If> and <ElseIf>
}

// Matches asks a Matcher without Condition.
func (m Matcher) Matches(name string) (bool, error) { return m.matches(name) }

// Compile makes the matcher of a section.
func Compile(s Section) (Matcher, error) {
	switch s.Kind {
	case "if", "elseif":
		condition, err := expr.ParseCondition(s.Path)
		return Matcher{Condition: condition}, err
	case "else":
		return Matcher{}, nil
	case "locationmatch", "directorymatch", "filesmatch", "proxymatch":
		r, err := regex.Compile(s.Path, false)
		if err != nil {
			return Matcher{}, err
		}
		if s.Kind == "filesmatch" {
			return Matcher{matches: func(name string) (bool, error) { return r.Match(path.Base(name)) }}, nil
		}
		return Matcher{matches: r.Match}, nil
	}
	wildcard := strings.ContainsAny(s.Path, "*?[")
	pattern := strings.ReplaceAll(s.Path, "[!", "[^")
	if _, err := path.Match(pattern, ""); wildcard && err != nil {
		return Matcher{}, fmt.Errorf("%q has a [ without its ]", s.Path)
	}
	switch s.Kind {
	case "location":
		if wildcard {
			return Matcher{matches: func(uri string) (bool, error) { return path.Match(pattern, uri) }}, nil
		}
		return exactly(func(uri string) bool { return within(uri, s.Path) }), nil
	case "directory":
		return exactly(func(filename string) bool { return inFolder(filename, strings.TrimSuffix(pattern, "/"), wildcard) }), nil
	case "files":
		return Matcher{matches: func(filename string) (bool, error) { return path.Match(pattern, path.Base(filename)) }}, nil
	case "proxy":
		if prefix, all := strings.CutSuffix(s.Path, "*"); all && !strings.ContainsAny(prefix, "*?[") {
			return exactly(func(url string) bool { return strings.HasPrefix(url, prefix) }), nil
		}
		if wildcard {
			return Matcher{matches: func(url string) (bool, error) { return path.Match(pattern, url) }}, nil
		}
		return exactly(func(url string) bool { return strings.HasPrefix(url, s.Path) }), nil
	}
	return Matcher{}, fmt.Errorf("unknown section <%s>", s.Kind)
}

func exactly(matches func(string) bool) Matcher {
	return Matcher{matches: func(name string) (bool, error) { return matches(name), nil }}
}

// within says whether a path is the prefix or, at a slash, below it.
func within(uri, prefix string) bool {
	rest, ok := strings.CutPrefix(uri, prefix)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(prefix, "/"))
}

// inFolder says whether a file is the folder, or anywhere below it.
func inFolder(filename, folder string, wildcard bool) bool {
	if !wildcard {
		return within(filename, folder)
	}
	for dir := strings.TrimSuffix(filename, "/"); ; dir = path.Dir(dir) {
		if ok, _ := path.Match(folder, dir); ok {
			return true
		}
		if dir == "/" || dir == "." || dir == "" {
			return false
		}
	}
}
