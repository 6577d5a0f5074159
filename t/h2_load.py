#!/usr/bin/python3
"""Requests over HTTP/2 connections that stay, for t/30-lifecycle.t.

h2_load.py PORT CONNECTIONS    until standard input ends; then it prints
                               "requests failed cut"

A GOAWAY is honoured (RFC 9113 section 6.8): what it names is finished, what it
does not name is asked again elsewhere, on a connection made for it.
"""
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "lib"))
from h2peer import *  # noqa

PACE = 0.1              # seconds from one round of a connection to the next
ROUND = 4               # requests at a time
BODY = 3000
BIG = 0x7fffffff

stop = threading.Event()


class Client(threading.Thread):
    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.requests = self.failed = self.cut = 0

    def connect(self):
        peer = Peer(self.port, pairs=[(4, BIG)])
        peer.send(window(0, BIG - 65535))
        self.next = 1
        return peer

    def why_not(self, peer, stream):
        """None: it was served.  "": it may be asked again."""
        if any(stream > last for last, _ in peer.goaways):
            return ""
        if peer.resets.get(stream) == REFUSED:
            return ""
        if stream in peer.resets:
            return f"reset {peer.resets[stream]}"
        if stream not in peer.ended:
            return f"cut, goaway={peer.goaways} closed={peer.closed}"
        if peer.status(stream) != 200 or len(peer.bodies[stream]) != BODY:
            return f"status {peer.status(stream)}"
        return None

    def ask(self, peer, count):
        """Requests of these that are to be asked again."""
        streams = [self.next + 2 * i for i in range(count)]
        self.next += 2 * count
        peer.send(b"".join(headers(s, request(path=f"/bytes/{BODY}"))
                           for s in streams))
        peer.until(lambda: all(peer.done(s) or self.why_not(peer, s) == ""
                               for s in streams), 20)
        again = 0
        for s in streams:
            why = self.why_not(peer, s)
            if why == "":
                again += 1
                continue
            self.requests += 1
            if why is not None:
                self.failed += 1
                print(f"# HTTP/2 stream {s}: {why}", file=sys.stderr)
        return again

    def run(self):
        peer, again = self.connect(), 0
        while again or not stop.is_set():
            if peer.goaways or peer.closed:
                if not peer.goaways:
                    self.cut += 1
                    print("# HTTP/2: an end without GOAWAY", file=sys.stderr)
                peer.close()
                peer = self.connect()
            again = self.ask(peer, again or ROUND)
            if not again:
                peer.until(lambda: peer.goaways, PACE)
        peer.close()


clients = [Client(int(sys.argv[1])) for _ in range(int(sys.argv[2]))]
for c in clients:
    c.start()
    time.sleep(PACE / len(clients))
sys.stdin.read()
stop.set()
for c in clients:
    c.join()
print(*(sum(getattr(c, n) for c in clients)
        for n in ("requests", "failed", "cut")))
