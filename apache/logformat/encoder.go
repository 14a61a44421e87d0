// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

func init() {
	caddy.RegisterModule(Encoder{})
}

// Encoder writes the entries of access logs in httpd's formats. Entries of other
// logs are written as their message.
type Encoder struct {
	// A format as that of LogFormat. Default: "%h %l %u %t \"%r\" %>s %b".
	Template string `json:"template,omitempty"`

	*zapcore.MapObjectEncoder `json:"-"`

	parts []part
}

// CaddyModule returns the Caddy module information.
func (Encoder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.logging.encoders.apache",
		New: func() caddy.Module { return new(Encoder) },
	}
}

// Provision compiles the format.
func (enc *Encoder) Provision(caddy.Context) error {
	if enc.Template == "" {
		enc.Template = Common
	}
	var err error
	if enc.parts, _, err = compile(enc.Template); err != nil {
		return fmt.Errorf("template: %w", err)
	}
	enc.MapObjectEncoder = zapcore.NewMapObjectEncoder()
	return nil
}

// Clone returns an encoder with the same fields.
func (enc *Encoder) Clone() zapcore.Encoder {
	clone := *enc
	clone.MapObjectEncoder = zapcore.NewMapObjectEncoder()
	maps.Copy(clone.Fields, enc.Fields)
	return &clone
}

var buffers = buffer.NewPool()

// EncodeEntry writes a line.
func (enc *Encoder) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	all := enc.Clone().(*Encoder)
	for _, f := range fields {
		f.AddTo(all)
	}
	line := buffers.Get()
	request, ok := all.Fields["request"].(map[string]any)
	if !ok {
		line.AppendString(e.Time.Format("[02/Jan/2006:15:04:05 -0700] "))
		var message strings.Builder
		writeEscaped(&message, e.Message)
		line.AppendString(message.String())
		line.AppendByte('\n')
		return line, nil
	}
	entry := entry{
		time:     e.Time,
		remoteIP: text(request, "remote_ip"), remotePort: text(request, "remote_port"), clientIP: text(request, "client_ip"),
		proto: text(request, "proto"), method: text(request, "method"), host: text(request, "host"), uri: text(request, "uri"),
		header: header(request["headers"]), answer: header(all.Fields["resp_headers"]),
		status: number(all.Fields["status"]), size: number(all.Fields["size"]), read: number(all.Fields["bytes_read"]),
		user: text(all.Fields, "user_id"),
	}
	entry.duration, _ = all.Fields["duration"].(time.Duration)
	if entry.clientIP == "" {
		entry.clientIP = entry.remoteIP
	}
	entry.time = entry.time.Add(-entry.duration) // httpd's is when the request came
	var b strings.Builder
	for _, write := range enc.parts {
		write(&b, &entry)
	}
	line.AppendString(b.String())
	line.AppendByte('\n')
	return line, nil
}

func text(fields map[string]any, name string) string {
	s, _ := fields[name].(string)
	return s
}

func number(v any) int {
	switch n := v.(type) {
	case int:
		return n
	case int64:
		return int(n)
	case uint64:
		return int(n)
	}
	return 0
}

// header takes a header as Caddy logs it.
func header(v any) http.Header {
	h := make(http.Header)
	fields, _ := v.(map[string]any)
	for name, values := range fields {
		list, _ := values.([]any)
		for _, value := range list {
			if s, ok := value.(string); ok {
				h.Add(name, s)
			}
		}
	}
	return h
}

// Interface guards
var (
	_ zapcore.Encoder   = (*Encoder)(nil)
	_ caddy.Provisioner = (*Encoder)(nil)
)
