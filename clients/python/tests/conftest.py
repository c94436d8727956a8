"""The service of the tests: that of REGISTRY_TEST_URL and REGISTRY_TEST_KEY. `tests/api-test.sh` starts it."""

import asyncio
import inspect
import os
import time
import uuid

import forwarding
import pytest

from instrument_registry import AsyncClient, Client

URL, KEY = os.environ["REGISTRY_TEST_URL"], os.environ["REGISTRY_TEST_KEY"]
SECONDS_MAX = 60


class Blocking:
    """An `AsyncClient` whose methods wait, so that a test runs with both clients."""

    def __init__(self, *arguments, **options):
        self._runner = asyncio.Runner()
        self._client = AsyncClient(*arguments, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._runner.run(self._client.close())
        self._runner.close()

    def __getattr__(self, name):
        def method(*arguments, **options):
            result = getattr(self._client, name)(*arguments, **options)
            return self._runner.run(result if inspect.iscoroutine(result) else items_of(result))

        return method


async def items_of(iterator):
    return [item async for item in iterator]


@pytest.fixture(params=[Client, Blocking], ids=["sync", "async"])
def kind(request):
    """The class of a client."""
    return request.param


@pytest.fixture
def user():
    return f"client-{uuid.uuid4()}"


@pytest.fixture(scope="session")
def address():
    """The address of the service, which has the catalog of tests/api/kite.csv."""
    with Client(URL, KEY) as registry:
        job = registry.ingest("kite", source="kite.csv", force=True)
        job = registry.wait(job.job_id, timeout=SECONDS_MAX, pause=0.05)
        assert job.status == "completed", job
        until = time.monotonic() + SECONDS_MAX
        while not registry.resolve_keys(["NSE:INFY"]).resolved and time.monotonic() < until:
            time.sleep(0.05)
    return URL


@pytest.fixture
def registry(kind, address, user):
    with kind(address, KEY, user_id=user) as registry:
        yield registry


@pytest.fixture
def proxy(address):
    return forwarding.Proxy(address)


@pytest.fixture
def through_proxy(kind, proxy, user):
    with proxy.running() as url, kind(url, KEY, user_id=user) as registry:
        yield registry


@pytest.fixture
def request_body():
    return {"plan_name": "Test", "subscription_type": "live_feed", "instruments": ["NSE:TCS", "NSE:INFY", "NSE:TCS"]}


@pytest.fixture
def at_kite(request_body):
    return request_body | {"broker": "kite", "mode": "full"}
