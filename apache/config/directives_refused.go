// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package config

// refused are directives of other modules, with what to do instead. Those that are
// in no table are refused, too.
var refused = []Entry{
	{Name: "WSGIScriptAlias", Class: Refused, Note: "run the application with a WSGI server, and proxy to that"},
	{Name: "WSGIScriptAliasMatch", Class: Refused, Note: "run the application with a WSGI server, and proxy to that"},
	{Name: "WSGIDaemonProcess", Class: Refused, Note: "run the application with a WSGI server, and proxy to that"},
	{Name: "WSGIProcessGroup", Class: Refused, Note: "run the application with a WSGI server, and proxy to that"},
	{Name: "WSGIApplicationGroup", Class: Refused, Note: "run the application with a WSGI server, and proxy to that"},
	{Name: "WSGIPassAuthorization", Class: Refused, Note: "run the application with a WSGI server, and proxy to that"},
	{Name: "WSGIScriptReloading", Class: Refused, Note: "run the application with a WSGI server, and proxy to that"},
	{Name: "PassengerEnabled", Class: Refused, Note: "run the application with its own server, and proxy to that"},
	{Name: "PassengerAppRoot", Class: Refused, Note: "run the application with its own server, and proxy to that"},
	{Name: "PassengerRuby", Class: Refused, Note: "run the application with its own server, and proxy to that"},
	{Name: "php_value", Class: Refused, Note: "use php-fpm and Caddy's php_fastcgi"},
	{Name: "php_flag", Class: Refused, Note: "use php-fpm and Caddy's php_fastcgi"},
	{Name: "php_admin_value", Class: Refused, Note: "use php-fpm and Caddy's php_fastcgi"},
	{Name: "php_admin_flag", Class: Refused, Note: "use php-fpm and Caddy's php_fastcgi"},
	{Name: "ProxyFCGIBackendType", Class: Refused, Note: "use Caddy's php_fastcgi"},
	{Name: "ProxyFCGISetEnvIf", Class: Refused, Note: "use Caddy's php_fastcgi"},
	{Name: "ProxySCGIInternalRedirect", Class: Refused, Note: "SCGI is not spoken"},
	{Name: "VirtualDocumentRoot", Class: Refused, Note: "name the virtual hosts"},
	{Name: "VirtualScriptAlias", Class: Refused, Note: "name the virtual hosts"},
	{Name: "OIDCProviderMetadataURL", Class: Refused, Note: "use a Caddy plugin for OpenID Connect"},
	{Name: "OIDCClientID", Class: Refused, Note: "use a Caddy plugin for OpenID Connect"},
	{Name: "Use", Class: Refused, Note: "expand the macro"},
	{Name: "SecRule", Class: Refused, Note: "it restricts access; use the Coraza plugin of Caddy"},
	{Name: "LuaHook", Class: Refused, Note: "Lua is not run"},
}
