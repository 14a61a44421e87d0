// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// Package apache is a config adapter for httpd's configuration files:
//
//	caddy run --adapter apache --config /etc/apache2/sites-enabled/chat.conf
//
// What is not supported is an error that names file and line, since to leave it
// out might open what it closes.
package apache

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/config"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/importer"
	"github.com/caddy-wstunnel/caddy-wstunnel/apache/syntax"
)

func init() {
	caddyconfig.RegisterAdapter("apache", Adapter{})
}

// Adapter turns httpd's configuration into Caddy's. Options, all optional:
//
// Option | Value
// -------|------
// `filename`     | The path of the file, which messages name and relative paths begin beside
// `strict`       | true or "true": refuse what httpd refuses, also where it is evident what was meant
// `certificates` | "managed": virtual hosts with SSLEngine on and without a certificate get one from Caddy
//
// In a file the latter two can be set as well, by Define CADDY_STRICT and Define
// CADDY_CERTIFICATES managed, which mean nothing to httpd.
type Adapter struct{}

// Adapt converts the text of a file, with all that it includes.
func (Adapter) Adapt(body []byte, options map[string]any) ([]byte, []caddyconfig.Warning, error) {
	text := func(name string) string {
		if value, ok := options[name]; ok {
			return fmt.Sprint(value)
		}
		return ""
	}
	cfg, err := read(text("filename"), body, text("strict") == "true")
	if err != nil {
		return nil, nil, err
	}
	a := &adaptation{cfg: cfg, managed: text("certificates") == "managed" || cfg.Define("CADDY_CERTIFICATES") == "managed"}
	result := a.config()
	if len(a.errors) > 0 {
		return nil, nil, a.errors
	}
	adapted, err := json.Marshal(result)
	if err != nil {
		return nil, nil, fmt.Errorf("writing the config: %w", err)
	}
	return adapted, a.warnings(), nil
}

// read reads a configuration, with what of this machine it may ask for.
func read(filename string, body []byte, strict bool) (*config.Config, error) {
	name := "apache.conf"
	if filename != "" && filename != "-" {
		absolute, err := filepath.Abs(filename)
		if err != nil {
			return nil, fmt.Errorf("finding %s: %w", filename, err)
		}
		name = filepath.ToSlash(absolute)
	}
	return config.Read(name, body, config.Options{
		Strict: strict,
		Syntax: syntax.Options{FS: os.DirFS("/"), Missing: syntax.CertbotFile, LookupEnv: lookupEnv},
	})
}

// Caddyfile writes a configuration of httpd as a Caddyfile. left are the lines
// that could not be said in it; each is a comment in the text, too. warnings are of
// lines that mean something else to httpd than they look like.
func Caddyfile(filename string, body []byte) (text []byte, left, warnings []string, err error) {
	cfg, err := read(filename, body, false)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, w := range cfg.Warnings {
		warnings = append(warnings, w.String())
	}
	text, left = importer.Caddyfile(cfg, filename)
	return text, left, warnings, nil
}

// lookupEnv finds a variable in the environment. Debian's APACHE_LOG_DIR, which
// most files name, is set by its start script.
func lookupEnv(name string) (string, bool) {
	if value, ok := os.LookupEnv(name); ok {
		return value, true
	}
	value, ok := map[string]string{
		"APACHE_LOG_DIR":          "/var/log/apache2",
		"APACHE_RUN_DIR":          "/var/run/apache2",
		"APACHE_LOCK_DIR":         "/var/lock/apache2",
		"APACHE_PID_FILE":         "/var/run/apache2/apache2.pid",
		"APACHE_RUN_USER":         "www-data",
		"APACHE_RUN_GROUP":        "www-data",
		"APACHE_CONFDIR":          "/etc/apache2",
		"APACHE_ULIMIT_MAX_FILES": "",
	}[name]
	return value, ok
}

// adaptation is one run of the adapter.
type adaptation struct {
	cfg     *config.Config
	managed bool
	errors  syntax.Errors
	http    caddyhttp.App
	tls     tlsApp
	logging caddy.Logging
}

func (a *adaptation) errorf(at syntax.Position, format string, args ...any) {
	problem := syntax.Problem{Position: at, Message: fmt.Sprintf(format, args...)}
	if !slices.Contains(a.errors, problem) {
		a.errors = append(a.errors, problem)
	}
}

func (a *adaptation) fail(at syntax.Position, err error) {
	var own syntax.Errors
	switch {
	case err == nil:
	case errors.As(err, &own):
		a.errors = append(a.errors, own...)
	default:
		a.errorf(at, "%v", err)
	}
}

func (a *adaptation) warnf(at syntax.Position, format string, args ...any) {
	a.cfg.Warnings = append(a.cfg.Warnings, syntax.Problem{Position: at, Message: fmt.Sprintf(format, args...)})
}

// config makes Caddy's config. Whatever is put into it is in the order of the
// files, so that the same files give the same bytes.
func (a *adaptation) config() *caddy.Config {
	a.http.Servers = make(map[string]*caddyhttp.Server)
	for _, l := range a.listeners() {
		a.server(l)
	}
	result := &caddy.Config{AppsRaw: make(caddy.ModuleMap)}
	result.AppsRaw["http"] = marshal(a.http)
	if !a.tls.empty() {
		result.AppsRaw["tls"] = marshal(a.tls)
	}
	if len(a.logging.Logs) > 0 {
		result.Logging = &a.logging
	}
	return result
}

// marshal is for types whose fields are all text and numbers, which cannot fail.
func marshal(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// warnings are those of the config, and one about all directives without effect.
func (a *adaptation) warnings() []caddyconfig.Warning {
	var warnings []caddyconfig.Warning
	for _, p := range a.cfg.Warnings {
		warnings = append(warnings, caddyconfig.Warning{File: p.File, Line: p.Line, Message: p.Message})
	}
	if len(a.cfg.Idle) > 0 {
		names := make([]string, len(a.cfg.Idle))
		for i, idle := range a.cfg.Idle {
			names[i] = idle.Name
		}
		first := a.cfg.Idle[0]
		warnings = append(warnings, caddyconfig.Warning{
			File: first.File, Line: first.Line,
			Message: "for information: these directives are not needed here and have no effect: " + strings.Join(names, ", "),
		})
	}
	return warnings
}

// Interface guards
var _ caddyconfig.Adapter = Adapter{}
