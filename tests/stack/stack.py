"""Access to the stack of `make up`: the API of its service, its containers, and waits for both."""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import uuid

ROOT = pathlib.Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
sys.path.append(str(ROOT / "tests/api"))

from service import REGISTRY, Service  # noqa: E402

PLANS = f"{REGISTRY}/subscriptions"
CONFIG = f"{PLANS}/planner/config"
# The dependencies by their names in /ready.
SERVICE_OF = {"redis": "redis", "config_service": "config-service", "database": "postgres"}

# The specified limits and restart policy of the service's container, with the names that the engine uses.
SPECIFIED = {
    "Memory": 384 << 20, "MemoryReservation": 256 << 20, "NanoCpus": 750_000_000,
    "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
}

# A test run that ends early resumes the containers that it stopped.
signal.signal(signal.SIGTERM, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.default_int_handler)


def settings():
    """Returns the settings that the stand-in for the config service serves."""
    return json.loads((DEPLOY / ".run/settings.json").read_text())


def connect():
    """Returns a client of the service at REGISTRY_TEST_URL with the key REGISTRY_TEST_KEY, or else of the stack's service."""
    if url := os.environ.get("REGISTRY_TEST_URL"):
        return Service(url, os.environ["REGISTRY_TEST_KEY"])
    run(DEPLOY / "prepare.sh")
    files = (DEPLOY / ".env.ports").read_text() + (DEPLOY / ".run/env").read_text()
    values = dict(line.split("=", 1) for line in files.split())
    port = os.environ.get("PORT_INSTRUMENT_REGISTRY") or values["PORT_INSTRUMENT_REGISTRY"]
    return Service(f"http://localhost:{port}", values["INTERNAL_API_KEY"])


def run(*command, **options):
    """Runs a command and returns its output. Fails with its error output."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    done = subprocess.run(command, text=True, **{**pipes, **options})
    assert done.returncode == 0, f"{' '.join(map(str, command))}: exit code {done.returncode} {done.stderr}"
    return done.stdout.strip()


def compose(*arguments):
    return run(DEPLOY / "compose.sh", *arguments)


def inspect(name):
    """Returns the engine's description of a container or an image."""
    return json.loads(run("docker", "inspect", name))[0]


def container(service="instrument-registry"):
    """Returns the engine's description of a service's container in the stack."""
    return inspect(compose("ps", "-q", service))


def check_container(test, found):
    """Checks that a container is healthy and as specified."""
    until("the container is healthy", lambda: inspect(found["Id"])["State"]["Health"]["Status"] == "healthy")
    test.assertEqual({name: found["HostConfig"][name] for name in SPECIFIED}, SPECIFIED)
    test.assertEqual(found["Config"]["User"], "10001:10001")
    test.assertEqual(found["Mounts"], [])


@contextlib.contextmanager
def during(action, service, end):
    """Applies `stop` or `pause` to a service, and ends it afterwards."""
    try:
        compose(action, service)
        yield
    finally:
        compose(end, service)


def until(expected, condition, seconds=60):
    """Waits until the condition is true. Failed requests and commands count as false."""
    deadline, fault = time.monotonic() + seconds, ""
    while True:
        try:
            if condition():
                return
            fault = ""
        except (OSError, http.client.HTTPException, AssertionError) as caught:
            fault = f": {caught}"
        assert time.monotonic() < deadline, f"expected within {seconds} s: {expected}{fault}"
        time.sleep(0.2)


api = connect()


def status_of(dependency):
    return api.send("GET", "/ready").json()["checks"][dependency]["status"]


def until_ready():
    until("/ready returns 200; start the stack with `make up`", lambda: api.send("GET", "/ready").status == 200)


def until_whole():
    for dependency in SERVICE_OF:
        until(f"{dependency} is ok in /ready", lambda: status_of(dependency) == "ok")


def until_planned():
    """Waits until new plans are created. After an outage, a circuit breaker needs a moment to close."""
    until("a new plan is created", lambda: plan()["status"] == "created", 30)


def request_plan(user=None, headers=(), **fields):
    """Sends a plan request, of a new user unless one is given."""
    body = {"plan_name": "Check", "subscription_type": "live_feed", "instruments": ["NSE:TCS"], **fields}
    return api.send("POST", f"{PLANS}/plan?user_id={user or uuid.uuid4()}", body, headers)


def plan(*arguments, **fields):
    """Returns the response to a plan request, which must have status 200."""
    response = request_plan(*arguments, **fields)
    assert response.status == 200, f"plan request: {response.status} {response.body.decode()}"
    return response.json()
