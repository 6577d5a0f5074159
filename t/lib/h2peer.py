"""An HTTP/2 client that sends what it is told, right or wrong.

Frames are bytes here, made by frame() and headers(); what comes back is taken
apart by hyperframe and hpack.
"""
import socket
import ssl
import struct
import threading
import time

import hpack
from hyperframe.frame import Frame

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, \
    WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 1, 1, 4, 8, 0x20
NO_ERROR, PROTOCOL, INTERNAL, FLOW_CONTROL, SETTINGS_TIMEOUT, STREAM_CLOSED, \
    FRAME_SIZE, REFUSED, CANCEL, COMPRESSION, CONNECT, CALM = range(12)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
AUTHORITY = "alpha.example.test"


def raw(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """Its length as it is, or as it is said to be."""
    n = len(payload) if length is None else length
    return struct.pack(">I", n)[1:] + bytes([kind, flags]) + \
        struct.pack(">I", stream) + payload


def integer(value, bits, first=0):
    """RFC 7541 section 5.1."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([first | value])
    out = [first | limit]
    value -= limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + [value])


def block(fields):
    """Literals that no table keeps: any bytes can be said."""
    out = b""
    for name, value in fields:
        name, value = raw(name), raw(value)
        out += b"\0" + integer(len(name), 7) + name + \
            integer(len(value), 7) + value
    return out


def request(method="GET", path="/", authority=AUTHORITY, scheme="https",
            **more):
    pseudo = [(":method", method), (":scheme", scheme), (":path", path),
              (":authority", authority)]
    return [(n, v) for n, v in pseudo if v is not None]


def headers(stream, fields, end=True, flags=END_HEADERS, payload=None):
    payload = block(fields) if payload is None else payload
    return frame(HEADERS, flags | (END_STREAM if end else 0), stream, payload)


def settings(*pairs):
    return frame(SETTINGS, 0, 0,
                 b"".join(struct.pack(">HI", k, v) for k, v in pairs))


def window(stream, n):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", n))


def rst(stream, code):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE
CONTEXT.set_alpn_protocols(["h2"])


class Peer:
    """A connection; what came on it, by stream."""

    def __init__(self, port, hello=True, patience=10, host="127.0.0.1",
                 pairs=(), rcvbuf=None, source=None):
        plain = socket.socket()
        if rcvbuf:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        plain.settimeout(patience)
        if source:
            plain.bind((source, 0))
        plain.connect((host, port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = CONTEXT.wrap_socket(plain, server_hostname=AUTHORITY)
        assert self.socket.selected_alpn_protocol() == "h2"
        self.patience = patience
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.pending = b""
        self.heads = {}      # stream -> [list of fields of each block]
        self.bodies = {}     # stream -> bytes
        self.ended = set()   # streams with END_STREAM
        self.resets = {}     # stream -> code
        self.goaway = None   # code
        self.goaways = []    # (last stream, code)
        self.pongs = []
        self.settings = {}
        self.acked = 0
        self.told = 0        # SETTINGS that came
        self.closed = False
        self.lengths = []    # of DATA frames
        self.on_data = None
        self.partial = None
        if hello:
            self.send(PREFACE + settings(*pairs))
            self.until(lambda: self.settings)
            self.send(frame(SETTINGS, ACK))

    def send(self, data):
        """False: it is gone."""
        try:
            self.socket.sendall(data)
            return True
        except (OSError, ssl.SSLError):
            return False

    def note(self, f):
        kind = type(f).__name__
        if kind in ("HeadersFrame", "ContinuationFrame"):
            if kind == "HeadersFrame":
                self.partial = (f.stream_id, b"", f.flags)
            stream, data, flags = self.partial
            self.partial = (stream, data + f.data, flags)
            if "END_HEADERS" not in f.flags:
                return
            fields = self.decoder.decode(self.partial[1])
            self.heads.setdefault(stream, []).append(fields)
            if "END_STREAM" in flags:
                self.ended.add(stream)
        elif kind == "DataFrame":
            self.bodies.setdefault(f.stream_id, bytearray()).extend(f.data)
            self.lengths.append(len(f.data))
            if self.on_data:
                self.on_data(f)
            if "END_STREAM" in f.flags:
                self.ended.add(f.stream_id)
        elif kind == "RstStreamFrame":
            self.resets[f.stream_id] = f.error_code
        elif kind == "GoAwayFrame":
            self.goaway = f.error_code
            self.goaways.append((f.last_stream_id, f.error_code))
        elif kind == "PingFrame":
            if "ACK" in f.flags:
                self.pongs.append(f.opaque_data)
            else:
                self.send(frame(PING, ACK, 0, f.opaque_data))
        elif kind == "SettingsFrame":
            if "ACK" in f.flags:
                self.acked += 1
            else:
                self.told += 1
                self.settings.update(f.settings)
                self.settings[0] = True

    def receive(self, seconds):
        """One read; False: nothing came."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except (socket.timeout, ssl.SSLWantReadError):
            return False
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return False
        self.pending += data
        while len(self.pending) >= 9:
            f, n = Frame.parse_frame_header(memoryview(self.pending[:9]))
            if len(self.pending) < 9 + n:
                break
            f.parse_body(memoryview(self.pending[9:9 + n]))
            self.pending = self.pending[9 + n:]
            self.note(f)
        return True

    def until(self, holds, seconds=None):
        """Read until it is so, or the connection is gone."""
        end = time.monotonic() + (seconds or self.patience)
        while not holds():
            left = end - time.monotonic()
            if self.closed or left <= 0:
                return bool(holds())
            self.receive(left)
        return True

    def status(self, stream):
        """Of the final response; None: there is none yet."""
        for fields in self.heads.get(stream, []):
            status = dict(fields).get(":status", "")
            if status and not status.startswith("1"):
                return int(status)
        return None

    def field(self, stream, name):
        for fields in self.heads.get(stream, []):
            for n, v in fields:
                if n == name:
                    return v
        return None

    def done(self, stream):
        return stream in self.ended or stream in self.resets

    def close(self):
        self.socket.close()


def listen(serve):
    """A thread for each connection to a port; its number."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],),
                             daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def say(good, what, why=""):
    print("ok" if good else "not ok", what + (f": {why}" if why and not good
                                               else ""), flush=True)
    return good
