"""A small server of the Kubernetes API's documented subset, for tests: it is
not Kubernetes.  Lists with labelSelector, creates, deletes, reads one, watches
with resourceVersion; a Deployment gets one Running pod at once.

    kube_api.py PORT TOKEN [HTTPS-PORT CERT KEY CA]

Over https a certificate of a client, signed by CA, is as good as the token.

Of watches it keeps the last 1,000 changes: who asks for older ones gets 410.
POST /test/forget, /test/cut and /test/bookmark forget all of them, cut all
watches in the middle of a line, and send a bookmark to all.  After POST
/test/collect somebody else deletes each pod before who asks for it; after POST
/test/hasty a watch ends with its first event, which is a bookmark.

What it did is a line each on standard output.
"""
import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

GROUPS = {"api/v1", "apis/apps/v1", "apis/networking.k8s.io/v1", "apis/discovery.k8s.io/v1"}
KINDS = {"configmaps", "deployments", "endpointslices", "ingresses", "pods", "replicasets", "services"}

objects = {}  # (kind, namespace, name) -> object
changed = threading.Condition()
version = int(time.time() * 1000)  # never one of a server before this one
history = []  # (version, type, kind, object), the oldest first
forgotten = version  # the last one that is not in history
cuts = 0
collects = False
hasty = False


def note(type, kind, obj):
    """Under the lock."""
    global version, forgotten
    version += 1
    obj["metadata"]["resourceVersion"] = str(version)
    history.append((version, type, kind, json.loads(json.dumps(obj))))
    if len(history) > 1000:
        forgotten = history.pop(0)[0]
    changed.notify_all()


def put(kind, namespace, obj):
    with changed:
        obj["metadata"]["namespace"] = namespace
        is_new = (kind, namespace, obj["metadata"]["name"]) not in objects
        objects[kind, namespace, obj["metadata"]["name"]] = obj
        note("ADDED" if is_new else "MODIFIED", kind, obj)


def matches(obj, selector):
    labels = obj["metadata"].get("labels", {})
    wanted = (part.partition("=") for part in selector.split(",") if part)
    return all(labels.get(k) == v if equals else k in labels for k, equals, v in wanted)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, obj):
        body = json.dumps(obj).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, status, message):
        self.answer(status, {"kind": "Status", "status": "Failure", "code": status, "message": message})

    def parse(self):
        """kind, namespace, name, sub, query; None was answered already."""
        url = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        parts = url.path.strip("/").split("/")
        group = "/".join(parts[:2]) if parts[0] == "api" else "/".join(parts[:3])
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        is_known = isinstance(self.connection, ssl.SSLSocket) and self.connection.getpeercert()
        if not is_known and self.headers.get("Authorization") != "Bearer " + sys.argv[2]:
            return self.fail(401, "Unauthorized")
        namespace = None
        if rest[:1] == ["namespaces"]:
            namespace, rest = rest[1], rest[2:]
        if group not in GROUPS or not rest or rest[0] not in KINDS:
            return self.fail(404, "the server could not find the requested resource")
        return rest[0], namespace, rest[1] if len(rest) > 1 else None, rest[2] if len(rest) > 2 else None, query

    def do_GET(self):
        what = self.parse()
        if not what:
            return
        kind, namespace, name, sub, query = what
        if sub == "log":
            body = f"the log of {name}\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif query.get("watch") == "true":
            self.watch(kind, query)
        elif name:
            obj = objects.get((kind, namespace, name))
            self.answer(200, obj) if obj else self.fail(404, f'{kind} "{name}" not found')
        else:
            with changed:
                items = [o for (k, ns, _), o in objects.items()
                         if k == kind and namespace in (None, ns) and matches(o, query.get("labelSelector", ""))]
                self.answer(200, {"kind": "List", "metadata": {"resourceVersion": str(version)}, "items": items})

    def watch(self, kind, query):
        at, cut, selector = int(query["resourceVersion"]), cuts, query.get("labelSelector", "")
        self.close_connection = True
        self.send_response(200)
        self.end_headers()
        while True:
            with changed:
                if hasty:
                    note("BOOKMARK", "bookmark", {"kind": "Service", "metadata": {}})
                if at < forgotten:
                    events = [("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"})]
                else:
                    events = [(t, o) for v, t, k, o in history if v > at and k in (kind, "bookmark") and (t == "BOOKMARK" or matches(o, selector))]
                    at = version
                    if not events and cut == cuts:
                        changed.wait()
                        continue
                is_cut = cut != cuts
            lines = "".join(json.dumps({"type": t, "object": o}) + "\n" for t, o in events)
            try:
                self.wfile.write((lines + '{"type":"ADD' if is_cut else lines).encode())
            except OSError:
                return
            if is_cut or hasty or events[-1][0] == "ERROR":
                return

    def test(self, what):
        global cuts, forgotten, collects, hasty
        with changed:
            if what == "bookmark":
                note("BOOKMARK", "bookmark", {"kind": "Service", "metadata": {}})
            if what == "forget":
                forgotten = version + 1
                note("BOOKMARK", "bookmark", {"kind": "Service", "metadata": {}})
                history.clear()
            if what == "cut":
                cuts += 1
            if what == "collect":
                collects = True
            hasty = hasty or what == "hasty"
            changed.notify_all()
        self.answer(200, {})

    def do_POST(self):
        if self.path.startswith("/test/"):
            return self.test(self.path[6:])
        what = self.parse()
        if not what:
            return
        kind, namespace, _, _, _ = what
        obj = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = obj["metadata"]["name"]
        if (kind, namespace, name) in objects:
            return self.fail(409, f'{kind} "{name}" already exists')
        put(kind, namespace, obj)
        print("create", kind, name, flush=True)
        if kind == "deployments":
            put("pods", namespace, {"metadata": {"name": name + "-1", "labels": obj["spec"]["template"]["metadata"]["labels"]},
                                    "status": {"phase": "Running"}, "spec": obj["spec"]["template"]["spec"]})
        self.answer(201, obj)

    def do_PUT(self):
        what = self.parse()
        if not what:
            return
        kind, namespace, name, _, _ = what
        obj = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if (kind, namespace, name) not in objects:
            return self.fail(404, f'{kind} "{name}" not found')
        put(kind, namespace, obj)
        self.answer(200, obj)

    def do_DELETE(self):
        what = self.parse()
        if not what:
            return
        kind, namespace, name, _, _ = what
        with changed:
            gone = objects.pop((kind, namespace, name), None)
            if gone:
                note("DELETED", kind, gone)
        if not gone or (collects and kind == "pods"):
            return self.fail(404, f'{kind} "{name}" not found')
        print("delete", kind, name, flush=True)
        self.answer(200, {"kind": "Status", "status": "Success"})


IMAGES = """
php8.2:
  state: stable
  variants:
    webservice: {image: registry/php82-web, extra: {wstype: lighttpd}}
python3.11:
  state: stable
  variants:
    webservice: {image: registry/python311-web, extra: {wstype: python}}
node12:
  state: deprecated
  variants:
    webservice: {image: registry/node12-web, extra: {wstype: js}}
"""
put("configmaps", "tf-public", {"metadata": {"name": "image-config"}, "data": {"images-v1.yaml": IMAGES}})


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Who does not trust us, or is gone, is no error of ours."""


if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[4], sys.argv[5])
    context.load_verify_locations(sys.argv[6])
    context.verify_mode = ssl.CERT_OPTIONAL
    secure = Server(("127.0.0.1", int(sys.argv[3])), Handler)
    secure.socket = context.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=secure.serve_forever, daemon=True).start()
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
