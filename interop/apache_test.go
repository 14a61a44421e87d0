// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
)

// apacheProbes are requests, and what both Apache and the example make of them.
var apacheProbes = []struct {
	name, path, fields string
	status             int
	chat, site         string // the target that an origin saw, if it was asked
}{
	{"tunnel", "/ws/room?n=1", wstest.Upgrade, 101, "/room?n=1", ""},
	{"encoded path", "/ws/a%20b/%C3%A9", wstest.Upgrade, 101, "/a%20b/%C3%A9", ""},
	{"no WebSocket", "/ws/room", wstest.Plain, 200, "/room", ""},
	{"the rest", "/index.html?a=b", wstest.Plain, 200, "", "/index.html?a=b"},
	{"beside the prefix", "/wsx", wstest.Plain, 200, "", "/wsx"},
	{"address, no", "/lan/a", wstest.Upgrade, 403, "", ""},
	{"address, one", "/lan/a", wstest.Upgrade + "X-Forwarded-For: 192.168.1.77\r\n", 101, "/a", ""},
	{"address, another", "/lan/a", wstest.Upgrade + "X-Forwarded-For: 10.9.8.7, 203.0.113.9\r\n", 101, "/a", ""},
	{"address, claimed", "/lan/a", wstest.Upgrade + "X-Forwarded-For: 203.0.113.9, 192.168.2.1\r\n", 403, "", ""},
	{"no password", "/members/a", wstest.Upgrade, 401, "", ""},
	{"wrong password", "/members/a", wstest.Upgrade + "Authorization: Basic dXNlcm5hbWU6c2VzYW1l\r\n", 401, "", ""},
	{"password", "/members/a", wstest.Upgrade + "Authorization: Basic dXNlcm5hbWU6b3Blbi1zZXNhbWU=\r\n", 101, "/a", ""},
	{"no Origin", "/page/a", wstest.Upgrade, 403, "", ""},
	{"foreign Origin", "/page/a", wstest.Upgrade + "Origin: https://trustedsite.com.example\r\n", 403, "", ""},
	{"trusted Origin", "/page/a", wstest.Upgrade + "Origin: https://trustedsite.com\r\n", 101, "/a", ""},
}

// TestApacheExample has Apache, its own configuration under our adapter, and the
// example that replaces it answer the same probes, at noon and at night.
func TestApacheExample(t *testing.T) {
	for _, server := range []struct {
		name  string
		start func(t *testing.T, chat, site, zone string) (port string)
	}{{"Apache", startApache}, {"the adapter", startApacheAdapted}, {"the example", startApacheExample}} {
		for _, hour := range []struct {
			name       string
			hour       int
			status     int
			fields     string
			chat, site string
		}{
			{"at noon", 12, 101, wstest.Upgrade, "/a", ""},
			{"at night", 22, 200, wstest.Plain, "", "/hours/a"},
		} {
			t.Run(server.name+" "+hour.name, func(t *testing.T) {
				chat, site := wstest.NewOrigin(t), wstest.NewOrigin(t)
				port := server.start(t, chat.Port, site.Port, zoneWhereItIs(hour.hour))
				for _, probe := range append(apacheProbes, struct {
					name, path, fields string
					status             int
					chat, site         string
				}{"hours", "/hours/a", hour.fields, hour.status, hour.chat, hour.site}) {
					a := ask(t, port, trusting("chat.example.com"), "chat.example.com", probe.path, probe.fields)
					if a.StatusCode != probe.status {
						t.Errorf("%s: %s: %s", probe.name, a.Status, a.Text)
					}
					if a.StatusCode == 101 {
						a.Echoes(t, "hello")
					}
					for origin, target := range map[*wstest.Origin]string{chat: probe.chat, site: probe.site} {
						if target == "" {
							if len(origin.Asked) > 0 {
								t.Errorf("%s: an origin was asked", probe.name)
							}
							continue
						}
						if got := origin.Next(t); got.Host != "localhost:"+origin.Port || got.RequestURI != target {
							t.Errorf("%s: an origin saw %s%s, want %s", probe.name, got.Host, got.RequestURI, target)
						}
					}
				}
			})
		}
	}
}

// zoneWhereItIs is a time zone in which the clock now shows some minutes past
// the hour: neither server can be told another time.
func zoneWhereItIs(hour int) string {
	east := (hour - time.Now().UTC().Hour() + 24) % 24
	if east > 14 {
		east -= 24
	}
	return fmt.Sprintf("Etc/GMT%+d", -east) // these count to the west
}

func startApache(t *testing.T, chat, site, zone string) (port string) {
	t.Helper()
	file, dir, port := apacheConfig(t, chat, site)
	start(t, dir, []string{"TZ=" + zone}, "apache2", "-DFOREGROUND", "-f", file).listens(t, port, nil)
	return port
}

// startApacheAdapted runs the file that Apache is given, as it stands.
func startApacheAdapted(t *testing.T, chat, site, zone string) (port string) {
	t.Helper()
	file, dir, port := apacheConfig(t, chat, site)
	env := []string{"TZ=" + zone, "HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "CADDY_ADMIN=127.0.0.1:" + wstest.FreePort(t)}
	start(t, dir, env, caddy, "run", "--adapter", "apache", "--config", file).listens(t, port, trusting("chat.example.com"))
	return port
}

func apacheConfig(t *testing.T, chat, site string) (file, dir, port string) {
	t.Helper()
	config, err := os.ReadFile("testdata/apache.conf")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, _ := certificate(t)
	dir = t.TempDir()
	// Apache's children are another user.
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	port = wstest.FreePort(t)
	return writeConfig(t, string(config), map[string]string{
		"FRONT": port, "CHAT": chat, "SITE": site, "CERT": cert, "KEY": key, "DIR": dir,
		"USERS": writeConfig(t, examplePassword(t), nil),
	}), dir, port
}

// examplePassword is the example's line for AuthUserFile.
func examplePassword(t *testing.T) string {
	t.Helper()
	example, err := os.ReadFile("../examples/apache-websocket.caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`username (\$2y\$\S+)`).FindStringSubmatch(string(example))
	if line == nil {
		t.Fatal("the example has no password")
	}
	return strings.Join([]string{"username", line[1]}, ":") + "\n"
}

func startApacheExample(t *testing.T, chat, site, zone string) (port string) {
	t.Helper()
	ports := map[string]string{"8080": chat}
	// The example's own site would listen where the test's does.
	ports["3000"] = wstest.FreePort(t)
	gateway := startExampleWith(t, "apache-websocket", ports, func(text string) string {
		return strings.ReplaceAll(text, "reverse_proxy localhost:"+ports["3000"], "reverse_proxy localhost:"+site)
	}, "TZ="+zone)
	gateway.listens(t, ports["8443"], trusting("chat.example.com"))
	return ports["8443"]
}

// TestDebianConfig has the adapter take all that Debian installs with Apache.
func TestDebianConfig(t *testing.T) {
	command := exec.Command(caddy, "adapt", "--adapter", "apache", "--config", "/etc/apache2/apache2.conf")
	var said bytes.Buffer
	command.Stderr = &said
	config, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	for _, part := range []string{`"handler":"apache_vhost"`, `/var/www/html`, `:80"`} {
		if !strings.Contains(string(config), part) {
			t.Errorf("there is no %s in %s", part, config)
		}
	}
	if !strings.Contains(said.String(), "mime.conf") || !strings.Contains(said.String(), "nothing is run here") {
		t.Errorf("it does not warn of AddHandler: %s", said.String())
	}
}
