// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/directive"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

// htaccess reads .htaccess files where AllowOverride lets them be, and again when
// their time or size is another. Where none can be, the file system is not asked.
type htaccess struct {
	server *Handler
	places *places
	names  []string

	defines syntax.Defines

	mu    sync.Mutex
	files map[string]*accessFile // by path; guarded by mu
}

// accessFile is a .htaccess file as it was read.
type accessFile struct {
	stamp  stamp
	layer  *layer // nil: there is no file
	failed error  // the file is broken
}

// stamp tells whether a file has been changed.
type stamp struct {
	time      time.Time
	size      int64
	overrides string
}

const (
	// maxAccessFile bounds what a .htaccess file may cost.
	maxAccessFile = 1 << 20
	// maxAccessFiles bounds how many are remembered.
	maxAccessFiles = 4096
)

// newHTAccess returns nil if no section allows a .htaccess file.
func newHTAccess(h *Handler, ps *places) *htaccess {
	allowed := func(l *layer) bool { return l.dir.Files.Overrides() }
	if !slices.ContainsFunc(ps.layers.directory, allowed) {
		return nil
	}
	names := h.AccessFiles
	if len(names) == 0 {
		names = []string{".htaccess"}
	}
	ht := &htaccess{server: h, places: ps, names: names, files: make(map[string]*accessFile)}
	for name, value := range h.Defines {
		ht.defines.Set(name, value)
	}
	return ht
}

// walk goes through the folders of a file from the root. In each, the sections
// come first, since they say whether a .htaccess file may be there.
func (ht *htaccess) walk(filename string, sections func(folder string, last bool) error, add func(*layer)) error {
	for end := 0; ; {
		slash := strings.IndexByte(filename[end:], '/')
		if slash < 0 {
			return nil
		}
		end += slash + 1
		folder := filename[:end]
		if err := sections(folder, false); err != nil {
			return err
		}
		overrides := ht.places.overrides(folder)
		if len(overrides) == 0 || slices.Contains(overrides, "none") {
			continue
		}
		for _, name := range ht.names {
			l, err := ht.read(folder, name, overrides)
			if err != nil {
				return err
			}
			if l != nil {
				add(l)
				break
			}
		}
	}
}

// overrides is AllowOverride of a folder.
func (ps *places) overrides(folder string) (groups []string) {
	for _, l := range ps.layers.directory {
		if f := l.dir.Files; f != nil && f.AllowOverride != nil {
			if ok, err := l.matcher.Matches(folder); err == nil && ok {
				groups = f.AllowOverride
			}
		}
	}
	return groups
}

// read returns the layer of a .htaccess file; nil if there is none.
func (ht *htaccess) read(folder, name string, overrides []string) (*layer, error) {
	file := folder + name
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), err == nil && info.IsDir():
		return nil, nil
	case err != nil:
		// httpd answers 403 if it cannot know what the file would forbid.
		return nil, &refusal{status: 403, reason: "a .htaccess file cannot be looked for", err: err}
	}
	now := stamp{info.ModTime(), info.Size(), strings.Join(overrides, " ")}
	ht.mu.Lock()
	defer ht.mu.Unlock()
	known := ht.files[file]
	if known == nil || known.stamp != now {
		known = &accessFile{stamp: now}
		known.layer, known.failed = ht.parse(folder, file, overrides)
		if known.failed != nil {
			ht.server.logger.Error("a .htaccess file is broken", zap.String("file", file), zap.Error(known.failed))
		}
		if len(ht.files) >= maxAccessFiles {
			clear(ht.files)
		}
		ht.files[file] = known
	}
	if known.failed != nil {
		return nil, &refusal{status: 500, reason: "a .htaccess file is broken", err: known.failed}
	}
	return known.layer, nil
}

func (ht *htaccess) parse(folder, file string, overrides []string) (*layer, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxAccessFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxAccessFile {
		return nil, fmt.Errorf("it is larger than %d bytes", maxAccessFile)
	}
	dir, warnings, err := config.ReadHTAccess(file, folder, text, overrides, ht.defines)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		if c := ht.server.logger.Check(zapcore.WarnLevel, "in a .htaccess file"); c != nil {
			c.Write(zap.String("file", path.Clean(w.File)), zap.Int("line", w.Line), zap.String("warning", w.Message))
		}
	}
	l := &layer{dir: dir, kind: directive.HTAccess, walk: directoryWalk, folder: folder, name: file}
	if err := ht.places.addInner(l); err != nil {
		return nil, err
	}
	_, err = ht.places.compile(dir, folder, "")
	return l, err
}
