// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package reclaim

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/net/http2"
)

// servers are the two implementations of HTTP/2: a new version of one may have its
// responses made otherwise.
var servers = map[string]func(*httptest.Server){
	"net/http": func(s *httptest.Server) { s.EnableHTTP2 = true },
	"x/net": func(s *httptest.Server) {
		if err := http2.ConfigureServer(s.Config, nil); err != nil {
			panic(err)
		}
		s.TLS = &tls.Config{NextProtos: []string{"h2"}}
	},
}

// TestResponseBuffer writes responses of all lengths around what buffers hold, one after
// the other on one connection, where buffers are used again.
func TestResponseBuffer(t *testing.T) {
	for name, configure := range servers {
		t.Run(name, func(t *testing.T) {
			body := bytes.Repeat([]byte("0123456789abcdef"), 1<<10)
			lengths := []int{0, 1, 15, 16, 17, 4095, 4096, 4097, len(body)}
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				control := http.NewResponseController(w)
				_ = control.Flush()
				if before := (*responseBuffer(w)).Size(); before != responseBufferSize {
					t.Errorf("a buffer of %d bytes to begin with", before)
				}
				taken := TakeResponseBuffer(w)
				if size := (*responseBuffer(w)).Size(); taken.place == nil || size != 1 {
					t.Errorf("a buffer of %d bytes is left", size)
				}
				for _, n := range lengths {
					if written, err := w.Write(body[:n]); written != n || err != nil {
						t.Errorf("%d bytes of %d written, and %v", written, n, err)
					}
					_ = control.Flush()
				}
				taken.GiveBack()
				if size := (*responseBuffer(w)).Size(); size != responseBufferSize {
					t.Errorf("a buffer of %d bytes was given back", size)
				}
				_, _ = io.WriteString(w, "the end")
			}))
			configure(s)
			s.StartTLS()
			defer s.Close()

			var want []byte
			for _, n := range lengths {
				want = append(want, body[:n]...)
			}
			want = append(want, "the end"...)
			client := s.Client()
			client.Transport.(*http.Transport).ForceAttemptHTTP2 = true
			for range 3 {
				resp, err := client.Get(s.URL)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.ProtoMajor != 2 || err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%s, %d bytes and %v, want %d bytes", resp.Proto, len(got), err, len(want))
				}
			}
		})
	}
}

// TestResponseBufferStays leaves a buffer where it is while something is in it, and one
// that is no use to other streams.
func TestResponseBufferStays(t *testing.T) {
	type state struct{ bw *bufio.Writer }
	w := &struct {
		http.ResponseWriter
		rws *state
	}{rws: &state{bufio.NewWriter(io.Discard)}}
	if taken := TakeResponseBuffer(w); taken.place == nil {
		t.Error("an empty buffer was left, so this tests nothing")
	} else {
		taken.GiveBack()
	}
	_, _ = w.rws.bw.WriteString("x")
	if taken := TakeResponseBuffer(w); taken.place != nil {
		t.Error("a buffer was taken with something in it")
	}
	w.rws.bw = bufio.NewWriterSize(io.Discard, 64)
	if taken := TakeResponseBuffer(w); taken.place != nil {
		t.Error("a buffer of another size was taken")
	}
}

// TestOtherResponses has none to take.
func TestOtherResponses(t *testing.T) {
	var none *struct {
		http.ResponseWriter
		rws *struct{}
	}
	type inner struct{ rws *struct{ bw *bufio.Writer } }
	embedding := &struct {
		http.ResponseWriter
		*inner
	}{}
	for _, w := range []http.ResponseWriter{nil, none, embedding, httptest.NewRecorder(), struct{ http.ResponseWriter }{}} {
		taken := TakeResponseBuffer(w)
		if taken.place != nil {
			t.Errorf("%T has a buffer", w)
		}
		taken.GiveBack()
	}
}
