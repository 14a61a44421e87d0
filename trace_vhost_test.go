// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// traceVhost has what decides about a WebSocket in an Apache file.
const traceVhost = `Listen 127.0.0.1:PORT
<VirtualHost *:PORT>
ServerName site.test
DocumentRoot WWW
RewriteEngine on
RewriteCond %{HTTP:X-App} =yes [OR]
RewriteCond %{QUERY_STRING} app
RewriteRule ^/app/(.*) ws://ORIGIN1/$1 [P,L]
RewriteRule ^/old/(.*) /chat/$1 [PT]
RewriteCond %{TIME_HOUR} >=09
RewriteCond %{TIME_HOUR} <18
RewriteRule ^/hours ws://ORIGIN0/ [P,L]
RewriteRule ^/forbidden - [F]
ProxyPass /chat/out !
ProxyPass /chat/ ws://ORIGIN0/rooms/
ProxyPass /both/ balancer://both/
Redirect /moved http://other.test
Alias /files/ WWW/
ErrorDocument 403 /sub/file
<Proxy balancer://both>
BalancerMember ws://ORIGIN0
BalancerMember ws://ORIGIN1 route=one
ProxySet stickysession=SESSION
</Proxy>
<Location /chat/admin>
Require ip 203.0.113.0/24
</Location>
<LocationMatch ^/chat/members>
AuthType Basic
AuthName members
AuthUserFile WWW/passwords
Require valid-user
</LocationMatch>
<Location /chat/nobody>
Require all denied
ErrorDocument 403 nobody
</Location>
<If "%{HTTP:X-If} == '1'">
Require all denied
</If>
<Directory WWW>
AllowOverride All
Require all granted
</Directory>
</VirtualHost>
`

// vhostSite is that file, running.
type vhostSite struct {
	address, port string
	origins       []string
	replacer      *strings.Replacer // of the words in capitals
}

func startVhost(t *testing.T) *vhostSite {
	t.Helper()
	www, port, origins := t.TempDir(), freePort(t), several(t, 2)
	s := &vhostSite{"127.0.0.1:" + port, port, origins, strings.NewReplacer(
		"SERVER", "apache_127_0_0_1_"+port, "PORT", port, "WWW", www, "ORIGIN0", origins[0], "ORIGIN1", origins[1],
	)}
	if err := os.Mkdir(filepath.Join(www, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"passwords":     "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", // password
		"sub/.htaccess": "RewriteEngine on\nRewriteRule ^ws$ ws://ORIGIN1/sub [P]\n",
		"sub/file":      "a file\n",
	} {
		if err := os.WriteFile(filepath.Join(www, name), []byte(s.replacer.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	startApache(t, s.replacer.Replace(traceVhost))
	return s
}

// startApache runs a site of an Apache file, site.conf.
func startApache(t *testing.T, text string) {
	t.Helper()
	raw, _, err := caddyconfig.GetAdapter("apache").Adapt([]byte(text), map[string]any{"filename": "site.conf"})
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	config["admin"] = map[string]any{"disabled": true, "config": map[string]any{"persist": false}}
	config["logging"] = map[string]any{"logs": map[string]any{"default": map[string]any{
		"level": "DEBUG", "writer": map[string]any{"output": "wstunnel_test"},
	}}}
	if raw, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	runConfig(t, raw)
}

// ask opens a tunnel, or is refused.
func (s *vhostSite) ask(t *testing.T, path, fields string) *http.Response {
	t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, c)
	defer p.Close()
	p.send(handshakeOf(path, fields))
	return p.readAnswer()
}

// A virtual host of the adapter does what a trace says.
func TestTraceVhostIsTrue(t *testing.T) {
	s := startVhost(t)
	for _, tc := range []struct{ path, name, value string }{
		{"/chat/room", "", ""},
		{"/chat/room?id=7", "", ""},
		{"/chat/out", "", ""},
		{"/old/room", "", ""},
		{"/app/x", "", ""},
		{"/app/x", "X-App", "yes"},
		{"/app/x?app", "", ""},
		{"/forbidden", "", ""},
		{"/moved/x", "", ""},
		{"/chat/admin", "", ""},
		{"/chat/members", "", ""},
		{"/chat/members", "Authorization", "Basic Ym9iOnBhc3N3b3Jk"},
		{"/chat/members", "Authorization", "Basic Ym9iOndyb25n"},
		{"/chat/nobody", "", ""},
		{"/chat/room", "X-If", "1"},
		{"/both/x", "Cookie", "SESSION=a.one"},
		{"/sub/ws", "", ""},
		{"/sub/none", "", ""},
		{"/files/none", "", ""},
		{"/%2e%2e/x", "", ""},
		{"/a%2fb", "", ""},
		{"/", "", ""},
		{"/chat/room", "Sec-WebSocket-Protocol", "a"},
	} {
		fields, headers := "", map[string]string{}
		if tc.name != "" {
			fields, headers[tc.name] = tc.name+": "+tc.value+"\r\n", tc.value
		}
		resp := s.ask(t, tc.path, fields)
		body, err := json.Marshal(map[string]any{"url": "ws://site.test:" + s.port + tc.path, "headers": headers, "remote_ip": "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		result := traceOf(t, string(body))
		origin := ""
		if rule := result.taken(); rule != nil && rule.Parameter.Origin != nil {
			origin = map[string]string{"ws://" + s.origins[0]: "0", "ws://" + s.origins[1]: "1"}[rule.Parameter.Origin.Address]
		}
		if result.StatusCode != resp.StatusCode || origin != resp.Header.Get("X-Origin") {
			t.Errorf("%v: answered %d by origin %q, traced %d and %q:\n%s", tc, resp.StatusCode, resp.Header.Get("X-Origin"), result.StatusCode, origin, result.tree())
		}
	}
	nothingLeft(t)
}

// The tree says which directive has decided, and why others have not.
func TestTraceVhostTree(t *testing.T) {
	zone := localZone
	t.Cleanup(func() { localZone = zone })
	localZone = func() *time.Location { return time.UTC }
	s := startVhost(t)
	const (
		app   = `site.conf:8 RewriteRule ^/app/(.*) ws://ORIGIN1/$1 [P,L]: `
		old   = `site.conf:9 RewriteRule ^/old/(.*) /chat/$1 [PT]: `
		hours = `site.conf:12 RewriteRule ^/hours ws://ORIGIN0/ [P,L]: `
		f     = `site.conf:13 RewriteRule ^/forbidden - [F]: `
		pass  = `site.conf:15 ProxyPass /chat/ ws://ORIGIN0/rooms/: `
	)
	for _, tc := range []struct{ args, want string }{
		{"/old/room", `✓ SERVER
├─ ✓ apache_vhost site.test site.conf:2
│  ├─ ✗ ` + app + `^/app/(.*) does not match /old/room
│  ├─ ✓ ` + old + `/chat/room
│  ├─ ✗ site.conf:14 ProxyPass /chat/out !: not for /chat/room
│  └─ ✓ ` + pass + `ws://ORIGIN0/rooms/` + `room
└─ ✓ ws_tunnel ws://ORIGIN0/rooms/: ws://ORIGIN0
=> ws://ORIGIN0, asked for /rooms/room of ORIGIN0
`},
		{"/app/x", `✓ SERVER
├─ ✓ apache_vhost site.test site.conf:2
│  ├─ ✗ ` + app + `site.conf:6 RewriteCond %{HTTP:X-App} =yes [OR] is false of "" and site.conf:7 RewriteCond %{QUERY_STRING} app is false of ""
`},
		{"/hours --at 2026-11-20T18:00Z", `│  ├─ ✗ ` + hours + `site.conf:11 RewriteCond %{TIME_HOUR} <18 is false of "18"
`},
		{"/hours --at 2026-11-20T17:59Z", `│  └─ ✓ ` + hours + `ws://ORIGIN0/
`},
		{"/chat/nobody", `   ├─ ✓ ` + pass + `ws://ORIGIN0/rooms/` + `nobody
   ├─ ✓ site.conf:34 <Location /chat/nobody>
   ├─ ✗ access: not met: Require of site.conf:35
   └─ ✓ ErrorDocument 403: a text
=> no ws_tunnel takes it; the status is 403 Forbidden
`},
		{"/forbidden", `│  ├─ ✗ ` + hours + `^/hours does not match /forbidden
│  ├─ ✓ ` + f + `403
│  ├─ ✓ ErrorDocument 403: /sub/file
`},
		{"/moved/x", `   └─ ✓ site.conf:17 Redirect: 302 http://other.test/x
=> no ws_tunnel takes it; the status is 302 Found
`},
		{"/both/x", `│  ├─ ✓ site.conf:20 <Proxy balancer://both>
│  └─ ✓ balancer://both: one of ws://ORIGIN0, ws://ORIGIN1, by byrequests
└─ ✓ ws_tunnel ws://ORIGIN0: one of ws://ORIGIN0, ws://ORIGIN1, by byrequests
=> one of ws://ORIGIN0, ws://ORIGIN1, by byrequests, asked for /x of ORIGIN0
`},
		{"/both/x -H Cookie:SESSION=a.one", `│  └─ ✓ balancer://both: ws://ORIGIN1
└─ ✓ ws_tunnel ws://ORIGIN1: ws://ORIGIN1
=> ws://ORIGIN1, asked for /x of ORIGIN1
`},
		{"/files/sub/file", `│  ├─ ✓ site.conf:18 Alias /files/ WWW/: WWW/sub/file
`},
		{"/sub/ws", `│  ├─ ✓ access
│  └─ ✓ .htaccess:2 RewriteRule ^ws$ ws://ORIGIN1/sub [P]: ws://ORIGIN1/sub
└─ ✓ ws_tunnel: ws://ORIGIN1
=> ws://ORIGIN1, asked for /sub of ORIGIN1
`},
	} {
		want := s.replacer.Replace(tc.want)
		path, args, _ := strings.Cut(tc.args, " ")
		out, err := runCommand(t, append([]string{"trace", "ws://site.test:" + s.port + path}, strings.Fields(args)...)...)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", tc.args, err, out, want)
		}
	}
}

// What a request has in it does nothing in a terminal, whatever directive repeats it.
func TestTraceVhostTerminal(t *testing.T) {
	s := startVhost(t)
	for _, path := range []string{"/chat", "/app", "/both", "/files", "/moved", "/old", "/sub"} {
		for _, form := range [][]string{nil, {"--json"}} {
			args := append([]string{"trace", "ws://site.test:" + s.port + path + hostileURI, "-H", "X-App: \u009b2J\u202e"}, form...)
			out, err := runCommand(t, args...)
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			expectHarmless(t, path, out)
			if form == nil && !strings.Contains(out, `\u009b`) {
				t.Errorf("%s is not shown:\n%s", path, out)
			}
		}
	}
}

// A trace moves no balancer on, and what it comes to is neither counted nor logged as
// what has become of a request.
func TestTraceVhostHasNoEffect(t *testing.T) {
	for len(testRecords) > 0 {
		<-testRecords // of an earlier test
	}
	s := startVhost(t)
	before := vhostRefusals(t)
	for i := range 4 {
		for range i { // so that a trace that moved it on would be seen
			traceOf(t, `{"url": "ws://site.test:`+s.port+`/both/x"}`)
		}
		traceOf(t, `{"url": "ws://site.test:`+s.port+`/chat/nobody"}`)
		if got := s.ask(t, "/both/x", "").Header.Get("X-Origin"); got != strconv.Itoa(i%2) {
			t.Errorf("request %d went to %s", i, got)
		}
		nothingLeft(t)
	}
	if n := vhostRefusals(t) - before; n != 0 {
		t.Errorf("%g refusals were counted", n)
	}
	if status := s.ask(t, "/chat/nobody", "").StatusCode; status != 403 || vhostRefusals(t)-before != 1 {
		t.Errorf("a real one is answered with %d, and %g are counted", status, vhostRefusals(t)-before)
	}
	logged := 0
	for len(testRecords) > 0 {
		if r := <-testRecords; r["msg"] == "refused" {
			logged++
		}
	}
	if logged != 1 {
		t.Errorf("%d refusals were logged", logged)
	}
}

// vhostRefusals is how many requests virtual hosts have refused.
func vhostRefusals(t *testing.T) (n float64) {
	t.Helper()
	ctx := caddy.ActiveContext()
	families, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "caddy_apache_refused_total" {
			for _, m := range family.GetMetric() {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}
