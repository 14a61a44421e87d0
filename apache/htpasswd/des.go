// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package htpasswd

import "strings"

// desCrypt is the crypt(3) of old: the first eight characters of the password,
// seven bits each, are a DES key by which zeros are encrypted 25 times. Two
// characters of salt change DES's expansion, so that its hardware, and crypto/des,
// are of no use. The salt is the first two characters of the setting.
func desCrypt(password, setting string) (hash string, ok bool) {
	if len(setting) < 2 {
		return "", false
	}
	low, high := strings.IndexByte(cryptAlphabet, setting[0]), strings.IndexByte(cryptAlphabet, setting[1])
	if low < 0 || high < 0 {
		return "", false
	}
	salt := uint32(low | high<<6)
	keys := desKeys(password)
	var block uint64
	for range 25 {
		block = desEncrypt(block, &keys, salt)
	}
	made := []byte(setting[:2])
	for shift := 58; shift > -6; shift -= 6 {
		six := block << 2 // the last character has four bits only
		if shift >= 0 {
			six = block >> shift
		}
		made = append(made, cryptAlphabet[six&63])
	}
	return string(made), true
}

const cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// desKeys are the sixteen keys of 48 bits.
func desKeys(password string) (keys [16]uint64) {
	var key uint64
	for i := range 8 {
		key <<= 8
		if i < len(password) {
			key |= uint64(password[i]<<1) & 0xff
		}
	}
	key = permute(key, 64, keyChoice[:])
	c, d := uint32(key>>28), uint32(key&(1<<28-1))
	for i, shift := range keyShifts {
		c, d = rotate28(c, shift), rotate28(d, shift)
		keys[i] = permute(uint64(c)<<28|uint64(d), 56, roundChoice[:])
	}
	return keys
}

func rotate28(n uint32, by int) uint32 { return (n<<by | n>>(28-by)) & (1<<28 - 1) }

func desEncrypt(block uint64, keys *[16]uint64, salt uint32) uint64 {
	block = permute(block, 64, initial[:])
	left, right := uint32(block>>32), uint32(block)
	for _, key := range keys {
		left, right = right, left^desRound(right, key, salt)
	}
	return permute(uint64(right)<<32|uint64(left), 64, final[:])
}

func desRound(half uint32, key uint64, salt uint32) uint32 {
	expanded := permute(uint64(half), 32, expansion[:])
	// A bit of the salt that is set swaps two bits, 24 apart.
	var swap uint64
	for bit := range 12 {
		if salt>>bit&1 == 1 {
			swap |= 1 << (23 - bit)
		}
	}
	differ := (expanded>>24 ^ expanded) & swap
	expanded ^= differ | differ<<24
	expanded ^= key
	var out uint64
	for box := range 8 {
		six := expanded >> (42 - 6*box) & 63
		row, column := six>>5<<1|six&1, six>>1&15
		out = out<<4 | uint64(boxes[box][row*16+column])
	}
	return uint32(permute(out, 32, boxOrder[:]))
}

// permute takes bits of a number of some width, counted from 1 at its high end.
func permute(n uint64, width int, order []uint8) uint64 {
	var out uint64
	for _, bit := range order {
		out = out<<1 | n>>(width-int(bit))&1
	}
	return out
}
