// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package logformat

import (
	"fmt"
	"maps"
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

	// The ServerName of the virtual host, for %v. Default: the host that the client
	// asked for.
	ServerName string `json:"server_name,omitempty"`

	// The port of the virtual host, for %p. Default: that in the client's Host, or
	// else the one of the scheme.
	ServerPort string `json:"server_port,omitempty"`

	*zapcore.MapObjectEncoder `json:"-"`

	format *format
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
	if enc.format, err = compile(enc.Template); err != nil {
		return fmt.Errorf("template: %w", err)
	}
	enc.MapObjectEncoder = zapcore.NewMapObjectEncoder()
	return nil
}

// Clone returns an encoder with the same fields.
func (enc *Encoder) Clone() zapcore.Encoder {
	clone := *enc
	clone.MapObjectEncoder = enc.fields()
	return &clone
}

// fields is a copy of those that entries have in common.
func (enc *Encoder) fields() *zapcore.MapObjectEncoder {
	all := zapcore.NewMapObjectEncoder()
	maps.Copy(all.Fields, enc.Fields)
	return all
}

var buffers = buffer.NewPool()

// EncodeEntry writes a line.
func (enc *Encoder) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	all := enc.fields()
	for _, f := range fields {
		f.AddTo(all)
	}
	b := buffers.Get()
	if request, ok := all.Fields["request"].(map[string]any); ok {
		entry := enc.entry(e.Time, request, all.Fields)
		for _, write := range enc.format.parts {
			write(b, entry)
		}
	} else {
		b.AppendTime(e.Time, "[02/Jan/2006:15:04:05 -0700] ")
		appendEscaped(b, e.Message)
	}
	b.AppendByte('\n')
	return b, nil
}

// entry takes what Caddy says of a request at its end.
func (enc *Encoder) entry(end time.Time, request, all map[string]any) *entry {
	e := &entry{
		server:   enc,
		end:      end,
		remoteIP: text(request, "remote_ip"), remotePort: text(request, "remote_port"), clientIP: text(request, "client_ip"),
		user:   text(all, "user_id"),
		sent:   sent{method: text(request, "method"), host: text(request, "host"), uri: text(request, "uri"), proto: text(request, "proto")},
		status: integer(all, "status"), size: integer(all, "size"), read: integer(all, "bytes_read"),
	}
	e.header, _ = request["headers"].(map[string]any)
	e.tls, _ = request["tls"].(map[string]any)
	e.answer, _ = all["resp_headers"].(map[string]any)
	e.duration, _ = all["duration"].(time.Duration)
	e.begin = end.Add(-e.duration)
	if e.clientIP == "" {
		e.clientIP = e.remoteIP
	}
	return e
}

func text(fields map[string]any, name string) string {
	s, _ := fields[name].(string)
	return s
}

func integer(fields map[string]any, name string) int {
	n, _ := fields[name].(int64)
	return int(n)
}

// Interface guards
var (
	_ zapcore.Encoder   = (*Encoder)(nil)
	_ caddy.Provisioner = (*Encoder)(nil)
)
