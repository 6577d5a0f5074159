#!/usr/bin/python3
"""HTTP/2 as clients use it, the seldom parts too: for t/20-h2.t.

h2_client.py          prints the port of a backend; then, for a line with the
                      port of a proxy, a line a promise: "ok ..." or "not ok"
h2_client.py drain    the same for one that is stopped
"""
import base64
import hashlib
import os
import re
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "lib"))
from h2peer import *  # noqa

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
seen = {}                       # path -> what the backend got
gate = threading.Event()        # /held reads its body from then on
taken = [0]                     # bytes that /big could send
rude = []                       # connections that may not be reused
ended = threading.Event()       # that of /until-the-end


# --- the backend --------------------------------------------------------------

def read_head(conn):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = conn.recv(65536)
        if not piece:
            return None, b""
        data += piece
    head, rest = data.split(b"\r\n\r\n", 1)
    return head + b"\r\n", rest


def read_all(conn, head, rest):
    """A body to its end, as it came."""
    def ended():
        length = re.search(rb"\r\ncontent-length: (\d+)", head, re.I)
        if length:
            return len(rest) >= int(length[1])
        if b"\r\ntransfer-encoding: chunked" in head.lower():
            return re.search(rb"(^|\r\n)0\r\n(.*\r\n)*\r\n\Z", rest)
        return True
    while not ended():
        piece = conn.recv(65536)
        if not piece:
            break
        rest += piece
    return rest


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer(conn, path, head, rest):
    """False: close."""
    if path == "/trailers":
        conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                     b"Trailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n"
                     b"Content-Length: 9\r\n\r\n")
    elif path == "/hints":
        conn.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        conn.sendall(OK)
    elif path == "/continue":
        conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        seen[path] = head + read_all(conn, head, rest)
        conn.sendall(OK)
    elif path == "/early":
        conn.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n"
                     b"Connection: close\r\n\r\nno")
        time.sleep(0.5)
        return False
    elif path == "/cut":
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        return False
    elif path == "/cut-chunks":
        conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     b"4\r\nhalf\r\n")
        return False
    elif path == "/to-the-end":
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        return False
    elif path == "/none":
        conn.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    elif path == "/same":
        conn.sendall(b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n")
    elif path == "/names":
        conn.sendall(b"HTTP/1.1 200 Fine, Thank You\r\nContent-Length: 2\r\n"
                     b"X-UPPER: A\r\nConnection: X-Mine\r\nX-Mine: 1\r\n"
                     b"Keep-Alive: timeout=9\r\nSet-Cookie: a=1\r\n"
                     b"Set-Cookie: b=2\r\n\r\nok")
    elif path == "/held":
        gate.wait(20)
        seen[path] = read_all(conn, head, rest)
        conn.sendall(OK)
    elif path == "/big":
        taken[0] = 0
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 16777216\r\n\r\n")
        for _ in range(256):
            conn.sendall(bytes(65536))
            taken[0] += 65536
    elif path == "/ws" and b"\r\nupgrade: websocket" in head.lower():
        key = re.search(rb"sec-websocket-key: (\S+)", head, re.I)[1]
        proof = base64.b64encode(hashlib.sha1(key + GUID).digest())
        if b"x-lie: 1" in head:
            proof = base64.b64encode(bytes(20))
        conn.sendall(b"HTTP/1.1 101 Switching Protocols\r\n"
                     b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Protocol: chat\r\n"
                     b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\nwelcome ")
        while True:
            piece = conn.recv(65536)
            if not piece:
                conn.sendall(b" bye")
                return False
            if piece == b"RESET":
                return False
            conn.sendall(piece)
    elif path == "/ws-ok":
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    elif path == "/ws-no":
        seen[path] = rest
        conn.sendall(b"HTTP/1.1 426 Upgrade Required\r\n"
                     b"Content-Length: 2\r\n\r\nno")
    elif path in ("/some", "/less", "/least"):
        n = {"/some": 2000000, "/less": 200000, "/least": 2000}[path]
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % n
                     + bytes(n))
    elif path == "/until-the-end":
        conn.recv(1)
        ended.set()
        return False
    elif path == "/slow":
        time.sleep(1)
        conn.sendall(OK)
    else:
        seen[path] = head + b"\r\n" + read_all(conn, head, rest)
        conn.sendall(OK)
    return True


def serve(conn):
    try:
        while True:
            head, rest = read_head(conn)
            if head is None:
                break
            path = head.split(b" ")[1].decode()
            if not answer(conn, path, head, rest):
                break
    except OSError:
        pass
    conn.close()


def wait_for(holds, seconds=10):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


# --- the promises -------------------------------------------------------------

def get(peer, stream, path, method="GET", **more):
    peer.send(headers(stream, request(method, path)))
    peer.until(lambda: peer.done(stream))


def responses(port):
    peer = Peer(port)
    get(peer, 1, "/x")
    say(peer.bodies[1] == b"ok" and 1 in peer.ended, "a response, and its end")
    say(b"\r\nVia: 2.0 dynproxy\r\n" in seen["/x"], "Via says HTTP/2")
    say(b"\r\nX-Forwarded-Proto: https\r\n" in seen["/x"], "and https")
    say(b"\r\nHost: " + AUTHORITY.encode() in seen["/x"], ":authority is Host")
    get(peer, 3, "/x", "HEAD")
    say(3 in peer.ended and 3 not in peer.bodies
        and peer.field(3, "content-length") == "2", "HEAD has no DATA")
    get(peer, 5, "/none")
    say(peer.status(5) == 204 and 5 not in peer.bodies, "nor has 204")
    get(peer, 7, "/same")
    say(peer.status(7) == 304 and 7 not in peer.bodies, "nor has 304")
    get(peer, 9, "/names")
    names = [n for n, _ in peer.heads[9][0]]
    say(peer.field(9, "x-upper") == "A", "names are in lower case")
    say(not {"connection", "keep-alive", "x-mine"} & set(names),
        "connection-specific fields are gone")
    say(names.count("set-cookie") == 2, "two cookies stay two")
    get(peer, 11, "/trailers")
    say(peer.bodies[11] == b"abc" and len(peer.heads[11]) == 2
        and dict(peer.heads[11][1]) == {"x-sum": "6"},
        "trailers come behind the data")
    get(peer, 13, "/hints")
    say([f for f in peer.heads[13][0]][0] == (":status", "103")
        and dict(peer.heads[13][0]).get("link") == "</a.css>"
        and peer.status(13) == 200, "103 comes before the response")
    get(peer, 15, "/cut")
    say(peer.bodies.get(15, b"half") == b"half" and 15 not in peer.ended
        and peer.resets.get(15) == CANCEL, "a cut body ends with a reset",
        f"{peer.bodies.get(15)} {peer.resets}")
    get(peer, 17, "/cut-chunks")
    say(17 not in peer.ended and peer.resets.get(17) == CANCEL,
        "a chunked one, too")
    get(peer, 19, "/to-the-end")
    say(peer.bodies[19] == b"all of it" and 19 in peer.ended,
        "one that ends with its connection is whole")
    peer.close()


def requests(port):
    peer = Peer(port)
    post = request("POST", "/post")
    peer.send(headers(1, post, end=False) + frame(DATA, 0, 1, b"ab"))
    peer.send(frame(DATA, 0, 1, b"c") + headers(1, [("x-sum", "6")]))
    peer.until(lambda: peer.done(1))
    got = seen["/post"]
    say(b"\r\nTransfer-Encoding: chunked\r\n" in got
        and re.search(rb"\r\n0\r\nx-sum: 6\r\n\r\n\Z", got),
        "a body without a length, and its trailers", got)
    peer.send(headers(3, post + [("content-length", "3")], end=False)
              + frame(DATA, END_STREAM, 3, b"abc"))
    peer.until(lambda: peer.done(3))
    got = seen["/post"]
    say(b"\r\nContent-Length: 3\r\n" in got and got.endswith(b"\r\n\r\nabc"),
        "a body of a length", got)
    peer.send(headers(5, request("POST", "/continue")
                      + [("expect", "100-continue"), ("content-length", "2")],
                      end=False))
    peer.until(lambda: peer.heads.get(5))
    say(dict(peer.heads[5][0]) == {":status": "100"}, "100 before the body")
    peer.send(frame(DATA, END_STREAM, 5, b"hi"))
    peer.until(lambda: peer.done(5))
    say(peer.status(5) == 200 and seen["/continue"].endswith(b"hi"),
        "and then the response")
    peer.send(headers(7, request("POST", "/early"), end=False)
              + frame(DATA, 0, 7, bytes(1000)))
    peer.until(lambda: 7 in peer.resets)
    say(peer.status(7) == 403 and peer.bodies[7] == b"no"
        and 7 in peer.ended and peer.resets[7] == NO_ERROR,
        "an early response is whole, the upload is told to stop",
        f"{peer.status(7)} {peer.resets}")
    peer.send(frame(DATA, 0, 7, bytes(1000)))
    get(peer, 9, "/x")
    say(peer.status(9) == 200, "DATA behind it does no harm")
    peer.close()


def back_pressure(port):
    # up: the backend does not read
    peer = Peer(port)
    peer.send(headers(1, request("POST", "/held"), end=False))
    sent = 0
    peer.until(lambda: False, 0.3)
    while sent < 60000:
        peer.send(frame(DATA, 0, 1, bytes(10000)))
        sent += 10000
    peer.send(frame(PING, 0, 0, b"12345678"))
    peer.until(lambda: peer.pongs)
    get(peer, 3, "/x")
    say(peer.status(3) == 200, "a held upload holds up nobody else")
    gate.set()
    peer.send(frame(DATA, END_STREAM, 1, b"end"))
    peer.until(lambda: peer.done(1))
    say(peer.status(1) == 200 and seen["/held"].count(b"\0") == 60000,
        "and arrives whole")
    peer.close()
    # down: the client's window is shut
    peer = Peer(port, pairs=[(4, 100000)])
    peer.send(headers(1, request(path="/big")))
    peer.until(lambda: len(peer.bodies.get(1, b"")) >= 65200)
    peer.until(lambda: False, 0.5)
    say(65200 <= len(peer.bodies[1]) <= 65535, "no more DATA than the windows allow",
        len(peer.bodies[1]))
    first = taken[0]
    say(first < 12 << 20, f"and little is read from the backend ({first})")
    get(peer, 3, "/none")
    say(peer.status(3) == 204, "heads pass shut windows")

    def more(f):
        peer.send(window_of(0, len(f.data)) + window_of(f.stream_id,
                                                        len(f.data)))
    peer.on_data = more
    peer.send(window_of(0, 65535) + window_of(1, 65535))
    peer.until(lambda: peer.done(1), 30)
    say(len(peer.bodies[1]) == 16777216 and 1 in peer.ended,
        "opened again, all of it arrives", len(peer.bodies[1]))
    peer.close()


def window_of(stream, n):
    return window(stream, n) if n else b""


def fairness(port):
    peer = Peer(port, pairs=[(4, 0x7fffffff)])
    peer.send(window(0, 0x7ffe0000))
    order = []
    peer.on_data = lambda f: order.append(f.stream_id)
    peer.send(headers(1, request(path="/big")) + headers(3, request(
        path="/big")))
    peer.until(lambda: order.count(3) >= 50 or peer.done(1), 20)
    say(order.count(3) >= 50 and not peer.done(1),
        "two streams share the connection", order.count(3))
    # an urgent one goes first (RFC 9218)
    peer.send(headers(5, request(path="/x") + [("priority", "u=0")]))
    peer.until(lambda: peer.done(5), 20)
    say(peer.status(5) == 200, "an urgent one passes them")
    peer.close()


def websocket(port):
    def connect(stream, path="/ws", more=(), early=b""):
        fields = request("CONNECT", path)
        fields.insert(1, (":protocol", "websocket"))
        peer.send(headers(stream, fields + [("sec-websocket-version", "13"),
                                            *more], end=False)
                  + (frame(DATA, 0, stream, early) if early else b""))
        peer.until(lambda: peer.heads.get(stream) or peer.done(stream))

    peer = Peer(port)
    say(peer.settings.get(8) == 1, "extended CONNECT is offered")
    connect(1)
    say(peer.status(1) == 200 and 1 not in peer.ended, "a WebSocket: 200")
    say(peer.field(1, "sec-websocket-protocol") == "chat"
        and not peer.field(1, "sec-websocket-accept")
        and not peer.field(1, "upgrade"), "with its fields, but HTTP/1.1's")
    peer.until(lambda: peer.bodies.get(1) == b"welcome ")
    say(peer.bodies.get(1) == b"welcome ", "what is behind the 101 comes")
    peer.send(frame(DATA, 0, 1, b"\0\r\n\xff"))
    peer.until(lambda: peer.bodies[1].endswith(b"\xff"))
    say(peer.bodies[1] == b"welcome \0\r\n\xff", "bytes go both ways")
    get(peer, 3, "/x")
    say(peer.status(3) == 200, "beside requests")
    big = os.urandom(60000)
    peer.send(b"".join(frame(DATA, 0, 1, big[i:i + 15000])
                       for i in range(0, 60000, 15000)))
    peer.until(lambda: peer.bodies[1].endswith(big))
    say(peer.bodies[1].endswith(big), "60,000 bytes, too")
    peer.send(frame(DATA, END_STREAM, 1))
    peer.until(lambda: peer.done(1))
    say(peer.bodies[1].endswith(b" bye") and 1 in peer.ended,
        "an end is passed on, in its direction")
    connect(5, more=[("x-lie", "1")])
    peer.until(lambda: peer.done(5))
    say(peer.status(5) == 502, "a backend that cannot know the key: 502")
    connect(7, "/ws-ok")
    peer.until(lambda: peer.done(7))
    say(peer.status(7) == 502, "a 200 without a WebSocket is none")
    connect(9, "/none")
    peer.until(lambda: peer.done(9))
    say(peer.status(9) == 502, "nor is a 204")
    connect(11, "/early")
    peer.until(lambda: peer.done(11))
    say(peer.status(11) == 403, "a refusal is one")
    connect(13)
    peer.until(lambda: peer.bodies.get(13))
    peer.send(rst(13, CANCEL))
    get(peer, 15, "/x")
    say(peer.status(15) == 200, "a reset ends only that one")
    connect(17, early=b"early")
    peer.until(lambda: len(peer.bodies.get(17, b"")) >= 13)
    say(peer.bodies.get(17) == b"welcome early",
        "what came before the 101 goes behind it")
    connect(19, "/ws-no", early=b"GET /smuggled HTTP/1.1\r\n\r\n")
    peer.until(lambda: peer.done(19))
    say(peer.status(19) == 426 and seen["/ws-no"] == b"",
        "and nowhere without one: it is no request", seen["/ws-no"])
    connect(21, "/.well-known/healthz")
    peer.until(lambda: peer.done(21))
    say(21 in peer.resets and peer.status(21) is None,
        "with a page of ours there is no WebSocket")
    peer.close()


def limits(port):
    peer = Peer(port)
    peer.until(lambda: peer.acked)
    n = peer.settings.get(3)
    peer.send(b"".join(headers(2 * i + 1, request(path="/slow"))
                       for i in range(n)))
    peer.until(lambda: all(peer.done(2 * i + 1) for i in range(n)), 20)
    say(all(peer.status(2 * i + 1) == 200 for i in range(n)),
        f"{n} at a time are served")
    say(peer.settings.get(6) == 16384 and peer.settings.get(9) == 1,
        "the settings tell the limits", peer.settings)
    peer.close()


def leaving(port):
    """Nobody resets a stream here: what the log says of those is counted."""
    def ask(path, method="GET", more=(), body=b"", pairs=()):
        peer = Peer(port, pairs=pairs)
        fields = request(method, path, authority="gone.example.test")
        peer.send(headers(1, fields + list(more), end=not body)
                  + (frame(DATA, END_STREAM, 1, body) if body else b"")
                  + frame(PING, 0, 0, b"12345678"))
        peer.until(lambda: peer.pongs)
        return peer

    ask("/slow").close()
    peer = ask("/least", pairs=[(4, 1000)])     # that is all it takes
    say(peer.until(lambda: len(peer.bodies.get(1, b"")) == 1000),
        "a half of a response")
    peer.close()
    peer = ask("/x", "POST", [("content-length", "5")], b"abc")
    peer.until(lambda: peer.done(1))
    say(peer.resets.get(1) == PROTOCOL, "a body that is too short: reset")
    peer.close()
    peer = ask("/until-the-end")
    peer.send(frame(DATA, 0, 0, b"of no stream"))
    ended.wait(20)
    other = Peer(port)
    get(other, 1, "/x")
    say(peer.send(window(0, 1)) and peer.send(window(0, 1)),
        "who breaks the rules has no requests while it reads that")
    peer.until(lambda: peer.closed)
    say(peer.goaway == PROTOCOL, "and is told", peer.goaway)
    peer.close()
    other.close()


def drain(port):
    """The proxy is told to go when this has said that it is there."""
    peer = Peer(port)
    peer.until(lambda: peer.acked)
    peer.send(headers(1, request(path="/slow")))
    peer.send(frame(PING, 0, 0, b"12345678"))
    peer.until(lambda: peer.pongs)
    slow, steady = (Peer(port, pairs=[(4, 1 << 30)], rcvbuf=8192)
                    for _ in range(2))
    for reader, path in (slow, "/some"), (steady, "/less"):
        reader.send(window(0, 1 << 30) + headers(1, request(path=path)))
        reader.until(lambda: reader.bodies.get(1))
    print("there", flush=True)
    peer.until(lambda: peer.goaways)
    say(peer.goaways[0] == (0x7fffffff, NO_ERROR),
        "first a GOAWAY that refuses nothing", peer.goaways)
    peer.until(lambda: len(peer.goaways) > 1)
    say(peer.goaways[1:] == [(1, NO_ERROR)], "then one that names the last",
        peer.goaways)
    peer.until(lambda: peer.done(1))
    say(peer.status(1) == 200 and peer.bodies[1] == b"ok",
        "what was under way is finished", peer.status(1))
    say(peer.until(lambda: peer.closed), "and the connection ends")
    # for longer than a PING may take, and than a connection lingers
    for _ in range(16):
        # it answers a PING that it has yet to read: the last GOAWAY is sent
        steady.send(window(0, 1) + frame(PING, ACK, 0, bytes(8)))
        time.sleep(0.5)
        steady.receive(5)
    steady.until(lambda: steady.done(1))
    say(len(steady.bodies[1]) == 200000 and 1 in steady.ended,
        "who says that it reads on gets all that was sent",
        len(steady.bodies[1]))
    slow.until(lambda: slow.done(1), 20)
    say(len(slow.bodies[1]) == 2000000 and 1 in slow.ended,
        "who reads slowly gets all of it", len(slow.bodies[1]))


PARTS = [responses, requests, back_pressure, fairness, websocket, limits,
         leaving]

if __name__ == "__main__":
    print(listen(serve), flush=True)
    port = int(sys.stdin.readline())
    for part in PARTS if len(sys.argv) == 1 else [drain]:
        try:
            part(port)
        except Exception as e:      # what it lacks is told by the count
            say(False, part.__name__, f"{type(e).__name__}: {e}")
