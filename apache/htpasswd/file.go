// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package htpasswd

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxSize is how large a file may be. httpd has no limit, but also keeps nothing
// in memory.
const maxSize = 64 << 20

// unsettled is how old a change must be when a file is read, so that a second
// change would show: times of files are not finer than that everywhere.
const unsettled = 2 * time.Second

// file is a file that is read again when it changes. Those who ask while it is
// read anew wait; whoever replaces it by renaming keeps nobody out.
type file[T any] struct {
	path  string
	parse func(text []byte) T

	reading sync.Mutex
	last    atomic.Pointer[snapshot[T]]
}

// snapshot is a file as it was read.
type snapshot[T any] struct {
	info    fs.FileInfo
	settled bool
	content T
}

func (f *file[T]) content() (content T, err error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return content, err
	}
	if s := f.last.Load(); s != nil && s.is(info) {
		return s.content, nil
	}
	f.reading.Lock()
	defer f.reading.Unlock()
	if s := f.last.Load(); s != nil && s.is(info) {
		return s.content, nil // read meanwhile
	}
	s, err := f.read()
	if err != nil {
		return content, err
	}
	f.last.Store(s)
	return s.content, nil
}

func (f *file[T]) read() (*snapshot[T], error) {
	now := time.Now()
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	info, err := opened.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", f.path)
	}
	text, err := io.ReadAll(io.LimitReader(opened, maxSize+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxSize:
		return nil, fmt.Errorf("%s is larger than %d MiB", f.path, maxSize>>20)
	}
	return &snapshot[T]{info: info, settled: now.Sub(info.ModTime()) > unsettled, content: f.parse(text)}, nil
}

// is says whether the file has not changed since.
func (s *snapshot[T]) is(info fs.FileInfo) bool {
	return s.settled && os.SameFile(s.info, info) && s.info.ModTime().Equal(info.ModTime()) && s.info.Size() == info.Size()
}
