// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package htpasswd

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// maxVerified is how many logins are remembered for a file.
const maxVerified = 1024

// verified remembers logins that were right, since a browser sends one with each
// request and bcrypt is made to be slow. A login is remembered together with the
// entry it was verified by, so that a changed file is felt at once, and only as
// a hash under a key that no other process has.
type verified struct {
	secret [32]byte

	mu     sync.RWMutex
	logins map[login]struct{}
}

type login [sha256.Size]byte

func newVerified() *verified {
	v := &verified{logins: make(map[login]struct{})}
	_, _ = rand.Read(v.secret[:]) // it never fails
	return v
}

func (v *verified) key(parts ...string) login {
	mac := hmac.New(sha256.New, v.secret[:])
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write([]byte(part))
	}
	return login(mac.Sum(nil))
}

func (v *verified) has(l login) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	_, ok := v.logins[l]
	return ok
}

// add remembers a login. When there are too many, any other is forgotten.
func (v *verified) add(l login) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.logins) >= maxVerified {
		for other := range v.logins {
			delete(v.logins, other)
			break
		}
	}
	v.logins[l] = struct{}{}
}
