// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// An echo server made with the npm package ws. It prints how each connection was
// opened and closed, and what control frames came, as lines of JSON. Where the
// query is ?fragments, messages go back in pieces.
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
	const piece = request.url.endsWith("?fragments") ? 1000 : Infinity;
	socket.on("message", (data, isBinary) => {
		let sent = 0;
		for (; data.length - sent > piece; sent += piece) socket.send(data.subarray(sent, sent + piece), { binary: isBinary, fin: false });
		socket.send(data.subarray(sent), { binary: isBinary });
	});
	let pings = 0;
	socket.on("ping", () => console.log(JSON.stringify({ pinged: request.url, times: ++pings })));
	socket.on("pong", () => console.log(JSON.stringify({ ponged: request.url })));
	socket.on("close", (code, reason) => console.log(JSON.stringify({ closed: request.url, code, reason: reason.toString() })));
});
