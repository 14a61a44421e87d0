// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func TestTunnelCaddyfile(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"shortest", "ws_tunnel localhost:8000", `{"origins":["localhost:8000"]}`},
		{"to", "ws_tunnel {\nto wss://origin.test\n}", `{"origins":["wss://origin.test"]}`},
		{"overrides", "ws_tunnel ws://a:1 {\nhost h\nsni s\nport 2\norigin_header rewrite\nname n\n}",
			`{"origins":["ws://a:1"],"host":"h","sni":"s","port":"2","origin_header":"rewrite","name":"n"}`},
		{"times", "ws_tunnel a:1 {\ndial_timeout 1s\nhandshake_timeout 2s\nidle_timeout 1m\nmax_lifetime 1d\nlinger 3s\n}",
			`{"origins":["a:1"],"dial_timeout":1000000000,"handshake_timeout":2000000000,"idle_timeout":60000000000,"max_lifetime":"1d","linger":3000000000}`},
		{"life", "ws_tunnel a:1 {\nmax_lifetime {http.auth.user.exp} 5m\nheartbeat 30s 5s\nmax_message 1MiB\non_reload drain\ndrain 30s\n}",
			`{"origins":["a:1"],"max_lifetime":"{http.auth.user.exp}","max_lifetime_jitter":300000000000,"heartbeat":30000000000,"heartbeat_timeout":5000000000,"max_message":1048576,"on_reload":"drain","drain":30000000000}`},
		{"rates", "ws_tunnel a:1 {\nmessage_rate to_origin 20 1s\nbyte_rate to_origin 64KiB 1s\nbyte_rate to_client 1MB 2s\n}",
			`{"origins":["a:1"],"message_rate":{"to_origin":{"amount":20,"window":1000000000}},"byte_rate":{"to_origin":{"amount":65536,"window":1000000000},"to_client":{"amount":1000000,"window":2000000000}}}`},
		{"header rules", "ws_tunnel a:1 {\nheader_up X y\nheader_up -Z\nheader_down A b c\n}",
			`{"origins":["a:1"],"headers":{"request":{"set":{"X":["y"]},"delete":["Z"]},"response":{"replace":{"A":[{"search_regexp":"b","replace":"c"}]}}}}`},
		{"tls", "ws_tunnel a:1 {\ntls\n}", `{"origins":["a:1"],"tls":{}}`},
		{"tls options", "ws_tunnel a:1 {\ntls {\ntls_insecure_skip_verify\ntls_server_name x\n}\n}",
			`{"origins":["a:1"],"tls":{"insecure_skip_verify":true,"server_name":"x"}}`},
		{"proxy_protocol", "ws_tunnel a:1 {\nproxy_protocol v2 {\ntlv authority\ntlv 0xE1 x\npass all\n}\n}",
			`{"origins":["a:1"],"proxy_protocol":{"version":"v2","tlvs":[{"type":"authority"},{"type":"0xE1","value":"x"}],"pass":["all"]}}`},
		{"several origins", "ws_tunnel a:1 b:2 {\nto wss://c\nlb_policy cookie lb x {\nfallback first\n}\nlb_retries 2\nlb_try_duration 5s\nlb_try_interval 1s\nlb_retry_status 502 5xx\nlb_slow_start 0s\nmax_tunnels_per_origin 10\n}",
			`{"origins":["a:1","b:2","wss://c"],"load_balancing":{"selection_policy":{"fallback":{"policy":"first"},"name":"lb","policy":"cookie","secret":"x"},"retries":2,"try_duration":5000000000,"try_interval":1000000000,"retry_status":[502,5],"max_tunnels_per_origin":10,"slow_start":0}}`},
		{"health", "ws_tunnel a:1 {\nhealth http /up {\nstatus 200 3xx\nhost h\nport 81\ninterval 1s\ntimeout 2s\nhealthy 4\nunhealthy 5\nfail_duration 6s\nmax_fails 7\n}\non_origin_down close\n}",
			`{"origins":["a:1"],"health_checks":{"check":"http","path":"/up","status":[200,3],"host":"h","port":"81","interval":1000000000,"timeout":2000000000,"healthy":4,"unhealthy":5,"fail_duration":6000000000,"max_fails":7},"on_origin_down":"close"}`},
		{"dynamic", "ws_tunnel {\ndynamic a x.test 80\nlocal_address 127.0.0.1 ::1\nversions h2c\n}",
			`{"dynamic_upstreams":{"name":"x.test","port":"80","source":"a"},"versions":"h2c","local_address":["127.0.0.1","::1"]}`},
		{"option after tls block", "ws_tunnel a:1 {\ntls {\ntls_server_name x\n}\nname n\n}",
			`{"origins":["a:1"],"tls":{"server_name":"x"},"name":"n"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var h Handler
			if err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.input)); err != nil {
				t.Fatal(err)
			}
			if got, err := json.Marshal(h); err != nil || string(got) != test.want {
				t.Errorf("got  %s (%v)\nwant %s", got, err, test.want)
			}
		})
	}
}

// Mistakes are found where they stand, and what would be right is said.
func TestTunnelCaddyfileMistakes(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"no origin", "ws_tunnel", "needs an origin"},
		{"bad origin in to", "ws_tunnel a:1 {\nto b\n}", "Testfile:2"},
		{"commas", "ws_tunnel localhost:1,localhost:2", "several origins are separated by spaces"},
		{"no slashes", "ws_tunnel wss:localhost:1", `after the scheme "wss" there is no //, as in wss://localhost:1`},
		{"no brackets", "ws_tunnel ::1:8000", "an IPv6 address stands in brackets"},
		{"half a bracket", "ws_tunnel [::1", "an IPv6 address stands in brackets"},
		{"no port", "ws_tunnel localhost", "a port is missing, as in localhost:8000"},
		{"scheme", "ws_tunnel tcp://a:1", "use ws, wss"},
		{"path", "ws_tunnel ws://a/chat", "put `rewrite` or `uri` before ws_tunnel"},
		{"unix with tls", "ws_tunnel unix//s {\ntls\n}", "give sni"},
		{"bad port", "ws_tunnel a:70000", "from 1 to 65535"},
		{"ws with tls", "ws_tunnel ws://a {\ntls\n}", "use wss"},
		{"empty unix path", "ws_tunnel unix/", "as in unix//run/app.sock"},
		{"unknown option", "ws_tunnel a:1 {\nretry 3\n}", `unknown ws_tunnel option "retry", at`},
		{"misspelt option", "ws_tunnel a:1 {\nname n\nheartbet 30s\n}", `unknown ws_tunnel option "heartbet": did you mean heartbeat?, at Testfile:3`},
		{"misspelt option of health", "ws_tunnel a:1 {\nhealth tcp {\nintervall 1s\n}\n}", `unknown health option "intervall": did you mean interval?, at Testfile:3`},
		{"option of tls outside", "ws_tunnel a:1 {\ntls_insecure_skip_verify\n}", "belongs into the block of tls: tls { tls_insecure_skip_verify … }, at Testfile:2"},
		{"unknown policy", "ws_tunnel a:1 {\nlb_policy leastconn\n}", `there is no policy "leastconn": use client_ip_hash, cookie, first, header, ip_hash, least_conn, query, random, random_choose, round_robin, uri_hash, weighted_round_robin`},
		{"line of a port", "ws_tunnel {\nport 80a\nto a:1\n}", "from 1 to 65535, at Testfile:2"},
		{"line of a time", "ws_tunnel a:1 {\nname n\nheartbeat -1s\nlinger 1s\n}", "heartbeat is negative, at Testfile:3"},
		{"line of a lifetime", "ws_tunnel a:1 {\nmax_lifetime 5\nlinger 1s\n}", "2026-01-01T00:00:00Z, at Testfile:2"},
		{"line of a word", "ws_tunnel a:1 {\non_reload stop\nlinger 1s\n}", "write keep, drain or close, at Testfile:2"},
		{"line of a version", "ws_tunnel a:1 {\nversions 2\nlinger 1s\n}", "write 1.1, h2 or h2c, at Testfile:2"},
		{"line of a word that needs another", "ws_tunnel a:1 {\non_reload drain\nlinger 1s\n}", "as in drain 30s, at Testfile:2"},
		{"line that another mistake hides", "ws_tunnel a:1 {\non_reload drain\nheader_up Upgrade foo\nname n\ndrain 30s\n}", "leave it out, at Testfile:3"},
		{"line in health that another hides", "ws_tunnel a:1 b:1 {\nlb_retries 0\nlb_retry_status 503\nhealth tcp {\nport x\n}\nname n\n}", "has no effect without another origin, lb_retries or lb_try_duration, at Testfile:3"},
		{"line of a TLV", "ws_tunnel a:1 {\nproxy_protocol v1 {\ntlv alpn\n}\nlinger 1s\n}", "use v2, at Testfile:3"},
		{"line in health", "ws_tunnel a:1 {\nhealth tcp {\nport x\ninterval 1s\n}\nlinger 1s\n}", "from 1 to 65535, at Testfile:3"},
		{"line of a limit", "ws_tunnel a:1 {\nlimit all 5 {\nipv6_prefix 64\n}\nlinger 1s\n}", "or another, at Testfile:2"},
		{"line without an origin", "ws_tunnel {\nlinger 1s\n}", "as in ws_tunnel localhost:8000, at Testfile:1"},
		{"field of the handshake", "ws_tunnel a:1 {\nheader_up upgrade foo\nlinger 1s\n}", "header_up: Upgrade is the handshake's own and cannot be changed: leave it out, at Testfile:2"},
		{"field of the answer", "ws_tunnel a:1 {\nheader_down -Connection\n}", "header_down: Connection is the handshake's own"},
		{"twice", "ws_tunnel a:1 {\nhost h\nhost i\n}", "host is given twice"},
		{"missing value", "ws_tunnel a:1 {\nhost\n}", "wrong argument count"},
		{"excess value", "ws_tunnel a:1 {\nhost a b\n}", "wrong argument count"},
		{"duration", "ws_tunnel a:1 {\nlinger soon\n}", "as 30s or 1h30m"},
		{"lifetime", "ws_tunnel a:1 {\nmax_lifetime forever\n}", "as 1h, nor a time"},
		{"lifetime with too much", "ws_tunnel a:1 {\nmax_lifetime 1h 5m 1m\n}", "as in max_lifetime 1h 5m"},
		{"jitter", "ws_tunnel a:1 {\nmax_lifetime 1h some\n}", "as 30s or 1h30m"},
		{"heartbeat without interval", "ws_tunnel a:1 {\nheartbeat\n}", "as in heartbeat 30s 10s"},
		{"heartbeat timeout", "ws_tunnel a:1 {\nheartbeat 30s -1s\n}", "heartbeat_timeout is negative"},
		{"message size", "ws_tunnel a:1 {\nmax_message big\n}", "as 64KiB or 1MB"},
		{"rate without window", "ws_tunnel a:1 {\nmessage_rate to_origin 20\n}", "as in message_rate to_origin 20 1s"},
		{"rate of no direction", "ws_tunnel a:1 {\nbyte_rate up 1MiB 1s\n}", "write to_origin or to_client"},
		{"rate of nothing", "ws_tunnel a:1 {\nmessage_rate to_client 0 1s\n}", "is not an amount"},
		{"rate over no time", "ws_tunnel a:1 {\nbyte_rate to_client 1KiB 0s\n}", "the window is not a time"},
		{"rate twice", "ws_tunnel a:1 {\nbyte_rate to_client 1KiB 1s\nbyte_rate to_client 2KiB 1s\n}", "byte_rate to_client is given twice"},
		{"on_reload", "ws_tunnel a:1 {\non_reload restart\n}", "write keep, drain or close"},
		{"drain over no time", "ws_tunnel a:1 {\non_reload drain\n}", "as in drain 30s"},
		{"host", "ws_tunnel a:1 {\nname n\nhost http://foo\nlinger 1s\n}", `host "http://foo" cannot be a Host: write a name or an address, with a port or not, at Testfile:3`},
		{"host of two words", "ws_tunnel a:1 {\nhost \"a b\"\n}", `host "a b" cannot be a Host`},
		{"field Origin", "ws_tunnel a:1 {\norigin_header same\nlinger 1s\n}", `origin_header "same" is no origin: write keep, rewrite, or one as https://example.com, at Testfile:2`},
		{"field Origin with a path", "ws_tunnel a:1 {\norigin_header https://a.test/\n}", "is no origin"},
		{"jitter of all", "ws_tunnel a:1 {\nmax_lifetime 1h 1h\nlinger 1s\n}", "max_lifetime_jitter 1h0m0s leaves nothing of max_lifetime 1h0m0s: write less, at Testfile:2"},
		{"port of a socket", "ws_tunnel unix//run/app.sock {\nport 80\nlinger 1s\n}", `origin "unix//run/app.sock": a Unix socket has no port: leave port out, at Testfile:2`},
		{"too long", "ws_tunnel a:1 {\nidle_timeout 30000d\n}", "idle_timeout is longer than 73 years"},
		{"too long a window", "ws_tunnel a:1 {\nbyte_rate to_client 1 30000d\n}", "the window is longer than 73 years"},
		{"negative", "ws_tunnel a:1 {\nlinger -1s\n}", "linger is negative"},
		{"port override", "ws_tunnel a:1 {\nport none\n}", "from 1 to 65535"},
		{"not of tls", "ws_tunnel a:1 {\ntls {\nkeepalive 1s\n}\n}", "begin with tls_"},
		{"except_ports", "ws_tunnel a:1 {\ntls {\ntls_except_ports 80\n}\n}", "except_ports is not supported"},
		{"PROXY version", "ws_tunnel a:1 {\nproxy_protocol v3\n}", "is not v1 or v2"},
		{"TLVs in v1", "ws_tunnel a:1 {\nproxy_protocol v1 {\ntlv alpn\n}\n}", "use v2"},
		{"TLV type", "ws_tunnel a:1 {\nproxy_protocol v2 {\ntlv vpc\n}\n}", "use authority, alpn"},
		{"TLV without value", "ws_tunnel a:1 {\nproxy_protocol v2 {\ntlv 0xE0\n}\n}", "needs a value"},
		{"TLV with value", "ws_tunnel a:1 {\nproxy_protocol v2 {\ntlv ssl x\n}\n}", "takes no value"},
		{"PROXY option", "ws_tunnel a:1 {\nproxy_protocol v2 {\nsend x\n}\n}", "use tlv or pass"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := new(Handler).UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.input))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Testfile:") {
				t.Errorf("got %v, want it to place the mistake and say %q", err, test.want)
			}
		})
	}
}

func TestEchoCaddyfile(t *testing.T) {
	for input, good := range map[string]bool{"ws_echo": true, "ws_echo x": false, "ws_echo {\nx\n}": false} {
		if err := new(Echo).UnmarshalCaddyfile(caddyfile.NewTestDispenser(input)); (err == nil) != good {
			t.Errorf("%q: %v", input, err)
		}
	}
}
