#!/usr/bin/env python3
# renew_keys.py PORT NAME N - by TLS 1.3, takes N new keys, one after another,
# and then asks for the health check; prints what is answered.  Python's ssl
# knows no new keys, so this is OpenSSL itself.
import ctypes, socket, sys

port, name, keys = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
tls = ctypes.CDLL('libssl.so.3')
tls.TLS_client_method.restype = tls.SSL_CTX_new.restype = tls.SSL_new.restype = ctypes.c_void_p
TLS1_3, SET_MIN_VERSION, SET_NAME, HOST_NAME = 0x304, 123, 55, 0

s = socket.create_connection(('127.0.0.1', port), 20)
s.settimeout(None)    # OpenSSL is to block
context = ctypes.c_void_p(tls.SSL_CTX_new(ctypes.c_void_p(tls.TLS_client_method())))
tls.SSL_CTX_ctrl(context, SET_MIN_VERSION, ctypes.c_long(TLS1_3), None)
ssl = ctypes.c_void_p(tls.SSL_new(context))
tls.SSL_ctrl(ssl, SET_NAME, ctypes.c_long(HOST_NAME), name.encode())
tls.SSL_set_fd(ssl, s.fileno())
if tls.SSL_connect(ssl) != 1:
    sys.exit('no TLS')
for _ in range(keys):
    if tls.SSL_key_update(ssl, 0) != 1 or tls.SSL_do_handshake(ssl) != 1:
        sys.exit(0)
request = b'GET /.well-known/healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' % name.encode()
tls.SSL_write(ssl, request, len(request))
answer = ctypes.create_string_buffer(4096)
while (n := tls.SSL_read(ssl, answer, len(answer))) > 0:
    print(answer.raw[:n].decode(), end='')
