// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package htpasswd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	secretMD5  = "$apr1$JgONC1yF$BFnO7I2RmXmVrSbKfIHYM1" // of "secret"
	secretSHA  = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
	gruesseSHA = "{SHA}9kl1HW4btG+MhqjgMAI3wz3wcHQ=" // of "Grüße"
)

// What httpd makes of such a file is measured, the empty name aside, which it
// takes for one.
func TestCheck(t *testing.T) {
	t.Parallel()
	path := write(t, strings.Join([]string{
		"# users",
		"#ghost:" + secretSHA,
		"",
		"  ann:" + secretMD5 + "  ",
		"bob:" + secretSHA + ":behind:it",
		"bob:" + gruesseSHA,
		"cid::" + secretSHA,
		"dot.com@x y:" + secretSHA,
		"plain:secret",
		"none",
		"empty:",
		"split:{SHA}5en6G6Mez\\",
		"RroT3XKqkdPOmY/BfQ=",
		":" + secretSHA,
		"last:" + secretSHA,
	}, "\r\n"))
	p := NewFiles().Passwords(path)
	for _, tc := range []struct {
		user, password string
		known, ok, err bool
	}{
		{"ann", "secret", true, true, false},
		{"ann", "secret", true, true, false},
		{"ann", "Secret", true, false, false},
		{"Ann", "secret", false, false, false},
		{" ann", "secret", false, false, false},
		{"bob", "secret", true, true, false},
		{"bob", "Grüße", true, false, false},
		{"cid", "secret", true, true, false},
		{"dot.com@x y", "secret", true, true, false},
		{"plain", "secret", true, false, true},
		{"none", "", true, false, true},
		{"empty", "", true, false, true},
		{"split", "secret", true, true, false},
		{"", "secret", false, false, false},
		{"#ghost", "secret", false, false, false},
		{"ghost", "secret", false, false, false},
		{"last", "secret", true, true, false},
	} {
		known, ok, err := p.Check(tc.user, tc.password)
		if known != tc.known || ok != tc.ok || (err != nil) != tc.err {
			t.Errorf("%s, %s: got %v, %v, %v", tc.user, tc.password, known, ok, err)
		}
		if strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: the error tells the password: %v", tc.user, err)
		}
	}
}

// Each change is felt by the next request, even one that leaves time and size as
// they were, right after the file was written.
func TestChanges(t *testing.T) {
	t.Parallel()
	path := write(t, "ann:"+secretSHA+"\n")
	p := NewFiles().Passwords(path)
	want := func(password string, want bool) {
		t.Helper()
		if _, ok, err := p.Check("ann", password); ok != want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", password, ok, err, want)
		}
	}
	want("secret", true)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, path, "ann:"+gruesseSHA+"\n")
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	want("secret", false)
	want("Grüße", true)

	// An old file that is replaced by another as old.
	old := time.Now().Add(-time.Hour)
	overwrite(t, path, "ann:"+secretSHA+"\n")
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	want("secret", true)
	if s := p.file.last.Load(); !s.settled {
		t.Error("a file of an hour ago is read each time")
	}
	other := write(t, "ann:"+gruesseSHA+"\n")
	if err := os.Chtimes(other, old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	want("secret", false)
	want("Grüße", true)
	overwrite(t, path, "")
	if known, ok, err := p.Check("ann", "Grüße"); known || ok || err != nil {
		t.Errorf("in an empty file: got %v, %v, %v", known, ok, err)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	path := write(t, "ann:"+secretSHA+"\n")
	files := NewFiles()
	p := files.Passwords(path)
	if _, ok, err := p.Check("ann", "secret"); !ok || err != nil {
		t.Fatalf("got %v, %v", ok, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := p.Check("ann", "secret"); ok || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the file: got %v, %v", ok, err)
	}
	folder := files.Passwords(t.TempDir())
	if _, ok, err := folder.Check("ann", "secret"); ok || err == nil {
		t.Errorf("a folder: got %v, %v", ok, err)
	}
	if _, err := files.Groups(path).Member("ann", []string{"g"}); err == nil {
		t.Error("no error for a group file that is not there")
	}
	overwrite(t, path, "ann:"+secretSHA+"\n")
	if _, ok, err := p.Check("ann", "secret"); !ok || err != nil {
		t.Errorf("when it is back: got %v, %v", ok, err)
	}
}

// The file is replaced while many ask. At each time it has ann with one of two
// passwords, so that one of them always is right.
func TestReplacedWhileServing(t *testing.T) {
	t.Parallel()
	path := write(t, "ann:"+secretSHA+"\n")
	p := NewFiles().Passwords(path)
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for range 200 {
				if known, _, err := p.Check("ann", "secret"); !known || err != nil {
					t.Errorf("got %v, %v", known, err)
				}
			}
		})
	}
	for i := range 50 {
		hash := []string{secretSHA, gruesseSHA}[i%2]
		other := filepath.Join(filepath.Dir(path), "new")
		overwrite(t, other, "ann:"+hash+"\n")
		if err := os.Rename(other, path); err != nil {
			t.Fatal(err)
		}
	}
	asking.Wait()
	if _, ok, err := p.Check("ann", "Grüße"); !ok || err != nil {
		t.Errorf("the last one: got %v, %v", ok, err)
	}
}

func TestMember(t *testing.T) {
	t.Parallel()
	path := write(t, "# groups\nadmin: ann bob\nadmin : cid\nlong:dan \\\n  eve\n\"quoted\": fay\nspaces: \"gil b\"\nnobody:\n")
	g := NewFiles().Groups(path)
	for _, tc := range []struct {
		user   string
		groups []string
		want   bool
	}{
		{"ann", []string{"admin"}, true},
		{"bob", []string{"x", "admin"}, true},
		{"cid", []string{"admin"}, true},
		{"dan", []string{"long"}, true},
		{"eve", []string{"long"}, true},
		{"fay", []string{`"quoted"`}, true},
		{"gil b", []string{"spaces"}, true},
		{"gil", []string{"spaces"}, false},
		{"ann", []string{"long"}, false},
		{"ann", []string{"Admin"}, false},
		{"", []string{"nobody", "admin"}, false},
		{"ann", nil, false},
	} {
		if got, err := g.Member(tc.user, tc.groups); got != tc.want || err != nil {
			t.Errorf("%q in %q: got %v, %v", tc.user, tc.groups, got, err)
		}
	}
}

// A login is not verified anew, but only as long as the entry is the same, and
// for the same user.
func TestVerified(t *testing.T) {
	t.Parallel()
	v := newVerified()
	key := v.key("ann", secretMD5, "secret")
	v.add(key)
	if !v.has(v.key("ann", secretMD5, "secret")) {
		t.Error("the login is not remembered")
	}
	for _, parts := range [][]string{
		{"ann", secretSHA, "secret"}, {"bob", secretMD5, "secret"}, {"ann", secretMD5, "Secret"}, {"an", "n" + secretMD5, "secret"},
	} {
		if v.has(v.key(parts...)) {
			t.Errorf("%q is taken for it", parts)
		}
	}
	if newVerified().key("ann", secretMD5, "secret") == key {
		t.Error("two keys are the same")
	}
	for i := range 2 * maxVerified {
		v.add(v.key(fmt.Sprint(i)))
	}
	if len(v.logins) != maxVerified {
		t.Errorf("%d logins are remembered", len(v.logins))
	}
}

// Whoever is not in the file costs what the slowest entry costs.
func TestSlowest(t *testing.T) {
	t.Parallel()
	bcrypted := "$2y$05$BrWZFQPcfQZZYHJq1R9k0u2gKJm.RwuT3zB3VWrnX0yP5r7GKcixK"
	for _, tc := range []struct{ text, want string }{
		{"a:" + secretSHA + "\nb:" + bcrypted + "\nc:" + secretMD5, bcrypted},
		{"a:" + secretSHA + "\nc:" + secretMD5, secretMD5},
		{"a:$5$rounds=9000$s$h\nb:$6$s$h", "$5$rounds=9000$s$h"},
		{"a:" + secretSHA, secretSHA},
		{"", ""},
	} {
		if got := parseUsers([]byte(tc.text)).slowest; got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.text, got, tc.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"a:b\n", "\\\n\\", "a::b:c", "g: a \"b c\n", "#x\n :\n", "a:" + strings.Repeat("x", 9000) + "\\\nb:c"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, hash := range parseUsers(text).entries {
			if name == "" || strings.ContainsAny(name+hash, ":\n") || name[0] == '#' {
				t.Errorf("%q: %q", name, hash)
			}
		}
		for m := range parseGroups(text) {
			if strings.Contains(m.user+m.group, "\n") {
				t.Errorf("%+v", m)
			}
		}
	})
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "htpasswd")
	overwrite(t, path, text)
	return path
}

func overwrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
