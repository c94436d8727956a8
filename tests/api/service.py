"""A client of the API for tests, with the standard library only."""

import json
import time
import typing
import urllib.error
import urllib.request
from email.message import Message

REGISTRY = "/api/v1/internal/instrument-registry"


class Response(typing.NamedTuple):
    status: int
    headers: Message
    body: bytes

    def json(self):
        return json.loads(self.body)


class Service:
    """A service at a URL. If the key is None, requests have none."""

    def __init__(self, url, key):
        self.url, self.key = url, key

    def send(self, method, path, body=None, headers=()):
        """Sends a request. A body that is not bytes is sent as JSON."""
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **dict(headers)}
        request = urllib.request.Request(self.url + path, method=method, data=body)
        for name, value in {"X-Internal-API-Key": self.key, **dict(headers)}.items():
            if value is not None:
                request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                # A stream does not end: its first event is enough.
                is_stream = answer.headers.get_content_type() == "text/event-stream"
                text = b"".join(iter(answer.readline, b"\n")) if is_stream else answer.read()
                return Response(answer.status, answer.headers, text)
        except urllib.error.HTTPError as problem:
            return Response(problem.code, problem.headers, problem.read())

    def json(self, method, path, body=None, headers=()):
        """Returns the JSON of a response that must have status 200."""
        response = self.send(method, path, body, headers)
        assert response.status == 200, f"{method} {path}: {response.status} {response.body.decode()}"
        return response.json()


def finished(service, job_id, seconds=30):
    """Waits until a job has finished."""
    for _ in range(10 * seconds):
        job = service.json("GET", f"{REGISTRY}/jobs/{job_id}")
        if job["status"] in ("completed", "failed", "cancelled"):
            return job
        time.sleep(0.1)
    raise AssertionError(f"timeout: job {job_id} did not finish within {seconds} s")
