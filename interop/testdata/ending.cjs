// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// A client made with the npm package ws. It sends a message, if it is to, waits
// to be closed, and prints that and the control frames before it, as lines of
// JSON.
//
//     node ending.cjs <url> <size of the message, or 0 for none>

const { randomBytes } = require("node:crypto");
const WebSocket = require("ws");

const [url, size] = process.argv.slice(2);
const print = (event) => console.log(JSON.stringify(event));

const socket = new WebSocket(url, { rejectUnauthorized: false });
let pings = 0;
socket.on("ping", () => print({ pinged: "client", times: ++pings }));
socket.on("pong", () => print({ ponged: "client" }));
socket.onopen = () => {
	if (size !== "0") socket.send(randomBytes(Number(size))); // nothing to compress
};
socket.onclose = (e) => print({ code: e.code, clean: e.wasClean });
