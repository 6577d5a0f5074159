#!/usr/bin/env python3
# idle_tls.py PORT NAME CA N - opens N TLS connections, has a request answered on
# each, says "idle" and keeps them until its input ends.
import socket, ssl, sys

port, name, ca, n = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
context = ssl.create_default_context(cafile=ca)
context.set_alpn_protocols(['http/1.1'])
request = b'GET /.well-known/healthz HTTP/1.1\r\nHost: %s\r\n\r\n' % name.encode()
kept = []
for i in range(n):
    s = socket.create_connection(('127.0.0.1', port), 30)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    t = context.wrap_socket(s, server_hostname=name)
    t.sendall(request)
    answer = b''
    while not answer.endswith(b'proxy ok!'):
        piece = t.recv(4096)
        if not piece:
            sys.exit('closed')
        answer += piece
    kept.append(t)
print('idle', flush=True)
sys.stdin.read()
