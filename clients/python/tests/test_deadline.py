"""Responses that arrive so slowly that no timeout of httpx ends them."""

import asyncio
import itertools

import httpcore
import httpx
import pytest

from instrument_registry import AsyncClient, Client, Retries, errors
from instrument_registry.transport import Transport

HTTP = "http://service/"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Dripping(httpcore.NetworkBackend, httpcore.NetworkStream):
    """Sends these bytes, one in each tenth of a second of its own clock."""

    def __init__(self, pieces):
        self.pieces, self.now, self.timeouts, self.written = iter(pieces), 0.0, [], []
        self.is_closed = False

    def clock(self):
        return self.now

    def connect_tcp(self, *_, **__):
        return self

    def start_tls(self, *_, **__):
        return self

    def read(self, _, timeout=None):
        self.timeouts.append(timeout)
        self.now += 0.1
        return next(self.pieces, b"")

    def write(self, buffer, timeout=None):
        self.now += 0.1
        self.written.append(buffer)

    def close(self):
        self.is_closed = True


def bytes_of(text):
    return (text[at : at + 1] for at in range(len(text)))


def send(backend, url="http://service/", method="GET", deadline=3.0, is_streamed=False, proxy=None, **options):
    inner = httpx.HTTPTransport(proxy=proxy)
    inner._pool._network_backend = backend
    transport = Transport(inner, Retries(deadline=deadline), sleep=lambda _: None, clock=backend.clock)
    with httpx.Client(transport=transport, timeout=30) as http:
        return http.request(method, url, extensions={"is_streamed": is_streamed}, **options)


ENDLESS = {"head": (HEAD + b"X: ", b"x"), "body": (HEAD + b"Content-Length: 1000000\r\n\r\n", b" ")}


@pytest.mark.parametrize(("url", "proxy"), [(HTTP, None), ("https://service/", None), (HTTP, "http://proxy:3128")])
@pytest.mark.parametrize("place", ["head", "body"])
def test_a_slow_response_ends_with_the_deadline(url, proxy, place):
    first, rest = ENDLESS[place]
    backend = Dripping(itertools.chain([first], itertools.repeat(rest)))
    with pytest.raises(errors.Unavailable, match="timeout: ReadTimeout: the deadline of the call has passed"):
        send(backend, url, proxy=proxy)
    assert 3.0 <= backend.now < 3.2
    assert backend.is_closed
    assert backend.timeouts[-1] < 0.2


def test_a_slow_upload_ends_with_the_deadline():
    backend = Dripping([])
    with pytest.raises(errors.UnknownOutcome, match="the deadline of the call has passed"):
        send(backend, method="POST", content=b"x" * 10_000_000)
    assert 3.0 <= backend.now < 3.2


def test_a_response_within_the_deadline_is_complete():
    body = b'{"a": 1}'
    backend = Dripping(bytes_of(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body))
    assert send(backend, deadline=30.0).json() == {"a": 1}


def test_the_body_of_a_stream_has_no_deadline():
    backend = Dripping([HEAD + b"Content-Length: 100\r\n\r\n", *[b" "] * 100])
    assert send(backend, is_streamed=True).content == b" " * 100
    assert backend.timeouts[0] < 3
    assert backend.timeouts[1:] == [30.0] * 100


class SlowBody(httpx.BaseTransport, httpx.SyncByteStream):
    """A transport of another kind."""

    def __init__(self):
        self.now, self.is_closed = 0.0, False

    def handle_request(self, _):
        return httpx.Response(200, stream=self)

    def __iter__(self):
        for _ in range(1000):
            self.now += 0.1
            yield b" "

    def close(self):
        self.is_closed = True


def test_other_transports_end_between_two_pieces():
    inner = SlowBody()
    transport = Transport(inner, Retries(deadline=3.0), clock=lambda: inner.now)
    with httpx.Client(transport=transport) as http, pytest.raises(errors.Unavailable, match="deadline"):
        http.get("http://service/")
    assert 3.0 <= inner.now < 3.2
    assert inner.is_closed


def test_clients_bind_their_transport_to_the_deadline():
    with Client("http://service", "key") as registry:
        assert type(registry._http._transport.inner._pool._network_backend).__module__ == "instrument_registry.deadline"


class Endless(httpx.AsyncBaseTransport, httpx.AsyncByteStream):
    """Never ends: in the head, or in the body."""

    def __init__(self, place):
        self.place, self.is_cancelled = place, False

    async def handle_async_request(self, _):
        if self.place == "head":
            await self.wait()
        return httpx.Response(200, stream=self)

    async def __aiter__(self):
        yield b"{"
        await self.wait()

    async def wait(self):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise


@pytest.mark.parametrize("place", ["head", "body"])
def test_an_asynchronous_call_ends_with_the_deadline(place):
    async def create(inner):
        async with AsyncClient("http://service", "key", transport=inner, retries=Retries(deadline=0.01)) as registry:
            await registry.create_plan({}, user_id="x", idempotency_key="of-test")

    inner = Endless(place)
    with pytest.raises(errors.UnknownOutcome, match="timeout: ReadTimeout: the deadline of the call") as raised:
        # Without a deadline, the test fails instead of waiting forever.
        asyncio.run(asyncio.wait_for(create(inner), 30))
    assert raised.value.idempotency_key == "of-test"
    assert inner.is_cancelled
