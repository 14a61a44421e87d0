// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest"
	"github.com/caddy-wstunnel/caddy-wstunnel/internal/wstest/apachelab"
)

// labModules are those that the laboratory's cases have directives of.
const labModules = "mpm_event authz_core authz_host authz_user authz_groupfile authn_core authn_file auth_basic access_compat alias dir env setenvif headers rewrite mime expires deflate filter negotiation autoindex include ssl socache_shmcb proxy proxy_http http2 proxy_wstunnel proxy_balancer proxy_fcgi slotmem_shm lbmethod_byrequests lbmethod_bybusyness lbmethod_bytraffic remoteip ratelimit status"

// labBase is around each case, and says what ours says by itself.
const labBase = `
ServerRoot @W
PidFile @W/run/pid
DefaultRuntimeDir @W/run
ErrorLog @W/run/error.log
LogLevel warn
User www-data
Group www-data
TypesConfig /etc/mime.types
ServerName base.test
Listen 127.0.0.1:@P
DocumentRoot @W/htdocs
<Directory @W/htdocs>
 AllowOverride All
 Options FollowSymLinks
 Require all granted
</Directory>
`

// TestApacheLab holds Apache itself against the answers that the adapter's tests
// compare with.
func TestApacheLab(t *testing.T) {
	l := apachelab.New(t)
	// Apache's children are another user.
	if err := os.Chmod(filepath.Dir(l.Dir), 0o755); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	var modules strings.Builder
	for m := range strings.FieldsSeq(labModules) {
		modules.WriteString("LoadModule " + m + "_module /usr/lib/apache2/modules/mod_" + m + ".so\n")
	}
	cases := apachelab.Cases(t, "../apache/testdata/lab.txt")
	for _, file := range []string{"../apache/testdata/sections.txt", "../apache/access/testdata/httpd.txt"} {
		cases = append(cases, apachelab.Cases(t, file)...)
	}
	for _, c := range cases {
		t.Run(c.Title, func(t *testing.T) {
			port := wstest.FreePort(t)
			l.Write(t, "run/httpd.conf", l.Fill(modules.String()+c.On(labBase), port))
			file := filepath.Join(l.Dir, "run", "httpd.conf")
			if c.Refuse || c.Strict {
				if said, err := exec.Command("apache2", "-t", "-f", file).CombinedOutput(); err == nil {
					t.Errorf("Apache takes it: %s", said)
				}
				return
			}
			start(t, l.Dir, nil, "apache2", "-DFOREGROUND", "-f", file).listens(t, port, nil)
			for _, p := range c.Probes {
				if got := l.Ask(t, "127.0.0.1:"+port, p.Request, p.HTTPD); got != p.HTTPD {
					t.Errorf("%s\n got %s\nwant %s", p.Request, got, p.HTTPD)
				}
			}
		})
	}
}
