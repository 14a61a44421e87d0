// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package htpasswd

import (
	"errors"
	"strings"
	"testing"
)

// The hashes are what htpasswd (2.4.71, Debian), openssl passwd and crypt(3) of
// libxcrypt made of the passwords.
func TestVerify(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ made, hash, password string }{
		{"htpasswd -B", "$2y$05$BrWZFQPcfQZZYHJq1R9k0u2gKJm.RwuT3zB3VWrnX0yP5r7GKcixK", "secret"},
		{"htpasswd -m", "$apr1$JgONC1yF$BFnO7I2RmXmVrSbKfIHYM1", "secret"},
		{"htpasswd -s", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret"},
		{"htpasswd -d", "j7bWl.yUaP4CM", "secret"},
		{"htpasswd -2", "$5$AxUIIxf8YuVRD4f/$pfc/QuFw0fc.0yojtioL2W.EfbvfgbvHY5NSwtHfEK0", "secret"},
		{"htpasswd -5", "$6$3ztZf98f/aJfYUWF$6ZkI/53Zgh3raDKupGDJ5Zfe9azv0zLrM.mCo/H7s1WYo0vetvfe20RA5SuKbqnXNLXoDRSCr.RV5w4U6RHRU.", "secret"},
		{"openssl -1", "$1$FcXHVRtX$nfSix3LYUtnbq4HQrPLsr.", "secret"},
		{"openssl -5", "$5$iF86jldtNYOxc.gw$I0LcM/PARZ66VCY1jmwUeLsoSElSEh8OmiQ9rnCh5I7", "secret"},
		{"openssl -6", "$6$VCjp68gtB0azVTz7$LPuYOHJq6MIuf3uYFbwWqt2msbaR1d9N.IAAbJPnE1PXnsoiPbOrBk7qJ3RDUdozAIcNHVE8E7wK1rN9.b93M0", "secret"},
		{"openssl -apr1", "$apr1$xEUurO04$c5/3njIZiMVYspM3ktJwJ1", "secret"},

		{"htpasswd -B", "$2y$05$.tvlsbxSZBi091j/nl/KEu.vesFWW4T0PqyxApTI8vC8wL1ztTh3K", "Grüße"},
		{"htpasswd -m", "$apr1$noYphFSO$gOm.Jjb4PLPtFr5w2rWkg1", "Grüße"},
		{"htpasswd -s", "{SHA}9kl1HW4btG+MhqjgMAI3wz3wcHQ=", "Grüße"},
		{"htpasswd -d", "73DA8NsqQrXmQ", "Grüße"},
		{"htpasswd -2", "$5$GQ4Q9Al7FZ9TYTrK$r63Q0SBbtQSSuiCtdXorX9Bks94oDcaOeDgJW3klu.5", "Grüße"},
		{"openssl -1", "$1$m3hD7MTC$RH.XADJV2ynaCukzJvTWu0", "Grüße"},

		{"htpasswd -B", "$2y$05$4ZmnoykB7XBNaA5k64QDMeo0x7/nbbWH0DOps3MopOPOxk4K2M2P.", phrase},
		{"htpasswd -m", "$apr1$wtBVtF5y$5yRD1FU9uG5IhUEMqkZvX.", phrase},
		{"htpasswd -s", "{SHA}OkGzvXLMJ/r+D4hJeDeYrw6SigM=", phrase},
		{"htpasswd -d", "DZ3/RAXnk8bHY", phrase},
		{"htpasswd -d", "DZ3/RAXnk8bHY", phrase[:8]}, // that is all that counts
		{"htpasswd -2", "$5$6eGFHjksF2.3/y1w$Lsq4MTe64gi4AxFDPwxAhL8bTEM8043Yz0dM8hDbtsD", phrase},
		{"htpasswd -5", "$6$A4MjN9odBLdnG2ok$uPvcTWqq1UulVOtVJUgVX5Hw1nG1AN2pCX80Zwdrs9mdXrSq.B7h7SIzNtcltyZiAsbL7gKuXdntc0lWFxqoR/", phrase},

		{"crypt(3)", "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "secret"},
		{"crypt(3)", "$2a$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "secret"},
		{"crypt(3)", "abNANd1rDfiNc", "secret"},
		{"crypt(3)", "zZ5x4y8hS4SZE", "secret"},
		{"crypt(3)", "abmF1QH4PEr.E", ""},
		{"crypt(3)", ".//HumfQlabA.", "\xff\x80high"},

		// 72 characters count for bcrypt, whatever follows.
		{"htpasswd -B", "$2y$05$E7373UIhiT7sP1QATCD4S.CaiWGwTQgIRI4hFysB/ynM7hmsVaL3u", strings.Repeat("p", 72) + "TAIL"},
		{"htpasswd -B", "$2y$05$E7373UIhiT7sP1QATCD4S.CaiWGwTQgIRI4hFysB/ynM7hmsVaL3u", strings.Repeat("p", 72) + "else"},
	} {
		if ok, err := verify(tc.hash, tc.password); !ok || err != nil {
			t.Errorf("%s of %q: %s is not right: %v", tc.made, tc.password, tc.hash, err)
		}
		for _, wrong := range []string{"x" + tc.password, "", strings.ToUpper(tc.password), tc.hash} {
			if wrong == tc.password {
				continue
			}
			if ok, _ := verify(tc.hash, wrong); ok {
				t.Errorf("%s of %q: %s is right for %q, too", tc.made, tc.password, tc.hash, wrong)
			}
		}
	}
}

const phrase = "a much longer pass phrase, with 40 chars"

func TestVerifyUnsupported(t *testing.T) {
	t.Parallel()
	for _, hash := range []string{
		"", "secret", "*0", "*1", "x", "!", "$", "$y$j9T$abc$def", "$2x$05$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
		"$2y$05$short", "$2y$99$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "$apr1$", "$apr1$$", "$6$", "$5$rounds=$x",
		"$1$", "{SSHA}c2FsdHNhbHRzYWx0c2FsdHNhbHQ=", "ab", "ab\x00", "abNANd1rDfiN", "abNANd1rDfiNcX", "secretsecrets",
	} {
		for _, password := range []string{"", "secret", hash} {
			ok, err := verify(hash, password)
			if ok {
				t.Errorf("%q is right for %q", hash, password)
			}
			if err != nil && !errors.Is(err, errFormat) {
				t.Errorf("%q for %q: %v", hash, password, err)
			}
		}
	}
}

// A password that takes too long to hash cannot be one that crypt(3) has made.
func TestVerifyLong(t *testing.T) {
	t.Parallel()
	for _, hash := range []string{"$6$saltsalt$x", "$5$saltsalt$x", "$1$saltsalt$x", "abNANd1rDfiNc"} {
		if ok, err := verify(hash, "secret  "+strings.Repeat("x", 600)); ok || err != nil {
			t.Errorf("%s: got %v, %v", hash, ok, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	for _, hash := range []string{"$apr1$a$", "$1$$", "$6$rounds=1000$a$b", "$5$rounds=10$a", "{SHA}", "ab", "$2y$04$"} {
		f.Add(hash, "secret")
	}
	f.Fuzz(func(t *testing.T, hash, password string) {
		if work(hash) > 100_000 {
			return // right, but too slow for many
		}
		if ok, err := verify(hash, password); ok && err != nil {
			t.Errorf("%q for %q: right, and %v", hash, password, err)
		}
	})
}
