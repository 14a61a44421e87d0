// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	// maxIncludes is how deep files include one another, and maxFolders how deep
	// included folders are gone into. Both are httpd's.
	maxIncludes = 128
	maxFolders  = 128
)

// inclusion is one Include or IncludeOptional while it is executed.
type inclusion struct {
	*parser
	at       Position
	optional bool
	nodes    *[]*Node // where what is included goes
	folders  int      // how deep
}

// include executes Include and IncludeOptional.
func (p *parser) include(n *Node, optional bool, nodes *[]*Node) {
	if len(n.Args) != 1 || n.Args[0] == "" {
		p.errorf(n.Position, `%s takes one path; one with spaces in it needs "quotation marks"`, n.Name)
		return
	}
	i := &inclusion{parser: p, at: n.Position, optional: optional, nodes: nodes}
	name := p.absolute(n.Args[0])
	if !wild(name) {
		i.path(name)
		return
	}
	folder := ""
	if rest, ok := strings.CutPrefix(name, "/"); ok {
		folder, name = "/", rest
	}
	i.match(folder, name)
}

// wild says whether a path, or a part of one, has wildcards in it.
func wild(name string) bool {
	class := false
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '\\':
			i++
		case '*', '?':
			return true
		case '[':
			class = true
		case ']':
			if class {
				return true
			}
		}
	}
	return false
}

// match includes what matches a pattern below a folder.
func (i *inclusion) match(folder, pattern string) {
	pattern, rest, more := strings.Cut(pattern, "/")
	if !wild(pattern) {
		if more {
			i.match(path.Join(folder, pattern), rest)
		} else {
			i.path(path.Join(folder, pattern))
		}
		return
	}
	// path.Match writes a negated class as httpd also does.
	classes := strings.ReplaceAll(pattern, "[!", "[^")
	if _, err := path.Match(classes, ""); err != nil {
		i.errorf(i.at, "the pattern %s: %v", pattern, err)
		return
	}
	entries, ok := i.entries(folder)
	if !ok {
		return
	}
	matched := false
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		hidden := strings.HasPrefix(entry.Name(), ".") && !strings.HasPrefix(pattern, ".")
		// Symbolic links to folders are none here.
		if ok, _ := path.Match(classes, entry.Name()); !ok || hidden || more && !entry.IsDir() {
			continue
		}
		matched = true
		if more {
			i.match(name, rest)
		} else {
			i.path(name)
		}
	}
	if !matched && !i.optional {
		i.errorf(i.at, "no file matches %s in %s; IncludeOptional does not need one", pattern, folder)
	}
}

// entries lists a folder, sorted by name.
func (i *inclusion) entries(folder string) (entries []fs.DirEntry, ok bool) {
	err := fs.ErrNotExist
	if i.options.FS != nil {
		entries, err = fs.ReadDir(i.options.FS, inFS(folder))
	}
	if err != nil && !(i.optional && errors.Is(err, fs.ErrNotExist)) {
		i.errorf(i.at, "the folder %s: %s", folder, cause(err))
	}
	return entries, err == nil
}

// path includes a file, or all that is in a folder, hidden files too.
func (i *inclusion) path(name string) {
	if i.stopped {
		return
	}
	info, err := i.stat(name)
	switch {
	case err != nil && i.optional: // whatever the reason
	case errors.Is(err, fs.ErrNotExist):
		i.missing(name)
	case err != nil:
		i.errorf(i.at, "the file %s: %s", name, cause(err))
	case info.IsDir():
		if i.folders++; i.folders > maxFolders {
			i.fatal(i.at, "the folder %s is more than %d deep", name, maxFolders)
			return
		}
		entries, _ := i.entries(name)
		for _, entry := range entries {
			i.path(path.Join(name, entry.Name()))
		}
		i.folders--
	case name == "/dev/null":
	case !info.Mode().IsRegular():
		i.errorf(i.at, "%s is not a regular file", name)
	default:
		text, err := i.read(name)
		if err != nil {
			i.errorf(i.at, "the file %s: %s", name, cause(err))
			return
		}
		i.file(name, text)
	}
}

// missing is for a file that has to exist and does not.
func (i *inclusion) missing(name string) {
	if i.options.Missing != nil {
		if text, ok := i.options.Missing(name); ok {
			i.warnf(i.at, "%s does not exist; what is known of it takes its place", name)
			i.file(name, text)
			return
		}
	}
	i.errorf(i.at, "the file %s does not exist; IncludeOptional does not need it", name)
}

// read reads a file, and no more of it than may be used.
func (i *inclusion) read(name string) ([]byte, error) {
	f, err := i.options.FS.Open(inFS(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(i.left)+1))
}

// file includes a text, unless that would go on for ever: a file that is
// included while it is read decides as it did before if nothing has changed.
func (i *inclusion) file(name string, text []byte) {
	for _, r := range i.reading {
		if r.name == name && r.changes == i.changes {
			i.errorf(i.at, "a file that includes itself: %s", i.chain(name))
			return
		}
	}
	if len(i.reading) > maxIncludes {
		i.fatal(i.at, "files include one another more than %d deep: %s", maxIncludes, i.chain(name))
		return
	}
	i.parser.file(name, text, i.nodes)
}

// chain shows how the files that are open came to include name.
func (i *inclusion) chain(name string) string {
	const most = 8
	names := []string{name}
	for _, r := range slices.Backward(i.reading) {
		if len(names) == most {
			names = append(names, "…")
			break
		}
		if names = append(names, r.name); r.name == name {
			break
		}
	}
	slices.Reverse(names)
	return strings.Join(names, " → ")
}

// cause is an error without the path, which the message has in its own form.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
