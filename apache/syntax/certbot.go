// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package syntax

import "path"

// CertbotFile is for Options.Missing. It knows options-ssl-apache.conf, which
// certbot puts beside its certificates and includes in the virtual hosts that it
// edits: it is what turns TLS on there. The text is reduced to what does not go
// out of date; ciphers are left to the server.
func CertbotFile(name string) (text []byte, ok bool) {
	if path.Base(name) != "options-ssl-apache.conf" {
		return nil, false
	}
	return []byte(`SSLEngine on
SSLProtocol all -SSLv2 -SSLv3 -TLSv1 -TLSv1.1
SSLHonorCipherOrder off
SSLSessionTickets off
SSLOptions +StrictRequire
`), true
}
