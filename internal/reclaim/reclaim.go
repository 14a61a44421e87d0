// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package reclaim frees memory that connections of Go's packages keep and that an idle
// tunnel does not need.
//
// These packages cannot be asked for that, so this reaches for their private fields.
// Should a later version name one otherwise, the memory stays in use and nothing else
// is different; a test tells.
package reclaim

import (
	"reflect"
	"unsafe"
)

// field is where structs of type S have a field of type T.
type field[S, T any] struct {
	offset uintptr
	known  bool
}

func lookUp[S, T any](name string) field[S, T] {
	f, ok := ownField(reflect.TypeFor[S](), name)
	return field[S, T]{f.Offset, ok && f.Type == reflect.TypeFor[T]()}
}

// ownField finds a field of the struct itself: the offset of one that it embeds is
// another struct's.
func ownField(t reflect.Type, name string) (reflect.StructField, bool) {
	f, ok := t.FieldByName(name)
	return f, ok && len(f.Index) == 1
}

// in returns where the field is in s, or nil if it is not known.
func (f field[S, T]) in(s *S) *T {
	if !f.known {
		return nil
	}
	return (*T)(unsafe.Add(unsafe.Pointer(s), f.offset))
}
