#!/usr/bin/env python3
# resume.py PORT NAME CA VERSION FILE... - opens TLS sessions, and goes on with
# them.  It does what each line of its input says, and answers with a line:
#   full N       N handshakes from nothing; what was got is kept
#   resume N     N handshakes, each with a session that is kept, in turn
#   as NAME N    the same, asking for another name, which has to do no harm
# The answer: how many handshakes succeeded, and how many of them were resumed.
import socket, ssl, sys

port, name, ca, version = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
context = ssl.create_default_context(cafile=ca)
context.check_hostname = False
wanted = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}[version]
context.minimum_version = context.maximum_version = wanted
kept = []


def connect(host, session):
    with socket.create_connection(('127.0.0.1', port), 10) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(s, server_hostname=host, session=session) as t:
            t.sendall(b'GET /.well-known/healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' % host.encode())
            answer = b''
            while piece := t.recv(4096):
                answer += piece
            # tickets of TLS 1.3 come with the answer
            return answer.startswith(b'HTTP/1.1 200'), t.session_reused, t.session


for line in sys.stdin:
    words = line.split()
    host = words[1] if words[0] == 'as' else name
    good = resumed = 0
    for i in range(int(words[-1])):
        session = None if words[0] == 'full' else kept[i % len(kept)]
        try:
            fine, reused, got = connect(host, session)
        except (OSError, ssl.SSLError) as e:
            print('#', e, file=sys.stderr)
            continue
        good += fine
        resumed += reused
        if words[0] == 'full':
            kept.append(got)
    print(good, resumed, flush=True)
