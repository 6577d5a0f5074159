"""TLS sessions of an address: begun, and gone on with when a line comes in.

sessions.py ADDRESS HOST CA COUNT
"""
import socket
import ssl
import sys

address, host, ca, count = sys.argv[1:5]
context = ssl.create_default_context(cafile=ca)


def request(session):
    with socket.create_connection((address, 443), 10) as plain:
        with context.wrap_socket(plain, server_hostname=host, session=session) as tls:
            tls.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            while tls.recv(65536):
                pass
            return tls.session, tls.session_reused


def try_request(session):
    """The address may move meanwhile."""
    for _ in range(4):
        try:
            return request(session)
        except OSError as fault:
            print("again:", fault, file=sys.stderr)
    return request(session)


sessions = [try_request(None)[0] for _ in range(int(count))]
print("ready", flush=True)
sys.stdin.readline()
print("resumed=%d" % sum(try_request(s)[1] for s in sessions), flush=True)
