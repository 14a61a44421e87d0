// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package reclaim

import (
	"bufio"
	"io"
	"net/http"
	"reflect"
	"sync"
	"unsafe"
)

// ResponseBuffer is the buffer that an HTTP/2 server gathers a response in, 4 KB for each
// stream, while it is taken away. The zero ResponseBuffer is none.
type ResponseBuffer struct{ place **bufio.Writer }

// TakeResponseBuffer takes its buffer from the response of an HTTP/2 stream, if w is one
// and nothing is in it. Each Write of more than a byte then goes out as it comes, and what
// is less at the next flush; io.WriteString would send byte by byte.
func TakeResponseBuffer(w http.ResponseWriter) ResponseBuffer {
	place := responseBuffer(w)
	if place == nil || (*place).Buffered() > 0 || (*place).Size() != responseBufferSize {
		return ResponseBuffer{}
	}
	server := serverOf.in(*place)
	if server == nil {
		return ResponseBuffer{}
	}
	taken := *place
	*place = bufio.NewWriterSize(*server, 1) // it takes the least that there is
	taken.Reset(nil)
	responseBuffers.Put(taken)
	return ResponseBuffer{place}
}

// GiveBack gives the response a buffer of the usual size. It must be called when nobody
// writes any more, and before the stream's handler returns: the server uses the buffer
// again for another stream.
func (b ResponseBuffer) GiveBack() {
	if b.place == nil {
		return
	}
	full := responseBuffers.Get().(*bufio.Writer)
	full.Reset(*serverOf.in(*b.place))
	*b.place = full
}

// responseBuffers are buffers that no response has now.
var responseBuffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, responseBufferSize) }}

// responseBufferSize is http2's handlerChunkWriteSize.
const responseBufferSize = 4 << 10

// responseBuffer finds where the response has its buffer: in w.rws.bw, with w of a type
// of golang.org/x/net/http2 or of its copy in net/http.
func responseBuffer(w http.ResponseWriter) **bufio.Writer {
	response := reflect.ValueOf(w)
	for _, name := range []string{"rws", "bw"} {
		if response.Kind() != reflect.Pointer || response.IsNil() || response.Elem().Kind() != reflect.Struct {
			return nil
		}
		f, ok := ownField(response.Type().Elem(), name)
		if !ok {
			return nil
		}
		response = response.Elem().FieldByIndex(f.Index)
	}
	if response.Type() != reflect.TypeFor[*bufio.Writer]() || response.IsNil() {
		return nil
	}
	return (**bufio.Writer)(unsafe.Pointer(response.UnsafeAddr()))
}

// serverOf is what a buffer writes to.
var serverOf = lookUp[bufio.Writer, io.Writer]("wr")
