"""Keys, headers and responses that are not as they should be."""

import logging

import httpx
import pytest

import instrument_registry as of
from instrument_registry import Client, Retries
from instrument_registry.generated.api.catalog import list_brokers

SECRETS = ["SECRET\n# note", "SECRET\r\nX: 1", "SECRET\0", "SECRETÜ"]


class Answers(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Gives one result to each request."""

    def __init__(self, result):
        self.result, self.count = result, 0

    def handle_request(self, _):
        self.count += 1
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    async def handle_async_request(self, request):
        return self.handle_request(request)


@pytest.fixture
def client_of(kind):
    """Returns a client whose requests have this result."""
    return lambda result: kind(
        "http://service", "key", user_id="x", transport=Answers(result), retries=Retries(pause=0)
    )


@pytest.mark.parametrize("key", SECRETS, ids=ascii)
def test_an_invalid_key_is_not_in_the_error(kind, key):
    with pytest.raises(ValueError, match="expected printable ASCII characters in the API key") as raised:
        kind("http://service", key)
    assert type(raised.value) is ValueError
    assert raised.value.__context__ is None


@pytest.mark.parametrize("value", SECRETS, ids=ascii)
def test_an_invalid_header_is_not_sent(kind, value):
    inner = Answers(httpx.Response(200, json={}))
    with kind("http://service", "key", user_id="x", transport=inner) as registry:
        with pytest.raises(ValueError, match="expected printable ASCII characters in Idempotency-Key"):
            registry.create_plan({}, idempotency_key=value)
        with pytest.raises(ValueError, match="expected printable ASCII characters in X-Correlation-ID"):
            registry.call(list_brokers, x_correlation_id=value)
    assert inner.count == 0


@pytest.mark.parametrize("value", SECRETS, ids=ascii)
def test_an_invalid_correlation_id_is_not_sent(value):
    inner = Answers(httpx.Response(200, json={}))
    token = of.correlation_id.set(value)
    try:
        with Client("http://service", "key", transport=inner) as registry, pytest.raises(ValueError, match="printable"):
            registry.plans()
    finally:
        of.correlation_id.reset(token)
    assert inner.count == 0


def test_a_local_error_is_neither_repeated_nor_logged(kind, caplog):
    inner = Answers(httpx.LocalProtocolError("Illegal header value b'SECRET'"))
    caplog.set_level(logging.DEBUG)
    with kind("http://service", "key", transport=inner) as registry, pytest.raises(of.RegistryError) as raised:
        registry.create_plan({}, user_id="x")
    assert type(raised.value) is of.RegistryError
    assert raised.value.code == "invalid_request"
    assert "SECRET" not in str(raised.value) + caplog.text
    assert raised.value.__context__ is None
    assert inner.count == 1


def test_only_none_reads_the_environment(kind, monkeypatch):
    monkeypatch.setenv("INSTRUMENT_REGISTRY_URL", "http://service")
    monkeypatch.setenv("INSTRUMENT_REGISTRY_KEY", "key")
    with pytest.raises(ValueError, match="expected the API key"):
        kind(None, "")
    with pytest.raises(ValueError, match="expected the URL"):
        kind("")


def test_the_address_can_end_with_a_newline(kind):
    inner = Answers(httpx.Response(404))
    with kind("http://service\n", "key", transport=inner) as registry, pytest.raises(of.NotFound):
        registry.plan("plan_1")


BODIES = ["{}", '{"subscriptions": null}', '{"subscriptions": [5]}', '{"code": "not_found"}', "", "[" * 100_000]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:30])
def test_a_stream_without_items_is_an_error(client_of, body):
    with client_of(httpx.Response(200, text=body)) as registry, pytest.raises(of.RegistryError) as raised:
        list(registry.subscriptions("plan_1"))
    assert raised.value.code == "invalid_response"
