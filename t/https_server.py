#!/usr/bin/python3
"""A tool's https server, for t/20-backends.t.

https_server.py CERT KEY    prints its port; ends with its standard input.
                            /           "<server name asked for> <reused>"
                            /big        1 MiB
                            POST        the body back
"""
import http.server
import os
import ssl
import sys
import threading

asked = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/big":
            self.answer(bytes(i % 251 for i in range(1 << 20)))
            return
        if self.path == "/last":
            self.close_connection = True
        sock = self.connection
        self.answer(f"{asked.get(sock.context)} {sock.session_reused}".encode())

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *args):
        pass


def note_name(sock, name, context):
    asked[context] = name


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.sni_callback = note_name


class Server(http.server.ThreadingHTTPServer):
    def finish_request(self, request, address):
        try:
            tls = context.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            return
        self.RequestHandlerClass(tls, address, self)
        try:
            tls.unwrap()
        except (ssl.SSLError, OSError):
            pass


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
os._exit(0)
