// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

// A client made with the npm package ws. It sends messages of several kinds to
// an echo server, closes, and prints what it saw as JSON.
//
//     node client.cjs <url> <deflate: true|false> <code to close with, or 0 to wait>

const assert = require("node:assert");
const { once } = require("node:events");
const WebSocket = require("ws");

const [url, deflate, code] = process.argv.slice(2);

async function main() {
	const socket = new WebSocket(url, ["second", "first"], { perMessageDeflate: deflate === "true", rejectUnauthorized: false });
	const messages = [];
	let waiting;
	socket.on("message", (data, isBinary) => {
		messages.push([data, isBinary]);
		waiting?.();
	});
	const echo = async (data, isBinary) => {
		while (messages.length === 0) await new Promise((resolve) => (waiting = resolve));
		const [got, gotBinary] = messages.shift();
		assert.strictEqual(gotBinary, isBinary);
		assert.ok(Buffer.from(data).equals(got), `${data.length} bytes came back as ${got.length}`);
	};
	const closed = once(socket, "close");
	await once(socket, "open");

	for (const size of [0, 1, 125, 126, 65535, 65536, 8 << 20]) {
		const data = Buffer.alloc(size, "a WebSocket message. ");
		socket.send(data);
		await echo(data, true);
	}
	const text = "žluťoučký kůň ".repeat(1000);
	socket.send(text);
	await echo(text, false);

	// One message in fragments, with a ping between them.
	socket.send("first, ", { fin: false });
	const pong = once(socket, "pong");
	socket.ping("are you there?");
	socket.send("second, ", { fin: false });
	socket.send("third", { fin: true });
	await echo("first, second, third", false);
	assert.strictEqual((await pong)[0].toString(), "are you there?");

	if (code !== "0") socket.close(Number(code), "done here");
	const [gotCode, reason] = await closed;
	console.log(JSON.stringify({
		code: gotCode,
		reason: reason.toString(),
		protocol: socket.protocol,
		extensions: socket.extensions,
	}));
}

main().catch((err) => {
	console.error(err);
	process.exit(1);
});
