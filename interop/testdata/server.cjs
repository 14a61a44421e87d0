// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// An echo server made with the npm package ws. It prints how each connection was
// opened and closed, as lines of JSON.
//
//     node server.cjs <port>

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
	host: "127.0.0.1",
	port: Number(process.argv[2]),
	perMessageDeflate: true,
	handleProtocols: (offered) => (offered.has("first") ? "first" : false),
});
server.on("connection", (socket, request) => {
	console.log(JSON.stringify({ opened: request.url, extensions: socket.extensions, forwarded: request.headers["x-forwarded-for"] }));
	socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
	socket.on("close", (code, reason) => console.log(JSON.stringify({ closed: request.url, code, reason: reason.toString() })));
});
