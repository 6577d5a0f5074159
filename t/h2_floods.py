#!/usr/bin/python3
"""Floods of HTTP/2 frames, each at full speed: for t/30-h2-floods.t.

h2_floods.py    prints a line with the port of a backend that counts, and the
                names of floods; then, for each line "NAME PORT PID SECONDS" of
                standard input, a JSON object.  PID: the worker.  A client that
                is cut off comes again, for so many seconds; 0: once.  NAME
                "again": it has eight connections, and then wants a ninth.
"""
import json
import os
import socket
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "lib"))
from h2peer import *  # noqa

CLIENT = "127.0.0.2"    # other clients are at another address
TURN = 400              # frames in one write

requests = 0


def backend_serve(conn):
    global requests
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            piece = conn.recv(65536)
            if not piece:
                conn.close()
                return
            data += piece
        head, data = data.split(b"\r\n\r\n", 1)
        requests += b" /others" not in head
        try:
            if b" /big" in head:
                conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000"
                             b"\r\n\r\n")
                for _ in range(1526):
                    conn.sendall(bytes(65536))
                conn.close()
                return
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except OSError:
            conn.close()
            return


def serve_quietly(conn):
    try:
        backend_serve(conn)
    except OSError:
        conn.close()


REQ = request()
BAD = headers(0, REQ + [("connection", "close")])[9:]
GOOD = headers(0, REQ)[9:]
OPEN = headers(1, request("POST", "/"), end=False)
BIG = headers(1, request(path="/big"))
PRIO = struct.pack(">IB", 0, 15)


def streams(make, count=TURN):
    """Frames for one new stream after the other."""
    def turn(n):
        return b"".join(make(2 * (n + i) + 1) for i in range(count))
    return turn


def same(data):
    return lambda n: data * TURN


# An entry as large as the table; then one byte is 4 KiB of it.
BOMB = b"\x40" + integer(1, 7) + b"x" + integer(4000, 7) + b"y" * 4000

# name: (sent first, a turn, frames in it[, an answer is waited for])
FLOODS = {
    "reset": (b"", streams(lambda s: headers(s, [], payload=GOOD)
                           + rst(s, CANCEL)), 2 * TURN),
    # not more streams than it may open, or it is cut off for that
    "provoked-reset": (b"", streams(lambda s: headers(s, [], payload=BAD), 50),
                       50, True),
    "continuation": (headers(1, REQ, flags=0),
                     same(frame(CONTINUATION, 0, 1, block([("x", "y")] * 20))),
                     TURN),
    "continuation-empty": (headers(1, REQ, flags=0),
                           same(frame(CONTINUATION, 0, 1)), TURN),
    "ping": (b"", same(frame(PING, 0, 0, bytes(8))), TURN),
    "ping-ack": (b"", same(frame(PING, ACK, 0, bytes(8))), TURN),
    "settings": (b"", same(settings((4, 65535))), TURN),
    "settings-empty": (b"", same(settings()), TURN),
    "priority": (b"", same(frame(PRIORITY, 0, 1, PRIO)), TURN),
    "priority-update": (b"", same(frame(0x10, 0, 0,
                                        struct.pack(">I", 1) + b"u=1")), TURN),
    "empty-data": (OPEN, same(frame(DATA, 0, 1)), TURN),
    "empty-data-padded": (OPEN, same(frame(DATA, PADDED, 1,
                                           b"\xff" + bytes(255))), TURN),
    "window-update": (b"", same(window(0, 1)), TURN),
    "dribble": (settings((4, 1)) + BIG, same(window(1, 1)), TURN),
    "dribble-default": (BIG, same(window(1, 1) + window(0, 1)), 2 * TURN),
    "dribble-patient": (settings((4, 1)) + BIG, lambda n: window(1, 1), 1,
                        True),
    "unknown-frame": (b"", same(frame(0xfa, 0, 0, bytes(100))), TURN),
    "header-list": (b"", lambda n: headers(1, [], flags=0, payload=block(REQ)
                                           + BOMB + b"\xbe" * 12000), 1),
}

# Clients that wait: nothing may be held for them beyond a bound.
STALLS = {
    "window-0": settings((4, 0)) + b"".join(
        headers(2 * i + 1, request(path="/big")) for i in range(90)),
    "never-reads": settings((4, 0x7fffffff)) + window(0, 0x7ffe0000)
    + b"".join(headers(2 * i + 1, request(path="/big")) for i in range(90)),
    "half-a-head": headers(1, REQ, flags=0),
}
# It does not read, floods, and reads then what was begun for it before.
STALLS["reads-late"] = STALLS["never-reads"]


def rss(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    return 0


class Watch:
    """The worker's memory, at its highest."""

    def __init__(self, pid):
        self.pid, self.before, self.highest = pid, rss(pid), 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.stop.is_set():
            self.highest = max(self.highest, rss(self.pid))
            self.stop.wait(0.01)

    def grown(self):
        self.stop.set()
        self.thread.join()
        return max(0, max(self.highest, rss(self.pid)) - self.before)


def flood_once(port, until, first, turn, per_turn, wait=False):
    """Frames and bytes that could be sent, GOAWAY's code, seconds of it.

    No code: it was not cut off; "over": its time was, before that.
    """
    peer = Peer(port, source=CLIENT)
    begun = time.monotonic()
    sent, size, n = 0, len(first), 0
    good = peer.send(first)
    while good and not peer.closed and peer.goaway is None \
            and time.monotonic() < until:
        data = turn(n)
        good = peer.send(data)
        size += len(data) if good else 0
        sent += per_turn if good else 0
        n += TURN
        peer.receive(1 if wait else 0)
    peer.until(lambda: peer.goaway is not None or peer.closed, 2)
    now = time.monotonic()
    peer.close()
    code = "over" if peer.goaway is None and now >= until else peer.goaway
    return sent, size, code, now - begun


def flood(name, port, pid, seconds):
    before = requests
    watch = Watch(pid)
    end = time.monotonic() + (seconds or 10)
    frames = size = connections = 0
    slowest, codes = 0, set()
    while True:
        try:
            n, b, code, took = flood_once(port, end, *FLOODS[name])
        except (OSError, AssertionError):
            time.sleep(0.05)    # it is told to come later
            n, b, code, took = 0, 0, "refused", 0
        connections += code != "refused"
        frames, size = frames + n, size + b
        if code not in ("refused", "over"):
            codes.add(code)
            slowest = max(slowest, took)
        if not seconds or time.monotonic() >= end:
            break
    time.sleep(0.2)
    return dict(flood=name, frames=frames, bytes=size,
                connections=connections, slowest=round(slowest, 3),
                codes=sorted(str(c) for c in codes),
                requests=requests - before, grown_kib=watch.grown())


def stall(name, port, pid, seconds):
    before = requests
    watch = Watch(pid)
    begun = time.monotonic()
    peer = Peer(port, source=CLIENT, rcvbuf=4096)
    peer.send(STALLS[name])
    if name == "never-reads":
        time.sleep(5)
    if name == "reads-late":
        time.sleep(1)
        peer.send(frame(PING, 0, 0, bytes(8)) * TURN)
    peer.until(lambda: peer.closed or len(peer.resets) >= 90
               or peer.goaway is not None, 20)
    peer.close()
    return dict(flood=name, resets=len(peer.resets),
                closed=peer.closed or peer.goaway is not None,
                slowest=round(time.monotonic() - begun, 3),
                requests=requests - before, grown_kib=watch.grown())


def again(name, port, pid, seconds):
    peers = [Peer(port, source=CLIENT) for _ in range(8)]
    for peer in peers:
        peer.send(frame(PING, 0, 0, bytes(8)) * TURN)
    cut = sum(peer.until(lambda: peer.goaway == CALM) for peer in peers)
    try:
        Peer(port, source=CLIENT).close()
        refused = False
    except (OSError, AssertionError):
        refused = True
    Peer(port).close()          # another client
    return dict(flood=name, cut=cut, refused=refused)


print(listen(serve_quietly), *FLOODS, *STALLS, flush=True)
for line in sys.stdin:
    name, port, pid, seconds = line.split()
    do = flood if name in FLOODS else stall if name in STALLS else again
    print(json.dumps(do(name, int(port), int(pid), float(seconds))),
          flush=True)
