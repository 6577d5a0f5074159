"""A small server of the one call of Keystone's API v3 that is needed, for
tests: GET /v3/auth/tokens.  It is not Keystone.

    keystone.py PORT
"""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKENS = {"own": ("service", "s", ["admin"]), "good": ("ann", "one", ["member"]), "looks": ("eve", "one", ["reader", "other"])}


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        subject = self.headers.get("X-Subject-Token")
        if self.path != "/v3/auth/tokens" or self.headers.get("X-Auth-Token") != "own":
            return self.answer(401, {"error": {"code": 401}})
        if subject == "broken":
            return self.answer(200, ["nonsense"])
        if subject == "unscoped":
            return self.answer(200, {"token": {"user": {"name": "bob"}}})
        if subject not in TOKENS:
            return self.answer(404, {"error": {"code": 404}})
        user, project, roles = TOKENS[subject]
        self.answer(200, {"token": {"user": {"id": "u", "name": user}, "project": {"id": project + "-id", "name": project},
                                    "roles": [{"id": "r", "name": r} for r in roles], "expires_at": "2099-01-01T00:00:00Z"}})


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
