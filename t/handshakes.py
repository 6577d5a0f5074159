#!/usr/bin/env python3
# handshakes.py PORT NAME CA RATE FILE - RATE full TLS handshakes a second until
# FILE is there; says how many there were, how many failed, and how many
# certificates they were shown.
import os, socket, ssl, sys, time

port, name, ca, rate, end = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]
context = ssl.create_default_context(cafile=ca)
n = failed = 0
shown = set()
due = time.monotonic()
while not os.path.exists(end):
    n += 1
    try:
        with socket.create_connection(('127.0.0.1', port), 10) as s:
            with context.wrap_socket(s, server_hostname=name) as t:
                shown.add(t.getpeercert(True))
    except OSError as e:
        failed += 1
        print(e, file=sys.stderr)
    due += 1 / rate
    time.sleep(max(0, due - time.monotonic()))
print(f'{n} handshakes, {failed} failed, {len(shown)} certificates')
