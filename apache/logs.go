// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package apache

import (
	"fmt"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/vhost"
)

// accessLogs makes a log of each CustomLog and TransferLog, and of ErrorLog.
func (a *adaptation) accessLogs(s *caddyhttp.Server, h *host, handler *vhost.Handler) {
	if h.server.Logs == nil {
		return
	}
	if a.logging.Logs == nil {
		a.logging.Logs = make(map[string]*caddy.CustomLog)
	}
	for i, l := range h.server.Logs.Access() {
		if s.Logs == nil {
			s.Logs = new(caddyhttp.ServerLogConfig)
		}
		name := fmt.Sprintf("access_%s_%d", logName(h), i+1)
		handler.AccessLogs = append(handler.AccessLogs, vhost.AccessLog{Logger: name, Condition: l.Condition})
		a.logging.Logs[name] = &caddy.CustomLog{
			Include: []string{"http.log.access." + name},
			BaseLog: caddy.BaseLog{
				WriterRaw: marshal(map[string]string{"output": "file", "filename": l.File}),
				EncoderRaw: marshal(map[string]string{
					"format": "apache", "template": l.Format, "server_name": h.server.Name, "server_port": serverPort(h, handler),
				}),
			},
		}
		a.exclude("http.log.access." + name)
	}
	if file := h.server.Logs.ErrorFile(); file != "" {
		a.errorLog(h, handler, file)
	}
}

// errorLog is ErrorLog: what the virtual host has to say of its requests.
// Several may have one file.
func (a *adaptation) errorLog(h *host, handler *vhost.Handler, file string) {
	name := "error_" + file
	log := a.logging.Logs[name]
	if log == nil {
		log = &caddy.CustomLog{BaseLog: caddy.BaseLog{
			WriterRaw: marshal(map[string]string{"output": "file", "filename": file}),
			Level:     h.server.Logs.Level(),
		}}
		a.logging.Logs[name] = log
	}
	log.Include = append(log.Include, "http.handlers.apache_vhost."+logName(h))
	for _, access := range handler.AccessLogs {
		log.Include = append(log.Include, "http.log.error."+access.Logger)
	}
}

// exclude keeps a logger out of Caddy's default log.
func (a *adaptation) exclude(logger string) {
	def := a.logging.Logs["default"]
	if def == nil {
		def = new(caddy.CustomLog)
		a.logging.Logs["default"] = def
	}
	def.Exclude = append(def.Exclude, logger)
}

func logName(h *host) string {
	if h.server.Line == "" {
		return "main"
	}
	return h.server.Line
}

// serverPort is %p: that of ServerName, or else of the address.
func serverPort(h *host, handler *vhost.Handler) string {
	if h.server.Port != 0 {
		return strconv.Itoa(h.server.Port)
	}
	if handler.ListenPort != 0 {
		return strconv.Itoa(handler.ListenPort)
	}
	return ""
}
