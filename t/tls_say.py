#!/usr/bin/env python3
# tls_say.py PORT NAME CA [BEFORE] - says its input by TLS, in HTTP/1, and prints
# what is answered; BEFORE goes before TLS.  Ends with 3 when the answer is cut
# without a word of TLS.
import select, socket, ssl, sys

port, name, ca = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=ca)
context.set_alpn_protocols(['http/1.1'])
s = socket.create_connection(('127.0.0.1', port), 20)
if len(sys.argv) > 4:
    s.sendall(sys.argv[4].encode())
try:
    t = context.wrap_socket(s, server_hostname=name, suppress_ragged_eofs=False)
except OSError:
    sys.exit(3)
said = sys.stdin.buffer.read()
t.setblocking(False)
answer, cut = b'', False
while True:
    r, w, _ = select.select([t], [t] if said else [], [], 20)
    if not r and not w:
        sys.exit('nothing happens')
    if w:
        try:
            said = said[t.send(said[:16384]):]
        except ssl.SSLWantReadError:
            pass
        except OSError:
            said = b''
    try:
        while True:
            piece = t.recv(65536)
            if not piece:
                break
            answer += piece
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        continue
    except OSError:
        cut = True
    break
sys.stdout.buffer.write(answer)
sys.exit(3 if cut else 0)
