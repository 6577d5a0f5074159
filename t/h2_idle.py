#!/usr/bin/python3
"""Many idle HTTP/2 connections, for t/90-h2-memory.t.

h2_idle.py PORT COUNT    each has had a response; then prints a line, and
                         keeps them until its standard input ends
"""
import os
import resource
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "lib"))
from h2peer import *  # noqa

port, count = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
peers = []
for i in range(count):
    peer = Peer(port, source=f"127.0.1.{1 + i % 200}")
    peer.send(headers(1, request()))
    peer.until(lambda: peer.done(1))
    assert peer.status(1) == 200, peer.status(1)
    peers.append(peer)
print("there", flush=True)
sys.stdin.read()
