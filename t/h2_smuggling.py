#!/usr/bin/python3
"""Requests that would be others in HTTP/1.1: for t/20-h2-smuggling.t.

h2_smuggling.py TABLE    prints the port of a backend that keeps all it gets;
                         then reads PORT, and says a line for each row.

TABLE: JSON, rows of [what, section, bytes of HTTP/1.1].  Each is said in
HTTP/2 as well as it goes: the same method, target, fields and body.
"""
import json
import os
import re
import socket
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "lib"))
from h2peer import *  # noqa

got = []                   # [bytes] of each connection to the backend
lock = threading.Lock()


def one_request(data):
    """Bytes of the first request, as HTTP/1.1 has it; 0: not all there."""
    head = data.find(b"\r\n\r\n") + 4
    if head == 3:
        return 0
    fields = data[:head].lower()
    if b"\r\ntransfer-encoding: chunked\r\n" in fields:
        at = head
        while True:
            end = data.find(b"\r\n", at)
            if end == -1:
                return 0
            size = int(data[at:end], 16)
            at = end + 2 + size + 2
            if size == 0:
                return at if len(data) >= at else 0
    length = re.search(rb"\r\ncontent-length: (\d+)\r\n", fields)
    size = head + (int(length[1]) if length else 0)
    return size if len(data) >= size else 0


def serve(conn):
    mine = [b""]
    with lock:
        got.append(mine)
    data = b""
    while True:
        try:
            piece = conn.recv(65536)
        except OSError:
            piece = b""
        if not piece:
            conn.close()
            return
        with lock:
            mine[0] += piece
        data += piece
        while (n := one_request(data)) > 0:
            data = data[n:]
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def split(data):
    """Method, target, fields and body of what HTTP/1.1 would say."""
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    m = re.fullmatch(rb"(\S*) (.*) HTTP/\d\.\d", line, re.S)
    method, target = m.groups() if m else (line or b"GET", b"/")
    fields = []
    for text in lines:
        name, colon, value = text.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        fields.append((name.lower() if colon else text, value))
    return method, target, fields, body


SPECIFIC = {b"connection", b"keep-alive", b"proxy-connection", b"upgrade",
            b"transfer-encoding"}
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
TARGET = re.compile(rb"[!\"$-~]+")


def must_be_refused(method, target, fields, body):
    """By rules written for this test: what could not be said anew."""
    lengths = [v for n, v in fields if n == b"content-length"]
    return (not re.fullmatch(TOKEN, method.lower())
            or not re.fullmatch(TARGET, target)
            or any(not re.fullmatch(TOKEN, n) or n in SPECIFIC
                   or re.search(rb"[\0-\x08\x0a-\x1f\x7f]", v)
                   or v != v.strip(b" \t") for n, v in fields)
            or [n for n, _ in fields].count(b"host") > 1
            or (lengths and lengths != [b"%d" % len(body)]))


def talk(port, stream_of, fields, body):
    """What came back: "reset", "goaway", or a status."""
    peer, stream = stream_of
    data = block(fields)
    flags = 0 if body else END_STREAM
    if len(data) <= 16384:
        # in one piece: an answer must not be quicker than the body
        both = headers(stream, [], payload=data, end=not body)
        if body:
            both += frame(DATA, END_STREAM, stream, body[:16384])
        peer.send(both)
    else:
        peer.send(frame(HEADERS, flags, stream, data[:16384]))
        rest = data[16384:]
        while len(rest) > 16384:
            if not peer.send(frame(CONTINUATION, 0, stream, rest[:16384])):
                break
            rest = rest[16384:]
        peer.send(frame(CONTINUATION, 4, stream, rest))
        if body:
            peer.send(frame(DATA, END_STREAM, stream, body[:16384]))
    peer.until(lambda: peer.done(stream) or peer.goaway is not None)
    if peer.goaway is not None or peer.closed:
        return "goaway"
    if peer.status(stream) is not None:
        return peer.status(stream)
    return "reset"


def arrived():
    with lock:
        return [c[0] for c in got]


def news(before):
    now = arrived()
    return [b[len(before[i]) if i < len(before) else 0:]
            for i, b in enumerate(now)
            if b[len(before[i]) if i < len(before) else 0:]]


def judge(port, row, honest):
    what, section, data = row[0], row[1], row[2].encode("latin-1")
    method, target, fields, body = split(data)
    hosts = any(n.strip() == b"host" for n, _ in fields)
    pseudo = [(b":method", method), (b":scheme", b"https"),
              (b":path", target)] + \
        ([] if hosts else [(b":authority", AUTHORITY)])
    before = arrived()
    peer = Peer(port)
    answer = talk(port, (peer, 1), pseudo + fields, body)
    # whatever it left behind would be in front of this
    if answer == "goaway":
        peer.close()
        peer = Peer(port)
        after = talk(port, (peer, 1), request(path=honest), b"")
    else:
        after = talk(port, (peer, 3), request(path=honest), b"")
    peer.close()
    new = news(before)
    own = [b for b in new if honest.encode() in b]
    wrong = []
    if after != 200 or len(own) != 1:
        wrong.append(f"the honest one: {after}, {len(own)} times")
    refused = answer in ("reset", "goaway") or answer >= 400
    if must_be_refused(method, target, fields, body) and not refused:
        wrong.append(f"taken: {answer}")
    rest = b"".join(new)
    if own:
        at = rest.find(b"GET " + honest.encode() + b" HTTP/1.1\r\n")
        if at == -1 or one_request(rest[at:]) == 0:
            wrong.append("the honest one is not a request of its own")
        rest = rest[:at] + rest[at + one_request(rest[at:]):]
    if refused and answer != 413 and one_request(rest):
        wrong.append(f"{answer}, but the backend has {rest[:200]!r}")
    if not refused:
        n = one_request(rest)
        if n != len(rest) or n == 0:
            wrong.append(f"not one request: {rest[:300]!r}")
    if re.search(rb"(^|\r\n)GET /smuggled", rest[:rest.find(b"\r\n\r\n")]):
        wrong.append("smuggled")
    return f"{what} ({section}): {answer}", "; ".join(wrong)


with open(sys.argv[1], encoding="utf-8") as f:
    table = json.load(f)
print(listen(serve), flush=True)
port = int(sys.stdin.readline())
for number, row in enumerate(table):
    try:
        what, wrong = judge(port, row, f"/honest-{number}")
    except Exception as e:
        what, wrong = row[0], f"{type(e).__name__}: {e}"
    say(not wrong, what.encode("ascii", "replace").decode(), wrong)
