// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// traceRequest is a request to trace, in the shape of Cloudflare's; remote_ip and
// at are our own.
type traceRequest struct {
	// Where the request goes: http, https, ws or wss. With the latter two it is a
	// WebSocket handshake, and fields of one that are missing are added. Required.
	URL string `json:"url"`

	// Default: GET.
	Method string `json:"method,omitempty"`

	// HTTP/1.0, HTTP/1.1, HTTP/2 or HTTP/3. Default: HTTP/1.1.
	Protocol string `json:"protocol,omitempty"`

	// The fields, with a value or a list of values each. Host is the Host field.
	Headers map[string]traceValues `json:"headers,omitempty"`
	Cookies map[string]string      `json:"cookies,omitempty"`

	// Nothing: there never is a response. Cloudflare has it.
	SkipResponse bool `json:"skip_response,omitempty"`

	// The address that the connection comes from. Default: 192.0.2.1, which is
	// nobody's (RFC 5737).
	RemoteIP string `json:"remote_ip,omitempty"`

	// When, as RFC 3339 has it; seconds may be left out. Default: now.
	At string `json:"at,omitempty"`

	url    *url.URL
	secure bool // it comes over TLS
	major  int
	minor  int
	header http.Header
	remote netip.Addr
	at     time.Time
}

// traceValues are the values of a field; JSON may have one without a list.
type traceValues []string

// UnmarshalJSON reads a value or a list of values.
func (v *traceValues) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*v = traceValues{one}
		return nil
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		return errors.New("the value of a field is neither text nor a list of texts")
	}
	*v = list
	return nil
}

// readTraceRequest decodes and checks a request.
func readTraceRequest(from io.Reader) (*traceRequest, error) {
	q := new(traceRequest)
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(q); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind it")
	}
	for _, check := range []func() error{q.readURL, q.readProtocol, q.readHeaders, q.readOrigin} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return q, nil
}

func (q *traceRequest) readURL() (err error) {
	if q.url, err = url.Parse(q.URL); err != nil {
		return err
	}
	switch q.url.Scheme {
	case "https", "wss":
		q.secure = true
	case "http", "ws":
	default:
		return fmt.Errorf("the url %q has none of the schemes ws, wss, http and https", q.URL)
	}
	if q.url.Hostname() == "" || q.url.User != nil || !httpguts.ValidHostHeader(q.url.Host) {
		return fmt.Errorf("the url %q needs a host, and nothing but a port beside it", q.URL)
	}
	if port := q.url.Port(); port != "" {
		return checkPort(port)
	}
	return nil
}

// traceProtocols are the versions of HTTP, also as Cloudflare writes them.
var traceProtocols = map[string][2]int{
	"": {1, 1}, "HTTP/1.0": {1, 0}, "HTTP/1.1": {1, 1},
	"HTTP/2": {2, 0}, "HTTP/2.0": {2, 0}, "HTTP/3": {3, 0}, "HTTP/3.0": {3, 0},
}

func (q *traceRequest) readProtocol() error {
	version, ok := traceProtocols[q.Protocol]
	if !ok {
		return fmt.Errorf("protocol %q is none of %s", q.Protocol, strings.Join(slices.Sorted(maps.Keys(traceProtocols))[1:], ", "))
	}
	q.major, q.minor = version[0], version[1]
	if q.Method == "" {
		q.Method = http.MethodGet
	}
	if !httpguts.ValidHeaderFieldName(q.Method) { // both are tokens
		return fmt.Errorf("method %q is not a token", q.Method)
	}
	return nil
}

func (q *traceRequest) readHeaders() error {
	q.header = make(http.Header)
	for _, name := range slices.Sorted(maps.Keys(q.Headers)) {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("%q is not the name of a header field", name)
		}
		for _, value := range q.Headers[name] {
			if !httpguts.ValidHeaderFieldValue(value) {
				return fmt.Errorf("the header field %s cannot have the value %q", name, value)
			}
			q.header.Add(name, value)
		}
	}
	if hosts := q.header["Host"]; len(hosts) > 1 || len(hosts) == 1 && !httpguts.ValidHostHeader(hosts[0]) {
		return fmt.Errorf("the header field Host cannot be %q", hosts)
	}
	for _, name := range slices.Sorted(maps.Keys(q.Cookies)) {
		c := http.Cookie{Name: name, Value: q.Cookies[name]} //nolint:gosec // of a request, which has no attributes
		if err := c.Valid(); err != nil {
			return fmt.Errorf("the cookie %q: %w", name, err)
		}
		(&http.Request{Header: q.header}).AddCookie(&c)
	}
	return nil
}

// defaultRemote is in no range that a config would list.
var defaultRemote = netip.AddrFrom4([4]byte{192, 0, 2, 1})

func (q *traceRequest) readOrigin() (err error) {
	q.remote, q.at = defaultRemote, windowClock()
	if q.RemoteIP != "" {
		if q.remote, err = netip.ParseAddr(q.RemoteIP); err != nil {
			return fmt.Errorf("remote_ip %q is not an IP address", q.RemoteIP)
		}
	}
	if q.At == "" {
		return nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if q.at, err = time.Parse(layout, q.At); err == nil {
			return nil
		}
	}
	return fmt.Errorf("at %q is not a time of RFC 3339, as 2026-11-22T20:00:00+09:00", q.At)
}
