# Copyright 2026 The caddy-wstunnel Authors
# SPDX-License-Identifier: Apache-2.0

# A client and an echo server made with Python's websockets, which compress. They
# print what they saw as lines of JSON.
#
#     python3 peer.py serve <port>
#     python3 peer.py visit <url> <code to close with>

import asyncio
import json
import os
import ssl
import sys

import websockets


def say(**event):
    print(json.dumps(event), flush=True)


async def echo(socket):
    try:
        async for message in socket:
            half = len(message) // 2
            await socket.send([message[:half], message[half:]])  # in two fragments
    except websockets.ConnectionClosed:  # with another code than 1000
        pass
    say(closed=socket.path, code=socket.close_code, reason=socket.close_reason)


async def serve(port):
    async with websockets.serve(echo, "127.0.0.1", port, subprotocols=["first"], max_size=None):
        await asyncio.Future()


async def visit(url, code):
    trust = None
    if url.startswith("wss:"):
        trust = ssl.create_default_context()
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
    async with websockets.connect(url, ssl=trust, subprotocols=["second", "first"], max_size=None) as socket:
        await (await socket.ping(b"are you there?"))
        for size in (0, 1, 125, 126, 65535, 65536, 4 << 20):
            for message in (os.urandom(size), "ů" * (size // 2)):
                sending = asyncio.create_task(socket.send(message))
                assert await socket.recv() == message, size
                await sending
        await socket.close(code, "done here")
        say(
            code=socket.close_code,
            protocol=socket.subprotocol,
            extensions=[extension.name for extension in socket.extensions],
        )


if sys.argv[1] == "serve":
    asyncio.run(serve(int(sys.argv[2])))
else:
    asyncio.run(visit(sys.argv[2], int(sys.argv[3])))
