#!/usr/bin/python3
"""A client of HTTP/2 with streams that stay open: for t/20-h2-overload.t.

h2_streams.py PORT    answers each line of standard input by one:
    open N    begins N requests: how many were refused
    until N   waits until it is told that it may have N streams: "N", or what
              it was told last
    agree     acknowledges all that it was told: how many times
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "lib"))
from h2peer import *  # noqa

MAX_CONCURRENT_STREAMS = 3

peer = Peer(int(sys.argv[1]))
next_stream = 1
agreed = 1    # SETTINGS: hello was one


def limit():
    return peer.settings.get(MAX_CONCURRENT_STREAMS)


def open_streams(n):
    global next_stream
    refused = len(peer.resets)
    for _ in range(n):
        peer.send(headers(next_stream, request()))
        next_stream += 2
    peer.pongs.clear()
    peer.send(frame(PING, 0, 0, b"and now?"))
    peer.until(lambda: peer.pongs)
    assert all(code == REFUSED for code in peer.resets.values())
    return len(peer.resets) - refused


def agree():
    global agreed
    n = peer.told - agreed
    for _ in range(n):
        peer.send(frame(SETTINGS, ACK))
    agreed = peer.told
    return n


for line in sys.stdin:
    command, *operand = line.split()
    if command == "open":
        print(open_streams(int(operand[0])), flush=True)
    elif command == "until":
        peer.until(lambda: limit() == int(operand[0]))
        print(limit(), flush=True)
    else:
        print(agree(), flush=True)
