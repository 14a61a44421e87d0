// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import "testing"

func TestIfVersion(t *testing.T) {
	const faulty = "faulty"
	for _, tt := range []struct{ args, want string }{
		{"2.4", ""},
		{"2.4.71", "holds"},
		{"= 2.4.71", "holds"},
		{"== 2.4.71", "holds"},
		{"!= 2.4.71", ""},
		{"!== 2.4.70", "holds"},
		{"> 2.4.71", ""},
		{"> 2.4", "holds"},
		{">= 2.4.71", "holds"},
		{">= \"2.4\"", "holds"},
		{">= '2.4' ", "holds"},
		{"!>= 2.4", ""},
		{"< 2.4.100", "holds"},
		{"< 3", "holds"},
		{"<= 2", ""},
		{"<= 2.4.071", "holds"},
		{"!< 2.4.100", ""},
		{"~ ^2\\.4", "holds"},
		{"~ /2/", ""},
		{"!~ ^2\\.4", ""},
		{"= /^2\\.4\\.\\d+$/", "holds"},
		{"== /3/", ""},
		{"!= /3/", "holds"},
		{"/4.71$/", "holds"},
		{"= //", "holds"},
		{"> 2.4.", "holds"},
		{"> 2..70", "holds"},

		{"", faulty},
		{"2.4 >= 2.5 x", faulty},
		{">=2.4", faulty},
		{"=> 2.4", faulty},
		{"=~ 2.4", faulty},
		{"~= 2.4", faulty},
		{"! 2.4", faulty},
		{"!!= 2.4", faulty},
		{"> 2.4.71.1", faulty},
		{"> .4", faulty},
		{"> 2.4-dev", faulty},
		{"> /2/", faulty},
		{"= /2", faulty},
		{"~ (", faulty},
	} {
		c, errs := parse(t, "<IfVersion "+tt.args+">\nholds\n</IfVersion>\n", Options{})
		got := ""
		switch {
		case errs != nil:
			got = faulty
		case len(c.Nodes) > 0:
			got = c.Nodes[0].Name
		}
		if got != tt.want {
			t.Errorf("<IfVersion %s> %s, want %s (%v)", tt.args, got, tt.want, errs)
		}
	}
}

func TestIfVersionOfVendor(t *testing.T) {
	c, errs := parse(t, "<IfVersion 2.4.6>\nA\n</IfVersion>\n<IfVersion ~ dev$>\nB\n</IfVersion>\n", Options{Version: "2.4.6-dev"})
	if errs != nil || c.String() != "A\nB\n" {
		t.Errorf("%s, %v", c, errs)
	}
}
