#!/usr/bin/python3
"""What must come back for which frames: for t/20-h2-conformance.t.

h2_conformance.py PORT

While each case goes on, an innocent request is under way on stream 1 of the
same connection; unless the connection has to end, it must be served.
"""
import os
import struct
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "lib"))
from h2peer import *  # noqa

PORT = int(sys.argv[1])


# --- what must come back ---------------------------------------------------

def goaway(*codes):
    """The connection ends, with one of these."""
    return ("goaway", codes)


def reset(*codes, stream=3):
    """The stream ends, with one of these, and nothing else does."""
    return ("reset", codes, stream)


def either(*codes, stream=3):
    """A stream error that may be treated as a connection error (5.4.2)."""
    return ("either", codes, stream)


def status(code, stream=3):
    return ("status", code, stream)


ALIVE = ("alive",)
END = ("end",)   # it was no HTTP/2: the connection ends

REQ = request()
POST = request("POST", "/echo")


def with_field(name, value):
    return headers(3, REQ + [(name, value)])


def padded(pad, data, kind=DATA, flags=0, stream=3, behind=None):
    behind = bytes(pad) if behind is None else behind
    return frame(kind, flags | PADDED, stream, bytes([pad]) + data + behind)


u32 = struct.Struct(">I").pack
PRIO = struct.pack(">IB", 0, 15)

# All the streams that it may have: with stream 1, 100.
ALL = b"".join(headers(s, POST, end=False) for s in range(3, 201, 2))
# A field that is put into the table, and what says that again.
KEPT, AGAIN = b"\x40\x01a\x01b", b"\xbe"

# what, section of RFC 9113 unless it says more, frames, what must come back
CASES = [
    # --- 4.1, 4.2: frames
    ("an unknown frame", "4.1", [frame(0xfa, 0xff, 0, b"x" * 20)], ALIVE),
    ("an unknown frame on a stream", "4.1", [frame(0xfb, 0, 1, b"x")], ALIVE),
    ("one of an idle stream", "5.1", [frame(0xfb, 0, 9, b"x")], ALIVE),
    ("an unknown frame, empty", "4.1", [frame(0xfc)], ALIVE),
    ("an unknown frame of 16,384 bytes", "4.2", [frame(0xfa, 0, 0, bytes(16384))], ALIVE),
    ("flags that PING has not", "4.1", [frame(PING, 0xfe, 0, b"12345678")], ALIVE),
    ("flags that HEADERS has not", "4.1", [headers(3, REQ, flags=END_HEADERS | 0x52)], status(200)),
    ("the reserved bit of a stream", "4.1", [frame(PING, 0, 0x80000000, b"12345678")], ALIVE),
    ("DATA of 16,385 bytes", "4.2", [headers(3, POST, end=False), frame(DATA, 0, 3, bytes(16385))], either(FRAME_SIZE)),
    ("HEADERS of 16,385 bytes", "4.2", [frame(HEADERS, 5, 3, bytes(16385))], goaway(FRAME_SIZE)),
    ("SETTINGS of 16,386 bytes", "4.2", [frame(SETTINGS, 0, 0, bytes(16386))], goaway(FRAME_SIZE)),
    ("an unknown frame of 16,385 bytes", "4.2", [frame(0xfa, 0, 0, bytes(16385))], goaway(FRAME_SIZE)),
    ("PING of 2^24 - 1 bytes", "4.2", [frame(PING, 0, 0, b"", length=(1 << 24) - 1)], goaway(FRAME_SIZE)),

    # --- 4.3, RFC 7541: header blocks
    ("index 0", "4.3, 7541 6.1", [headers(3, [], payload=b"\x80")], goaway(COMPRESSION)),
    ("an index behind the table", "4.3, 7541 2.3.3", [headers(3, [], payload=b"\xfe")], goaway(COMPRESSION)),
    ("a name behind the table", "4.3, 7541 2.3.3", [headers(3, [], payload=b"\x7e\x01a")], goaway(COMPRESSION)),
    ("an integer without end", "4.3, 7541 5.1", [headers(3, [], payload=b"\xff" + b"\xff" * 20)], goaway(COMPRESSION)),
    ("an integer that is cut", "4.3, 7541 5.1", [headers(3, [], payload=b"\xff\xff")], goaway(COMPRESSION)),
    ("a literal that is cut", "4.3, 7541 5.2", [headers(3, [], payload=b"\x00\x05ab")], goaway(COMPRESSION)),
    ("a value that is missing", "4.3, 7541 6.2", [headers(3, [], payload=b"\x00\x01a")], goaway(COMPRESSION)),
    ("a string of 2^31 bytes", "4.3, 7541 5.2", [headers(3, [], payload=b"\x00\x7f\x81\xff\xff\xff\x07a")], goaway(COMPRESSION)),
    ("a table of 4,097 bytes", "4.3, 7541 6.3", [headers(3, [], payload=b"\x3f\xe2\x1f" + block(REQ))], goaway(COMPRESSION)),
    ("a size behind a field", "4.3, 7541 4.2", [headers(3, [], payload=block(REQ) + b"\x20")], goaway(COMPRESSION)),
    ("Huffman: end of string", "4.3, 7541 5.2", [headers(3, [], payload=b"\x00\x84\xff\xff\xff\xff\x00")], goaway(COMPRESSION)),
    ("Huffman: padding of zeros", "4.3, 7541 5.2", [headers(3, [], payload=b"\x00\x81\x18\x00")], goaway(COMPRESSION)),
    ("Huffman: padding of 8 bits", "4.3, 7541 5.2", [headers(3, [], payload=b"\x00\x82\x1f\xff\x00")], goaway(COMPRESSION)),
    ("a table of 0 bytes", "4.3, 7541 6.3", [headers(3, [], payload=b"\x20" + block(REQ))], status(200)),
    ("fields of the tables", "4.3, 7541 6.1", [headers(3, [], payload=b"\x82\x87\x84\x41\x12" + AUTHORITY.encode())], status(200)),
    ("an empty block", "8.3.1", [headers(3, [])], reset(PROTOCOL)),

    # --- 3.4: the preface
    ("PING for SETTINGS", "3.4", [PREFACE + frame(PING, 0, 0, b"12345678")], ("hello", PROTOCOL)),
    ("HEADERS for SETTINGS", "3.4", [PREFACE + headers(1, REQ)], ("hello", PROTOCOL)),
    ("an ACK for SETTINGS", "3.4", [PREFACE + frame(SETTINGS, ACK)], ("hello", PROTOCOL)),
    ("a preface in small letters", "3.4", [PREFACE.lower() + settings()], END),
    ("a preface with one byte wrong", "3.4", [PREFACE[:-1] + b"\r" + settings()], END),
    ("HTTP/1.1 for a preface", "3.4", [b"GET / HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n"], END),

    # --- 5.1: states of streams
    ("DATA on an idle stream", "5.1", [frame(DATA, 0, 3, b"x")], goaway(PROTOCOL, STREAM_CLOSED)),
    ("RST_STREAM on an idle stream", "5.1", [rst(3, CANCEL)], goaway(PROTOCOL)),
    ("WINDOW_UPDATE on an idle stream", "5.1", [window(3, 1)], goaway(PROTOCOL)),
    ("CONTINUATION on an idle stream", "5.1", [frame(CONTINUATION, 4, 3, block(REQ))], goaway(PROTOCOL)),
    ("PRIORITY on an idle stream", "5.1", [frame(PRIORITY, 0, 3, PRIO)], ALIVE),
    ("DATA behind the end", "5.1", [headers(3, request(path="/slow/300")), frame(DATA, 0, 3, b"x")], either(STREAM_CLOSED)),
    ("HEADERS behind the end", "5.1", [headers(3, request(path="/slow/300")), headers(3, REQ)], either(STREAM_CLOSED)),
    ("trailers behind the end", "5.1", [headers(3, request(path="/slow/300")), headers(3, [("x", "y")])], either(STREAM_CLOSED)),
    ("DATA behind a reset", "5.1", [headers(3, POST, end=False), rst(3, CANCEL), frame(DATA, 0, 3, b"x")], ("maybe", (STREAM_CLOSED, PROTOCOL), 3)),
    ("HEADERS behind a reset", "5.1", [headers(3, POST, end=False), rst(3, CANCEL), headers(3, REQ)], ("maybe", (STREAM_CLOSED, PROTOCOL), 3)),
    ("WINDOW_UPDATE behind a reset", "5.1", [headers(3, POST, end=False), rst(3, CANCEL), window(3, 1)], ALIVE),
    ("RST_STREAM twice", "5.1", [headers(3, POST, end=False), rst(3, CANCEL), rst(3, CANCEL)], ALIVE),
    ("WINDOW_UPDATE behind the end", "5.1", [headers(3, request(path="/slow/100")), window(3, 1)], status(200)),
    ("PRIORITY behind the end", "5.1", [headers(3, request(path="/slow/100")), frame(PRIORITY, 0, 3, PRIO)], status(200)),
    ("an even stream", "5.1.1", [headers(2, REQ)], goaway(PROTOCOL)),
    ("a stream with a lower number", "5.1.1", [headers(7, REQ), headers(5, REQ)], goaway(PROTOCOL, STREAM_CLOSED)),
    ("streams that leave numbers out", "5.1.1", [headers(0x7ffffff1, REQ)], status(200, 0x7ffffff1)),

    ("a stream more than 100", "5.1.2, 7.5", [ALL, headers(201, REQ)], reset(REFUSED, stream=201)),
    ("and one that is unharmed", "5.1.2, 7.5", [ALL, headers(201, REQ), frame(DATA, END_STREAM, 199, b"x")], ("body", b"x", 199)),
    ("another when one has ended", "5.1.2", [ALL, headers(201, REQ), rst(3, CANCEL), headers(203, REQ)], status(200, 203)),
    ("one more in two frames", "5.1.2", [ALL, headers(201, [], payload=block(REQ[:2]), flags=0), frame(CONTINUATION, END_HEADERS, 201, block(REQ[2:]))], reset(REFUSED, stream=201)),
    ("DATA of one more", "5.1.2", [ALL, headers(201, POST, end=False), frame(DATA, END_STREAM, 201, bytes(9000))], reset(REFUSED, stream=201)),
    ("the table behind one more", "5.1.2, 4.3", [ALL, headers(201, [], payload=block(REQ) + KEPT), rst(3, CANCEL), headers(203, [], payload=block(REQ) + AGAIN)], status(200, 203)),
    ("a hundred more", "7.5", [ALL] + [headers(s, REQ) for s in range(201, 403, 2)], goaway(CALM)),

    # --- 6.1: DATA
    ("DATA on stream 0", "6.1", [frame(DATA, 0, 0, b"x")], goaway(PROTOCOL)),
    ("padding as long as the frame", "6.1", [headers(3, POST, end=False), padded(5, b"abcd", behind=b"")], goaway(PROTOCOL)),
    ("padding longer than the frame", "6.1", [headers(3, POST, end=False), padded(255, b"x", behind=b"")], goaway(PROTOCOL)),
    ("a padded frame without a length", "6.1", [headers(3, POST, end=False), frame(DATA, PADDED, 3)], goaway(PROTOCOL, FRAME_SIZE)),
    ("DATA with padding, and more DATA", "6.1", [headers(3, POST, end=False), padded(200, b"ab"), padded(0, b"cd", flags=END_STREAM)], ("body", b"abcd", 3)),
    ("DATA that is a padding, at the end", "6.1", [headers(3, POST, end=False), frame(DATA, 0, 3, b"ab"), padded(9, b"", flags=END_STREAM)], ("body", b"ab", 3)),
    ("empty DATA at the end", "6.1", [headers(3, POST, end=False), frame(DATA, END_STREAM, 3)], ("body", b"", 3)),
    ("one empty DATA", "6.1", [headers(3, POST, end=False), frame(DATA, 0, 3), frame(DATA, END_STREAM, 3, b"x")], ("body", b"x", 3)),

    # --- 6.2: HEADERS
    ("HEADERS on stream 0", "6.2", [headers(0, REQ)], goaway(PROTOCOL)),
    ("padding longer than HEADERS", "6.2", [padded(255, block(REQ)[:20], HEADERS, 5, behind=b"")], goaway(PROTOCOL)),
    ("padding into the priority", "6.2", [frame(HEADERS, 0x2d, 3, b"\5" + PRIO[:4])], goaway(PROTOCOL, FRAME_SIZE)),
    ("a priority that is cut", "6.2", [frame(HEADERS, 0x25, 3, PRIO[:3])], goaway(PROTOCOL, FRAME_SIZE)),
    ("HEADERS with padding", "6.2", [padded(99, block(REQ), HEADERS, 5)], status(200)),
    ("HEADERS with a priority", "6.2", [frame(HEADERS, 0x25, 3, PRIO + block(REQ))], status(200)),
    ("with both", "6.2", [padded(7, PRIO + block(REQ), HEADERS, 0x25)], status(200)),
    ("PING inside a block", "6.2", [headers(3, REQ, flags=0), frame(PING, 0, 0, b"12345678")], goaway(PROTOCOL)),
    ("DATA inside a block", "6.2", [headers(3, REQ, flags=0), frame(DATA, 0, 1, b"x")], goaway(PROTOCOL)),
    ("HEADERS inside a block", "6.2", [headers(3, REQ, flags=0), headers(5, REQ)], goaway(PROTOCOL)),
    ("SETTINGS inside a block", "6.2", [headers(3, REQ, flags=0), settings()], goaway(PROTOCOL)),
    ("WINDOW_UPDATE inside a block", "6.2", [headers(3, REQ, flags=0), window(0, 1)], goaway(PROTOCOL)),
    ("RST_STREAM inside a block", "6.2", [headers(3, REQ, flags=0), rst(3, CANCEL)], goaway(PROTOCOL)),
    ("an unknown frame inside a block", "5.5", [headers(3, REQ, flags=0), frame(0xfa)], goaway(PROTOCOL)),
    ("another stream's CONTINUATION", "6.2", [headers(3, REQ, flags=0), frame(CONTINUATION, 4, 1)], goaway(PROTOCOL)),

    # --- 6.3: PRIORITY
    ("PRIORITY on stream 0", "6.3", [frame(PRIORITY, 0, 0, PRIO)], goaway(PROTOCOL)),
    ("PRIORITY of 4 bytes", "6.3", [headers(3, request(path="/slow/300")), frame(PRIORITY, 0, 3, PRIO[:4])], either(FRAME_SIZE)),
    ("PRIORITY of 6 bytes", "6.3", [headers(3, request(path="/slow/300")), frame(PRIORITY, 0, 3, PRIO + b"x")], either(FRAME_SIZE)),
    ("PRIORITY of a known stream", "6.3", [frame(PRIORITY, 0, 1, struct.pack(">IB", 0x80000003, 255))], ALIVE),

    # --- 6.4: RST_STREAM
    ("RST_STREAM on stream 0", "6.4", [rst(0, CANCEL)], goaway(PROTOCOL)),
    ("RST_STREAM of 3 bytes", "6.4", [headers(3, POST, end=False), frame(RST_STREAM, 0, 3, b"\0\0\0")], goaway(FRAME_SIZE)),
    ("RST_STREAM of 5 bytes", "6.4", [headers(3, POST, end=False), frame(RST_STREAM, 0, 3, bytes(5))], goaway(FRAME_SIZE)),
    ("RST_STREAM with an unknown code", "7", [headers(3, POST, end=False), rst(3, 0xdead)], ALIVE),

    # --- 6.5: SETTINGS
    ("SETTINGS on a stream", "6.5", [frame(SETTINGS, 0, 1)], goaway(PROTOCOL)),
    ("SETTINGS of 5 bytes", "6.5", [frame(SETTINGS, 0, 0, bytes(5))], goaway(FRAME_SIZE)),
    ("SETTINGS of 7 bytes", "6.5", [frame(SETTINGS, 0, 0, bytes(7))], goaway(FRAME_SIZE)),
    ("an ACK with a payload", "6.5", [frame(SETTINGS, ACK, 0, bytes(6))], goaway(FRAME_SIZE)),
    ("ENABLE_PUSH of 2", "6.5.2", [settings((2, 2))], goaway(PROTOCOL)),
    ("ENABLE_PUSH of 2^32 - 1", "6.5.2", [settings((2, 0xffffffff))], goaway(PROTOCOL)),
    ("INITIAL_WINDOW_SIZE of 2^31", "6.5.2", [settings((4, 1 << 31))], goaway(FLOW_CONTROL)),
    ("INITIAL_WINDOW_SIZE of 2^32 - 1", "6.5.2", [settings((4, 0xffffffff))], goaway(FLOW_CONTROL)),
    ("MAX_FRAME_SIZE of 16,383", "6.5.2", [settings((5, 16383))], goaway(PROTOCOL)),
    ("MAX_FRAME_SIZE of 0", "6.5.2", [settings((5, 0))], goaway(PROTOCOL)),
    ("MAX_FRAME_SIZE of 2^24", "6.5.2", [settings((5, 1 << 24))], goaway(PROTOCOL)),
    ("ENABLE_CONNECT_PROTOCOL of 2", "8441 3", [settings((8, 2))], goaway(PROTOCOL)),
    ("NO_RFC7540_PRIORITIES of 2", "9218 2.1", [settings((9, 2))], goaway(PROTOCOL)),
    ("an unknown setting", "6.5.2", [settings((0xff, 1))], ("acked",)),
    ("a setting of 0", "6.5.2", [settings((0, 1))], ("acked",)),
    ("no settings at all", "6.5", [settings()], ("acked",)),
    ("a setting twice", "6.5.3", [settings((4, 100), (4, 65535))], ("acked",)),
    ("a HEADER_TABLE_SIZE of 0", "6.5.2", [settings((1, 0)), headers(3, REQ)], status(200)),
    ("a HEADER_TABLE_SIZE of 2^32 - 1", "6.5.2", [settings((1, 0xffffffff)), headers(3, REQ)], status(200)),
    ("MAX_CONCURRENT_STREAMS of 0", "6.5.2", [settings((3, 0)), headers(3, REQ)], status(200)),
    ("MAX_FRAME_SIZE of 2^24 - 1", "6.5.2", [settings((5, (1 << 24) - 1)), headers(3, REQ)], status(200)),
    ("MAX_HEADER_LIST_SIZE of 1", "6.5.2", [settings((6, 1)), headers(3, REQ)], status(200)),

    # --- 6.6: PUSH_PROMISE
    ("PUSH_PROMISE", "8.4", [frame(PUSH_PROMISE, 4, 1, u32(2) + block(REQ))], goaway(PROTOCOL)),
    ("PUSH_PROMISE on stream 0", "6.6", [frame(PUSH_PROMISE, 4, 0, u32(2) + block(REQ))], goaway(PROTOCOL)),

    # --- 6.7: PING
    ("PING", "6.7", [frame(PING, 0, 0, b"abcdefgh")], ("pong", b"abcdefgh")),
    ("a PING's answer that nobody asked for", "6.7", [frame(PING, ACK, 0, b"abcdefgh")], ALIVE),
    ("PING on a stream", "6.7", [frame(PING, 0, 1, bytes(8))], goaway(PROTOCOL)),
    ("PING of 7 bytes", "6.7", [frame(PING, 0, 0, bytes(7))], goaway(FRAME_SIZE)),
    ("PING of 9 bytes", "6.7", [frame(PING, 0, 0, bytes(9))], goaway(FRAME_SIZE)),
    ("PING of 0 bytes", "6.7", [frame(PING)], goaway(FRAME_SIZE)),

    # --- 6.8: GOAWAY
    ("GOAWAY on a stream", "6.8", [frame(GOAWAY, 0, 1, bytes(8))], goaway(PROTOCOL)),
    ("GOAWAY of 7 bytes", "6.8", [frame(GOAWAY, 0, 0, bytes(7))], goaway(FRAME_SIZE)),
    ("GOAWAY", "6.8", [frame(GOAWAY, 0, 0, bytes(8))], ("leaves",)),
    ("GOAWAY with an unknown code and a word", "7", [frame(GOAWAY, 0, 0, bytes(4) + u32(0xdead) + b"bye")], ("leaves",)),

    # --- 6.9: WINDOW_UPDATE
    ("WINDOW_UPDATE of 3 bytes", "6.9", [frame(WINDOW_UPDATE, 0, 0, bytes(3))], goaway(FRAME_SIZE)),
    ("WINDOW_UPDATE of 5 bytes", "6.9", [frame(WINDOW_UPDATE, 0, 0, bytes(5))], goaway(FRAME_SIZE)),
    ("a window 0 larger", "6.9", [window(0, 0)], goaway(PROTOCOL)),
    ("a stream's window 0 larger", "6.9", [headers(3, POST, end=False), window(3, 0)], either(PROTOCOL)),
    ("a window over 2^31 - 1", "6.9.1", [window(0, 0x7fffffff)], goaway(FLOW_CONTROL)),
    ("a stream's window over 2^31 - 1", "6.9.1", [headers(3, POST, end=False), window(3, 0x7fffffff)], either(FLOW_CONTROL)),
    ("the reserved bit of a window", "6.9", [window(0, 0x80000001)], ALIVE),
    ("a window over it by a setting", "6.9.2", [headers(3, POST, end=False), window(3, 0x7fffffff - 65535), settings((4, 65536))], either(FLOW_CONTROL)),
    ("more DATA than the window", "6.9.1", [headers(3, request("POST", "/stuck"), end=False)] + [frame(DATA, 0, 3, bytes(16384))] * 4, either(FLOW_CONTROL)),

    # --- 6.10: CONTINUATION
    ("CONTINUATION on stream 0", "6.10", [headers(3, REQ, flags=0), frame(CONTINUATION, 4, 0)], goaway(PROTOCOL)),
    ("CONTINUATION behind the end of a block", "6.10", [headers(3, POST, end=False), frame(CONTINUATION, 4, 3)], goaway(PROTOCOL)),
    ("CONTINUATION behind DATA", "6.10", [headers(3, POST, end=False), frame(DATA, 0, 3, b"x"), frame(CONTINUATION, 4, 3)], goaway(PROTOCOL)),
    ("a block in two frames", "6.10", [headers(3, [], payload=block(REQ)[:9], flags=0), frame(CONTINUATION, 4, 3, block(REQ)[9:])], status(200)),
    ("a block behind an empty one", "6.10", [headers(3, [], flags=0), frame(CONTINUATION, 4, 3, block(REQ))], status(200)),
    ("a block in nine", "6.10", [headers(3, [], flags=0)] + [frame(CONTINUATION, 0, 3)] * 7 + [frame(CONTINUATION, 4, 3, block(REQ))], status(200)),
    ("a block in ten", "7.5", [headers(3, [], flags=0)] + [frame(CONTINUATION, 0, 3)] * 8 + [frame(CONTINUATION, 4, 3, block(REQ))], goaway(CALM)),

    # --- 8.1: messages
    ("trailers", "8.1", [headers(3, POST, end=False), frame(DATA, 0, 3, b"abc"), headers(3, [("x-sum", "1")])], ("body", b"abc", 3)),
    ("trailers that do not end", "8.1", [headers(3, POST, end=False), headers(3, [("x-sum", "1")], end=False)], reset(PROTOCOL)),
    ("trailers with a pseudo-field", "8.1", [headers(3, POST, end=False), headers(3, [(":path", "/")])], reset(PROTOCOL)),
    ("trailers with Transfer-Encoding", "8.2.2", [headers(3, POST, end=False), headers(3, [("transfer-encoding", "chunked")])], reset(PROTOCOL)),
    ("trailers with a capital", "8.2.1", [headers(3, POST, end=False), headers(3, [("X", "y")])], reset(PROTOCOL)),
    ("trailers with CRLF", "8.2.1", [headers(3, POST, end=False), headers(3, [("x", "y\r\nz: a")])], reset(PROTOCOL)),
    ("less than Content-Length", "8.1.1", [headers(3, POST + [("content-length", "5")], end=False), frame(DATA, 1, 3, b"abcd")], reset(PROTOCOL)),
    ("more than Content-Length", "8.1.1", [headers(3, POST + [("content-length", "5")], end=False), frame(DATA, 1, 3, b"abcdef")], reset(PROTOCOL)),
    ("more, in a frame of its own", "8.1.1", [headers(3, POST + [("content-length", "5")], end=False), frame(DATA, 0, 3, b"abcdef")], reset(PROTOCOL)),
    ("less, and trailers", "8.1.1", [headers(3, POST + [("content-length", "5")], end=False), headers(3, [("x", "y")])], reset(PROTOCOL)),
    ("no body, but a length", "8.1.1", [headers(3, POST + [("content-length", "5")])], reset(PROTOCOL)),
    ("as much as Content-Length", "8.1.1", [headers(3, POST + [("content-length", "5")], end=False), frame(DATA, 1, 3, b"abcde")], ("body", b"abcde", 3)),

    # --- 8.2, 8.3: fields
    ("a capital in a name", "8.2.1", [with_field("X-Y", "a")], reset(PROTOCOL)),
    ("an empty name", "8.2.1", [with_field("", "a")], reset(PROTOCOL)),
    ("a blank in a name", "8.2.1", [with_field("x y", "a")], reset(PROTOCOL)),
    ("a colon in a name", "8.2.1", [with_field("x:", "a")], reset(PROTOCOL)),
    ("0x80 in a name", "8.2.1", [with_field("x\x80", "a")], reset(PROTOCOL)),
    ("NUL in a value", "8.2.1", [with_field("x", "a\0b")], reset(PROTOCOL)),
    ("CR in a value", "8.2.1", [with_field("x", "a\rb")], reset(PROTOCOL)),
    ("LF in a value", "8.2.1", [with_field("x", "a\nb")], reset(PROTOCOL)),
    ("a blank before a value", "8.2.1", [with_field("x", " a")], reset(PROTOCOL)),
    ("a blank behind a value", "8.2.1", [with_field("x", "a ")], reset(PROTOCOL)),
    ("a tab before a value", "8.2.1", [with_field("x", "\ta")], reset(PROTOCOL)),
    ("UTF-8 in a value", "9110 5.5", [with_field("x", "\xc3\xa4")], status(200)),
    ("an empty value", "9110 5.5", [with_field("x", "")], status(200)),
    ("Connection", "8.2.2", [with_field("connection", "keep-alive")], reset(PROTOCOL)),
    ("Keep-Alive", "8.2.2", [with_field("keep-alive", "timeout=5")], reset(PROTOCOL)),
    ("Proxy-Connection", "8.2.2", [with_field("proxy-connection", "keep-alive")], reset(PROTOCOL)),
    ("Transfer-Encoding", "8.2.2", [with_field("transfer-encoding", "chunked")], reset(PROTOCOL)),
    ("Upgrade", "8.2.2", [with_field("upgrade", "websocket")], reset(PROTOCOL)),
    ("TE: gzip", "8.2.2", [with_field("te", "gzip")], reset(PROTOCOL)),
    ("TE: trailers", "8.2.2", [with_field("te", "trailers")], status(200)),
    ("crumbs of a cookie", "8.2.3", [headers(3, request(path="/head") + [("cookie", "a=1"), ("cookie", "b=2")])], ("says", b"Cookie: a=1; b=2\r\n", 3)),
    ("an unknown pseudo-field", "8.3", [headers(3, REQ + [(":x", "a")])], reset(PROTOCOL)),
    (":status in a request", "8.3", [headers(3, REQ + [(":status", "200")])], reset(PROTOCOL)),
    ("a pseudo-field behind another", "8.3", [headers(3, [("x", "y")] + REQ)], reset(PROTOCOL)),
    ("no :method", "8.3.1", [headers(3, request(method=None))], reset(PROTOCOL)),
    ("no :scheme", "8.3.1", [headers(3, request(scheme=None))], reset(PROTOCOL)),
    ("no :path", "8.3.1", [headers(3, request(path=None))], reset(PROTOCOL)),
    ("an empty :path", "8.3.1", [headers(3, request(path=""))], reset(PROTOCOL)),
    (":method twice", "8.3.1", [headers(3, REQ + [(":method", "GET")])], reset(PROTOCOL)),
    (":path twice", "8.3.1", [headers(3, REQ + [(":path", "/")])], reset(PROTOCOL)),
    (":scheme twice", "8.3.1", [headers(3, REQ + [(":scheme", "https")])], reset(PROTOCOL)),
    (":authority twice", "8.3.1", [headers(3, REQ + [(":authority", AUTHORITY)])], reset(PROTOCOL)),
    ("Host for another host", "8.3.1", [with_field("host", "beta.example.test")], reset(PROTOCOL)),
    ("Host for the same", "8.3.1", [with_field("host", AUTHORITY)], status(200)),
    ("Host alone", "8.3.1", [headers(3, request(authority=None) + [("host", AUTHORITY)])], status(200)),
    ("no host", "8.3.1", [headers(3, request(authority=None))], status(400)),
    ("an empty :authority", "8.3.1", [headers(3, request(authority=""))], status(400)),
    ("a user in :authority", "8.3.1", [headers(3, request(authority="me@" + AUTHORITY))], status(400)),
    ("a path in :authority", "8.3.1", [headers(3, request(authority=AUTHORITY + "/x"))], status(400)),
    ("http as :scheme", "8.3.1", [headers(3, request(scheme="http"))], status(400)),
    ("ftp as :scheme", "8.3.1", [headers(3, request(scheme="ftp"))], status(400)),
    ("a blank in :path", "8.3.1", [headers(3, request(path="/a b"))], status(400)),
    ("a fragment in :path", "8.3.1", [headers(3, request(path="/#a"))], status(400)),
    ("CRLF in :path", "8.2.1", [headers(3, request(path="/\r\nx: y"))], reset(PROTOCOL)),
    ("* of GET", "8.3.1", [headers(3, request(path="*"))], status(400)),
    ("* of OPTIONS", "8.3.1", [headers(3, request("OPTIONS", "*"))], ("answered", 3)),
    ("a blank in :method", "8.3.1", [headers(3, request("GET /"))], reset(PROTOCOL)),
    ("a method of its own", "8.3.1", [headers(3, request("PURGE"))], ("answered", 3)),
    ("CONNECT", "8.5", [headers(3, [(":method", "CONNECT"), (":authority", "a.test:443")], end=False)], status(405)),
    ("CONNECT with :path", "8.5", [headers(3, [(":method", "CONNECT"), (":authority", "a.test:443"), (":path", "/")])], reset(PROTOCOL)),
    ("CONNECT without :authority", "8.5", [headers(3, [(":method", "CONNECT")])], reset(PROTOCOL)),
    (":protocol without CONNECT", "8441 4", [headers(3, REQ + [(":protocol", "websocket")])], reset(PROTOCOL)),
    ("a :protocol nobody knows", "8441 4", [headers(3, request("CONNECT") + [(":protocol", "x")], end=False)], status(400)),

    # --- 7.5: limits
    ("100 fields", "7.5", [headers(3, REQ + [("x", "y")] * 100)], status(200)),
    ("101 fields", "7.5", [headers(3, REQ + [("x", "y")] * 101)], status(431)),
    ("101 crumbs", "7.5", [headers(3, REQ + [("cookie", "y")] * 101)], status(431)),
    ("a field of 8,193 bytes", "7.5", [headers(3, REQ + [("x", "y" * 8192)])], status(431)),
    ("fields of 16 KiB", "6.5.2", [headers(3, REQ + [("x" * 40, "y" * 1000)] * 8, flags=0), frame(CONTINUATION, 4, 3, block([("x" * 40, "y" * 1000)] * 8))], status(431)),
    ("a path of 8 KiB", "7.5", [headers(3, request(path="/" + "a" * 8192))], status(414)),
    ("a method of 33 bytes", "7.5", [headers(3, request("A" * 33))], status(400)),
]


# --- how it is found out -----------------------------------------------------

def ended(peer, codes):
    """It was told to go, for this, and the connection is closed."""
    if not peer.until(lambda: peer.goaway is not None):
        return "no GOAWAY"
    if peer.goaway not in codes:
        return f"GOAWAY {peer.goaway}"
    return "" if peer.until(lambda: peer.closed) else "not closed"


def innocent_served(peer):
    peer.send(frame(DATA, END_STREAM, 1, b"lo"))
    if not peer.until(lambda: peer.done(1)):
        return f"the innocent waits (GOAWAY {peer.goaway})"
    if peer.status(1) != 200 or peer.bodies.get(1) != b"hello":
        return f"the innocent got {peer.status(1)} {peer.bodies.get(1)}"
    return ""


def alive(peer):
    peer.send(frame(PING, 0, 0, b"areyouok"))
    if not peer.until(lambda: b"areyouok" in peer.pongs):
        return f"dead: GOAWAY {peer.goaway}"
    return innocent_served(peer)


def check(peer, want):
    kind = want[0]
    if kind == "goaway":
        return ended(peer, want[1])
    if kind == "hello":
        return ended(peer, (want[1],))
    if kind == "end":
        return "" if peer.until(lambda: peer.closed) and not peer.heads \
            else "goes on"
    if kind in ("reset", "either"):
        stream = want[2]
        peer.until(lambda: peer.done(stream) or peer.goaway is not None)
        if kind == "either" and peer.goaway is not None:
            return ended(peer, want[1])
        if stream not in peer.resets:
            return f"no reset: status {peer.status(stream)}, " \
                   f"GOAWAY {peer.goaway}"
        if peer.resets[stream] not in want[1]:
            return f"reset {peer.resets[stream]}"
        if peer.status(stream):
            return f"an answer: {peer.status(stream)}"
        return alive(peer)
    if kind == "maybe":
        # frames may have crossed the reset, and be ignored (5.1)
        peer.send(frame(PING, 0, 0, b"whatnow?"))
        peer.until(lambda: b"whatnow?" in peer.pongs)
        if peer.goaway is not None:
            return ended(peer, want[1])
        if peer.resets.get(want[2], want[1][0]) not in want[1]:
            return f"reset {peer.resets[want[2]]}"
        return alive(peer)
    if kind == "leaves":
        wrong = innocent_served(peer)
        if wrong:
            return wrong
        return "" if peer.until(lambda: peer.closed) else "not closed"
    if kind == "acked":
        before = peer.acked
        return alive(peer) or ("" if peer.until(lambda: peer.acked > before)
                               or peer.acked else "no ACK")
    if kind == "pong":
        return "" if peer.until(lambda: want[1] in peer.pongs) else "no PONG"
    if kind == "alive":
        return alive(peer)
    stream = want[-1]
    peer.until(lambda: peer.done(stream))
    if stream in peer.resets and peer.resets[stream] != NO_ERROR:
        return f"reset {peer.resets[stream]}"
    got, body = peer.status(stream), peer.bodies.get(stream, b"")
    if kind == "status" and got != want[1]:
        return f"status {got}, GOAWAY {peer.goaway}"
    if kind == "answered" and got is None:
        return "no answer"
    if kind == "body" and (got != 200 or body != want[1]):
        return f"status {got}, body {body!r}"
    if kind == "says" and want[1].lower() not in body.lower():
        return f"status {got}, body {body!r}"
    return alive(peer)


def run(case):
    what, section, frames, want = case
    try:
        peer = Peer(PORT, hello=want[0] not in ("hello", "end"))
        if want[0] not in ("hello", "end"):
            peer.until(lambda: peer.acked)
            peer.acked = 0
            peer.send(headers(1, POST, end=False) + frame(DATA, 0, 1, b"hel"))
        peer.send(b"".join(frames))
        wrong = check(peer, want)
        peer.close()
    except Exception as e:      # what was meant to be frames is none
        wrong = f"{type(e).__name__} {e}"
    return f"{what} ({section})", wrong


with ThreadPoolExecutor(4) as pool:
    for what, wrong in pool.map(run, CASES):
        say(not wrong, what, wrong)
