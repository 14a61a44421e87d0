// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package htpasswd

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/GehirnInc/crypt"
	"github.com/GehirnInc/crypt/apr1_crypt"
	"github.com/GehirnInc/crypt/md5_crypt"
	"github.com/GehirnInc/crypt/sha256_crypt"
	"github.com/GehirnInc/crypt/sha512_crypt"
	"golang.org/x/crypto/bcrypt"
)

// errFormat is a hash that cannot be verified. Plain text is one of those, since
// httpd on Unix does not take it either.
var errFormat = errors.New("the password is stored in a form that is not supported; make it anew by htpasswd -B")

// maxCrypt is how long a password of crypt(3) may be on Debian.
const maxCrypt = 512

// scheme is one kind of hash.
type scheme struct {
	prefix string
	verify func(hash, password string) (bool, error)
	work   func(hash string) int // how much, by and large
}

// schemes are all kinds, those of the most work first.
var schemes = []scheme{
	{"$2y$", verifyBcrypt, bcryptWork},
	{"$2b$", verifyBcrypt, bcryptWork},
	{"$2a$", verifyBcrypt, bcryptWork},
	{"$6$", verifyCrypt(sha512_crypt.New), shaWork},
	{"$5$", verifyCrypt(sha256_crypt.New), shaWork},
	{"$apr1$", verifyCrypt(apr1_crypt.New), md5Work},
	{"$1$", verifyCrypt(md5_crypt.New), md5Work},
	{"{SHA}", verifySHA, little},
	{"", verifyDES, little},
}

// verify says whether a password is that of the hash.
func verify(hash, password string) (bool, error) { return schemeOf(hash).verify(hash, password) }

// work tells how much there is to do to verify a password.
func work(hash string) int { return schemeOf(hash).work(hash) }

func schemeOf(hash string) scheme {
	for _, s := range schemes {
		if strings.HasPrefix(hash, s.prefix) {
			return s
		}
	}
	return schemes[len(schemes)-1]
}

func verifyBcrypt(hash, password string) (bool, error) {
	// What is behind 72 bytes does not count, as in httpd.
	switch err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)); {
	case err == nil:
		return true, nil
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return false, nil
	}
	return false, errFormat
}

// verifyCrypt verifies the kinds that begin with a salt between dollar signs.
func verifyCrypt(crypter func() crypt.Crypter) func(hash, password string) (bool, error) {
	return func(hash, password string) (bool, error) {
		if len(password) > maxCrypt && !strings.HasPrefix(hash, apr1_crypt.MagicPrefix) {
			return false, nil
		}
		switch err := crypter().Verify(hash, []byte(password)); {
		case err == nil:
			return true, nil
		case errors.Is(err, crypt.ErrKeyMismatch):
			return false, nil
		}
		return false, errFormat
	}
}

func verifySHA(hash, password string) (bool, error) {
	sum := sha1.Sum([]byte(password))
	return same("{SHA}"+base64.StdEncoding.EncodeToString(sum[:]), hash), nil
}

func verifyDES(hash, password string) (bool, error) {
	made, ok := desCrypt(password, hash)
	if !ok || len(hash) != len(made) {
		return false, errFormat
	}
	return len(password) <= maxCrypt && same(made, hash), nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func bcryptWork(hash string) int {
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil {
		return 0
	}
	return 1 << cost * 100
}

func shaWork(hash string) int {
	rounds := 5000
	if _, rest, ok := strings.Cut(hash, "$rounds="); ok {
		text, _, _ := strings.Cut(rest, "$")
		rounds, _ = strconv.Atoi(text)
	}
	return rounds
}

func md5Work(string) int     { return 1000 }
func little(hash string) int { return len(hash) }
