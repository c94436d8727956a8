"""Keys, headers and responses that are not as they should be."""

import logging
import zlib

import httpx
import pytest

import instrument_registry as of
from instrument_registry import Client, Retries
from instrument_registry.generated.api.catalog import list_brokers
from instrument_registry.generated.api.plans import get_plan, rebalance_plan

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


@pytest.mark.parametrize("status", [201, 204, 299, 302, 304])
def test_an_unexpected_status_is_an_error(client_of, status):
    answer = {"subscriptions": []}
    with client_of(httpx.Response(status, json=answer)) as registry:
        with pytest.raises(of.RegistryError, match=f"invalid_response: ValueError: unexpected status {status}"):
            registry.call(rebalance_plan, "plan_1")
        with pytest.raises(of.RegistryError, match=f"invalid_response: ValueError: unexpected status {status}"):
            list(registry.subscriptions("plan_1"))


def test_an_unchanged_plan_is_none(client_of):
    with client_of(httpx.Response(304)) as registry:
        assert registry.call(get_plan, "plan_1", if_none_match='"1"') is None


def undecodable(status):
    body = [zlib.compress(b"{}")[:5] + b"bad"]
    return httpx.Response(status, headers={"Content-Encoding": "gzip"}, stream=Body(body))


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, pieces):
        self.pieces, self.is_closed = pieces, False

    def __iter__(self):
        return iter(self.pieces)

    async def __aiter__(self):
        for piece in self.pieces:
            yield piece

    def close(self):
        self.is_closed = True

    async def aclose(self):
        self.close()


def test_a_body_that_cannot_be_decoded_is_invalid(client_of):
    for call in (lambda registry: registry.plan("plan_1"), lambda registry: list(registry.subscriptions("plan_1"))):
        answer = undecodable(200)
        body = answer.stream
        with client_of(answer) as registry, pytest.raises(of.RegistryError, match="invalid_response: DecodingError"):
            call(registry)
        assert body.is_closed


def test_an_error_that_cannot_be_decoded_has_its_status(client_of):
    with client_of(undecodable(404)) as registry, pytest.raises(of.NotFound) as raised:
        registry.plan("plan_1")
    assert raised.value.code == "invalid_response"


PROBLEMS = ["null", "5", '["a"]', '{"user_id": ["is required"]}', '[{"pointer": "/a", "detail": "is required"}, 7]']


@pytest.mark.parametrize("value", PROBLEMS)
@pytest.mark.parametrize("name", ["errors", "conflicts"])
def test_problems_of_another_form_have_their_status(client_of, name, value):
    body = f'{{"code": "conflict", "{name}": {value}}}'
    with client_of(httpx.Response(409, text=body)) as registry, pytest.raises(of.Conflict) as raised:
        registry.plan("plan_1")
    assert raised.value.code == "conflict"
    assert len(getattr(raised.value, name)) == ("pointer" in value)


def test_deeply_nested_bodies_are_invalid(client_of):
    for status, kind in ((200, of.RegistryError), (404, of.NotFound)):
        answer = httpx.Response(status, text="[" * 100_000)
        with client_of(answer) as registry, pytest.raises(of.RegistryError) as raised:
            registry.plan("plan_1")
        assert type(raised.value) is kind
        assert raised.value.code == "invalid_response"


DATE = "Mon, 30 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "Mon, 30 Nov 2026 10:00:07 GMT", "Date": DATE}, 7),
        ({"Retry-After": "Mon, 30 Nov 2026 09:00:00 GMT", "Date": DATE}, 0),
        ({"Retry-After": "Mon, 30 Nov 2020 09:00:00 GMT"}, 0),
        ({"Retry-After": "Mon, 30 Nov 2020 09:00:00 GMT", "Date": "today"}, 0),
        ({"Retry-After": "-1"}, 0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Mon, 99 Nov 2026 10:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(client_of, headers, seconds):
    answer = httpx.Response(503, json={"code": "unavailable"}, headers=headers)
    with client_of(answer) as registry, pytest.raises(of.Unavailable) as raised:
        registry.create_plan({}, idempotency_key=None)
    assert raised.value.retry_after == seconds
