"""A proxy that forwards requests to the service and drops, replaces or cuts their responses."""

import contextlib
import http.server
import json
import threading

import httpx

UNKNOWN = {"code": "unknown_outcome", "detail": "the outcome is unknown", "status": 504, "correlation_id": "of-proxy"}


class Proxy:
    """`effects` has one entry for each of the next requests; the others are forwarded as they are.

    `lose` closes the connection instead of the response, `unknown` replaces the response with 504, `refuse` answers 503
    without forwarding the request, and `cut` sends half of the response. For each request, `requests` has the headers,
    `paths` the path with the query, and `bodies` the body.
    """

    def __init__(self, url):
        self.url, self.effects = url, []
        self.requests, self.paths, self.bodies = [], [], []

    @contextlib.contextmanager
    def running(self):
        handler = type("Handler", (Handler,), {"proxy": self})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class Handler(http.server.BaseHTTPRequestHandler):
    proxy: Proxy

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.proxy.requests.append(dict(self.headers))
        self.proxy.paths.append(self.path)
        self.proxy.bodies.append(body)
        effect = self.proxy.effects.pop(0) if self.proxy.effects else "pass"
        if effect == "refuse":
            problem = {"code": "overloaded", "detail": "the service is at capacity; retry later"}
            self.answer(503, json.dumps(problem).encode(), {"Retry-After": "0"})
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        response = httpx.request(self.command, self.proxy.url + self.path, headers=headers, content=body, timeout=30)
        self.close_connection = effect in ("lose", "cut")
        if effect == "unknown":
            self.answer(504, json.dumps(UNKNOWN).encode())
        elif effect == "cut":
            self.answer(200, response.content, sent=len(response.content) // 2)
        elif effect == "pass":
            self.answer(response.status_code, response.content, {"Content-Type": response.headers["Content-Type"]})

    def answer(self, status, content, headers=(), sent=None):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:sent])

    def log_message(self, *_):
        pass

    do_GET = do_POST = forward
