// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
)

// maxFile is how large a file may be whose contents are asked for, as in httpd.
const maxFile = 10 << 20

// fileContents is file(name).
func fileContents(_ *evaluation, name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("file: %w", err)
	}
	if !info.Mode().IsRegular() { // reading a FIFO may take for ever
		return "", fmt.Errorf("file: %s is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("file: %w", err)
	}
	defer f.Close()
	contents, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", fmt.Errorf("file: %w", err)
	}
	if len(contents) > maxFile {
		return "", fmt.Errorf("file: %s is larger than %d bytes", name, maxFile)
	}
	return string(contents), nil
}

// fileSize is filesize(name), 0 for what is no file.
func fileSize(_ *evaluation, name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return "0", nil
	}
	return strconv.FormatInt(info.Size(), 10), nil
}

// fileTest is one of -d -e -f -s -L -h and -x.
func fileTest(stat func(string) (fs.FileInfo, error), is func(fs.FileInfo) bool) test {
	return func(_ *evaluation, name string) (bool, error) {
		info, err := stat(name)
		return err == nil && is(info), nil
	}
}

func exists(fs.FileInfo) bool         { return true }
func isRegular(i fs.FileInfo) bool    { return i.Mode().IsRegular() }
func hasContents(i fs.FileInfo) bool  { return i.Mode().IsRegular() && i.Size() > 0 }
func isSymlink(i fs.FileInfo) bool    { return i.Mode()&fs.ModeSymlink != 0 }
func isExecutable(i fs.FileInfo) bool { return i.Mode().Perm()&0o111 != 0 }

// servedFile is -F: whether a file is there, and a request for it would be let
// through. Only of the file that this request is for is that known, since its
// rules are about to decide; of any other that is there it is not.
func servedFile(e *evaluation, name string) (bool, error) {
	if _, err := os.Stat(name); err != nil {
		return false, nil
	}
	if name != e.Filename {
		return false, fmt.Errorf("-F %q: whether a request for another file would be let through is not known", name)
	}
	return true, nil
}

// servedPath is -U and -A: whether a request for a path would be let through. Only
// of the path of this request is that known.
func servedPath(e *evaluation, path string) (bool, error) {
	if path != e.URI {
		return false, fmt.Errorf("-U %q: whether a request for another path would be let through is not known", path)
	}
	return true, nil
}
