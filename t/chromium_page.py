#!/usr/bin/python3
"""A page with 100 images and a WebSocket, for t/30-chromium-h2.t.

chromium_page.py    prints the port of its server, and of the WebSocket's; ends
                    with its standard input
"""
import asyncio
import http.server
import os
import sys
import threading

import websockets

IMAGES = 100

PAGE = """<!doctype html>
<meta charset="utf-8"><title>loading</title>
<style>body { font: 16px sans-serif } img { width: 40px; height: 40px;
margin: 2px } h1 { font-size: 20px }</style>
<h1>One connection: <span id="say">loading</span></h1>
%s
<script>
const say = document.getElementById("say");
const images = [...document.images].map(i => i.decode());
const echoed = new Promise((yes, no) => {
    const ws = new WebSocket("wss://" + location.host + "/ws");
    ws.onopen = () => ws.send("grüß dich");
    ws.onmessage = m => yes(m.data);
    ws.onerror = () => no("WebSocket");
});
Promise.all([echoed, ...images]).then(([text]) => {
    const by = performance.getEntriesByType("resource")
        .filter(e => e.name.includes("/image/"));
    const h2 = by.filter(e => e.nextHopProtocol == "h2").length;
    say.textContent = h2 + " images by h2, the WebSocket says " + text;
    document.title = "done";
}).catch(e => { say.textContent = "failed: " + e; document.title = "done" });
</script>
""" % "\n".join(f'<img src="/image/{i}">' for i in range(IMAGES))


def image(number):
    """A square of a colour of its own."""
    colour = f"hsl({number * 360 // IMAGES} 80% 50%)"
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
            f'<rect width="40" height="40" fill="{colour}"/>'
            '<text x="20" y="25" text-anchor="middle" font-size="14" '
            f'fill="white">{number}</text></svg>')


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/image/"):
            kind, text = "image/svg+xml", image(int(self.path[7:]))
        else:
            kind, text = "text/html", PAGE
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


async def echo(ws, path):
    try:
        async for message in ws:
            await ws.send(message)
    except websockets.ConnectionClosed:    # the page is left
        pass


async def main():
    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 256
    pages = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    async with websockets.serve(echo, "127.0.0.1", 0) as s:
        print(pages.server_port, s.sockets[0].getsockname()[1], flush=True)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, sys.stdin.read)
        os._exit(0)

asyncio.run(main())
