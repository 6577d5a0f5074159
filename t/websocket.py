#!/usr/bin/python3
"""WebSocket by somebody else's code, for t/20-tunnel.t and t/20-quit.t.

websocket.py server             prints its port; ends with its standard input
websocket.py client HOST PORT [CA]  talks to it as HOST through PORT, with TLS if
                                there is a CA; one line a promise: "ok ..." or
                                "not ok ..."
websocket.py left HOST PORT [CA]  some that are idle, until somebody closes them
"""
import asyncio
import os
import ssl
import sys

import websockets

MIB = 1024 * 1024
LIMITS = dict(max_size=20 * MIB, ping_interval=None, compression=None)


async def echo(ws, path):
    if path == "/close/4000":
        await ws.close(4000, "as you like")
        return
    try:
        while True:
            await ws.send(await ws.recv())
    except websockets.ConnectionClosed:
        pass


async def server():
    async with websockets.serve(echo, "127.0.0.1", 0, **LIMITS) as s:
        print(s.sockets[0].getsockname()[1], flush=True)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, sys.stdin.read)
        os._exit(0)


def say(good, what):
    print("ok" if good else "not ok", what, flush=True)


def connector(host, port, ca):
    scheme, tls = "ws", {}
    if ca:
        scheme = "wss"
        tls = dict(ssl=ssl.create_default_context(cafile=ca),
                   server_hostname=host)

    def connect(path, **more):
        return websockets.connect(f"{scheme}://{host}{path}", host="127.0.0.1",
                                  port=port, **tls, **LIMITS, **more)
    return connect


async def left(host, port, ca=None):
    """Idle, until somebody closes them: with which code?"""
    connect = connector(host, port, ca)
    open_ones = [await connect("/") for _ in range(4)]
    for ws in open_ones:
        await ws.send("hello")
        await ws.recv()
    print("there", flush=True)
    for ws in open_ones:
        try:
            await ws.recv()
        except websockets.ConnectionClosed as closed:
            say(closed.code == 1001, f"closed with {closed.code}")


async def client(host, port, ca=None):
    connect = connector(host, port, ca)
    async with connect("/") as ws:
        await ws.send("grüß dich")
        say(await ws.recv() == "grüß dich", "text")
        every = bytes(range(256)) * 40
        await ws.send(every)
        say(await ws.recv() == every, "binary, with every byte value")
        await ws.send(["frag", "men", "ted"])
        say(await ws.recv() == "fragmented", "fragmented")
        await ws.send("")
        say(await ws.recv() == "", "empty")
        big = os.urandom(16 * MIB)
        more = big[:2 * MIB]
        await ws.send(big)
        await ws.send(more)
        say([await ws.recv(), await ws.recv()] == [big, more],
            "a frame of 16 MiB, and more sent before it is read")
        say(await asyncio.wait_for(await ws.ping(b"are you there"), 10) or True,
            "ping and pong")
        await asyncio.sleep(2.5)    # the HTTP timeouts are shorter here
        await ws.send("still there")
        say(await ws.recv() == "still there", "after a silence")
        await ws.close(3001, "enough")
        say(ws.close_code == 3001, "our close code comes back")
    async with connect("/close/4000") as ws:
        try:
            await ws.recv()
        except websockets.ConnectionClosed as closed:
            say((closed.code, closed.reason) == (4000, "as you like"),
                "the server's close code and reason")
    async with connect("/", extra_headers={"Cookie": "a=b"}) as first:
        others = [await connect("/") for _ in range(50)]
        for i, ws in enumerate(others):
            await ws.send(str(i))
        say([await ws.recv() for ws in others] == [str(i) for i in range(50)],
            "50 at the same time")
        for ws in others:
            await ws.close()
        await first.close()


if sys.argv[1] == "server":
    asyncio.run(server())
else:
    run = left if sys.argv[1] == "left" else client
    asyncio.run(run(sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
