# Copyright 2026 The caddy-wstunnel Authors
# SPDX-License-Identifier: Apache-2.0

.PHONY: build test race coverage fuzz lint interop bench soak fmt demo

build: # ./caddy, with the plugin built in
	go build ./cmd/caddy

test:
	go test ./...

race:
	go test -race -shuffle=on ./...

coverage lint interop:
	.ci/run $@

fuzz: # longer than in CI; make fuzz FUZZ_TIME=1h
	FUZZ_TIME=$(or $(FUZZ_TIME),10m) .ci/run fuzz

bench: # some 25 minutes; see bench/README.md
	go run ./bench -proxies ours,stock,haproxy,nginx,apache,bare -svg docs/img/performance.svg

soak: # an hour; see docs/soak.md
	go run ./soak

fmt:
	gofmt -w .
	for f in examples/*.caddyfile; do go run ./cmd/caddy fmt --overwrite $$f; done

demo:
	go run ./cmd/caddy run --config examples/demo.caddyfile
