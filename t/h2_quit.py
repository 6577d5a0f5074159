#!/usr/bin/python3
"""Clients of HTTP/2 that are told to leave, for t/20-quit.t.

h2_quit.py PORT COUNT   each has had a response, then "there" is printed; then
                        one line a promise: "ok ..." or "not ok ..."
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "lib"))
from h2peer import *  # noqa


class Late(Peer):
    """Its request is on the way when the first GOAWAY comes."""

    def note(self, f):
        if type(f).__name__ == "PingFrame" and "ACK" not in f.flags:
            self.send(headers(3, request()))
        super().note(f)


port, count = int(sys.argv[1]), int(sys.argv[2])
peers = []
for i in range(count):
    peer = Late(port, patience=60)
    peer.send(headers(1, request()))
    peer.until(lambda: peer.done(1))
    assert peer.status(1) == 200, peer.status(1)
    peers.append(peer)
print("there", flush=True)
readers = [threading.Thread(target=peer.until, args=(lambda: False,))
           for peer in peers]
for reader in readers:
    reader.start()
for reader in readers:
    reader.join()
for i, peer in enumerate(peers):
    say(peer.closed, f"client {i} is let go")
    say(peer.goaways[:1] == [(2 ** 31 - 1, NO_ERROR)],
        "the first GOAWAY refuses no stream", peer.goaways)
    # one that is late is told so, and may ask again elsewhere
    last = peer.goaways[-1][0] if peer.goaways else 0
    say(len(peer.goaways) == 2 and last in (1, 3),
        "the last GOAWAY names the last stream", peer.goaways)
    say(last < 3 or peer.status(3) == 200,
        "a request that was on its way is answered",
        (peer.status(3), peer.resets))
