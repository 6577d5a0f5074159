#!/usr/bin/env python3
# handshakes.py PORT NAME CA RATE FILE - RATE full TLS handshakes a second, by
# four clients, until FILE is there, or its directory is not; says how many there
# were, how many failed, how many certificates they were shown, and what the rate
# was.
import os, socket, ssl, sys, threading, time

CLIENTS = 4

port, name, ca, rate, end = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]
context = ssl.create_default_context(cafile=ca)
lock = threading.Lock()
n = failed = 0
shown = set()


def shake():
    with socket.create_connection(('127.0.0.1', port), 10) as s:
        with context.wrap_socket(s, server_hostname=name) as t:
            return t.getpeercert(True)


def client():
    global n, failed
    due = time.monotonic()
    while not os.path.exists(end) and os.path.isdir(os.path.dirname(end)):
        try:
            certificate, wrong = shake(), None
        except OSError as e:
            certificate, wrong = None, e
        with lock:
            n += 1
            if wrong:
                failed += 1
                print(wrong, file=sys.stderr)
            else:
                shown.add(certificate)
        due += CLIENTS / rate
        time.sleep(max(0, due - time.monotonic()))


begun = time.monotonic()
clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
for c in clients:
    c.start()
for c in clients:
    c.join()
print(f'{n} handshakes, {failed} failed, {len(shown)} certificates, {n / (time.monotonic() - begun):.0f} a second')
