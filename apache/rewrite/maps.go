// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"bufio"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// lookup is what a RewriteMap makes of a key.
type lookup interface {
	lookUp(key string) (value string, ok bool)
}

// parseSource reads the second argument of RewriteMap.
func parseSource(source string) (kind, rest string, err error) {
	kind, rest, found := strings.Cut(source, ":")
	switch kind = strings.ToLower(kind); {
	case !found:
		return "txt", source, nil
	case kind == "txt", kind == "rnd":
		return kind, rest, nil
	case kind == "int":
		if internal[rest] == nil {
			return "", "", fmt.Errorf("there is no internal map %q; those there are: int:toupper, int:tolower, int:escape, int:unescape", rest)
		}
		return kind, rest, nil
	case kind == "prg", kind == "dbd", kind == "fastdbd", kind == "dbm", strings.HasPrefix(kind, "dbm="):
		return "", "", fmt.Errorf("only maps of the types txt:, rnd: and int: are supported, not %s", kind)
	}
	return "txt", source, nil
}

// open makes a map ready. Its file has to exist, as for httpd to start.
func (m Map) open() (lookup, error) {
	switch m.Type {
	case "int":
		if f := internal[m.Source]; f != nil {
			return f, nil
		}
	case "txt", "rnd":
		f := &file{name: m.Source, random: m.Type == "rnd"}
		return f, f.load()
	}
	return nil, fmt.Errorf("the map %s: there is no map %s:%s here", m.Name, m.Type, m.Source)
}

// function is an internal map.
type function func(string) (string, bool)

func (f function) lookUp(key string) (string, bool) { return f(key) }

var internal = map[string]function{
	"toupper":  func(s string) (string, bool) { return mapBytes(s, toUpper), true },
	"tolower":  func(s string) (string, bool) { return mapBytes(s, toLower), true },
	"escape":   func(s string) (string, bool) { return escapePath(s), true },
	"unescape": func(s string) (string, bool) { return unescape(s), true },
}

// unescape decodes each %xx that is one.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(c))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func mapBytes(s string, f func(byte) byte) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = f(c)
	}
	return string(b)
}

func toUpper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// file is a txt or rnd map. It is read anew when the file has changed; when the
// file is gone, there is nothing in it.
type file struct {
	name   string
	random bool

	mu      sync.Mutex
	changed time.Time
	size    int64
	values  map[string]string
}

func (f *file) lookUp(key string) (string, bool) {
	if f.load() != nil {
		return "", false
	}
	f.mu.Lock()
	value, ok := f.values[key]
	f.mu.Unlock()
	if f.random {
		values := strings.Split(value, "|")
		value = values[rand.IntN(len(values))]
	}
	return value, ok && value != ""
}

// load reads the file unless that has been done since it was changed.
func (f *file) load() error {
	info, err := os.Stat(f.name)
	if err != nil {
		return fmt.Errorf("the file of the map cannot be read: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.values != nil && info.ModTime().Equal(f.changed) && info.Size() == f.size {
		return nil
	}
	values, err := readMap(f.name)
	if err != nil {
		return fmt.Errorf("the file of the map cannot be read: %w", err)
	}
	f.values, f.changed, f.size = values, info.ModTime(), info.Size()
	return nil
}

// readMap reads lines with a key, space and a value that ends at the next space.
// The first line of a key counts. Lines that begin with # or space are none.
func readMap(name string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	values := make(map[string]string)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.IndexByte("#"+space, line[0]) >= 0 {
			continue
		}
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(space, r) })
		if len(words) < 2 {
			continue
		}
		if _, ok := values[words[0]]; !ok {
			values[words[0]] = words[1]
		}
	}
	return values, lines.Err()
}
