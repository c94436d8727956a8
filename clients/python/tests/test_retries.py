"""The policies of the transports, against responses that the service cannot be made to send."""

import asyncio

import httpx
import pytest

from instrument_registry import Retries, errors
from instrument_registry.transport import AsyncTransport, Transport

CREATE = "/api/v1/internal/instrument-registry/subscriptions/plan"
KEY = {"Idempotency-Key": "of-test"}


def problem(status, code, **headers):
    return httpx.Response(status, json={"code": code, "detail": "..."}, headers=headers)


class Inner(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Gives these results, one for each attempt, and then 200. Keeps what it received."""

    def __init__(self, *results):
        self.results, self.received, self.timeouts = list(results), [], []

    def handle_request(self, request):
        self.received.append(httpx.Headers(request.headers))
        self.timeouts.append(request.extensions.get("timeout", {}).get("read"))
        result = self.results.pop(0) if self.results else httpx.Response(200, json={})
        if isinstance(result, Exception):
            raise result
        return result

    async def handle_async_request(self, request):
        return self.handle_request(request)


def send_sync(inner, method, path, retries, **options):
    with httpx.Client(base_url="http://service", transport=Transport(inner, retries)) as http:
        return http.request(method, path, **options)


def send_async(inner, method, path, retries, **options):
    async def send():
        async with httpx.AsyncClient(base_url="http://service", transport=AsyncTransport(inner, retries)) as http:
            return await http.request(method, path, **options)

    return asyncio.run(send())


@pytest.fixture(params=[send_sync, send_async], ids=["sync", "async"])
def attempts(request):
    """Returns the number of attempts and the exception, if there is one."""

    def count(result, method="POST", path=CREATE, **options):
        inner = Inner(result)
        try:
            request.param(inner, method, path, Retries(pause=0), **options)
        except errors.RegistryError as fault:
            return len(inner.received), fault
        return len(inner.received), None

    return count


OVERLOADED = problem(503, "overloaded")
RESTARTING = problem(503, "unavailable")
OF_A_PROXY = httpx.Response(502, text="<html>Bad Gateway</html>")
UNKNOWN = problem(504, "unknown_outcome")
LOST = httpx.ReadError("reset")
UNREACHABLE = httpx.ConnectError("refused")
TOO_MANY = problem(429, "too_many_requests")
IN_FLIGHT = problem(409, "idempotency_key_in_flight")


@pytest.mark.parametrize("result", [OVERLOADED, UNREACHABLE, TOO_MANY], ids=str)
def test_requests_that_were_not_begun_are_repeated(attempts, result):
    assert attempts(result)[0] == 2


@pytest.mark.parametrize("result", [RESTARTING, OF_A_PROXY, UNKNOWN, LOST, IN_FLIGHT], ids=str)
def test_requests_with_a_key_are_repeated(attempts, result):
    assert attempts(result, headers=KEY)[0] == 2


@pytest.mark.parametrize("result", [OF_A_PROXY, UNKNOWN, LOST, httpx.ReadTimeout("slow")], ids=str)
def test_a_change_without_a_key_is_not_repeated(attempts, result):
    count, fault = attempts(result)
    assert count == 1
    assert type(fault) is errors.UnknownOutcome
    assert fault.idempotency_key is None


def test_a_restarting_service_is_unavailable(attempts):
    count, fault = attempts(RESTARTING)
    assert count == 1
    assert type(fault) is errors.Unavailable


@pytest.mark.parametrize("result", [RESTARTING, OF_A_PROXY, LOST], ids=str)
@pytest.mark.parametrize(
    "options", [{"method": "GET"}, {"path": "/search"}, {"extensions": {"is_read": True}}], ids=str
)
def test_reads_are_repeated(attempts, result, options):
    assert attempts(result, **options)[0] == 2


def test_an_unsupported_protocol_is_not_retried(attempts):
    count, fault = attempts(httpx.UnsupportedProtocol("no scheme"), method="GET")
    assert count == 1
    assert type(fault) is errors.ConfigurationError
    assert fault.code == "unsupported_protocol"


def test_a_slow_read_is_not_repeated(attempts):
    count, fault = attempts(problem(504, "deadline_exceeded"), method="GET")
    assert count == 1
    assert type(fault) is errors.Unavailable


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.ValidationFailed),
        (401, errors.RejectedKey),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (412, errors.Conflict),
        (422, errors.ValidationFailed),
        (500, errors.RegistryError),
    ],
)
def test_other_errors_are_not_repeated(attempts, status, kind):
    count, fault = attempts(problem(status, "of_test"), headers=KEY)
    assert count == 1
    assert type(fault) is kind
    assert fault.code == "of_test"


def test_a_stream_of_a_body_is_sent_once():
    inner = Inner(LOST)
    with pytest.raises(errors.UnknownOutcome):
        send_sync(inner, "POST", CREATE, Retries(pause=0), headers=KEY, content=iter([b"rows"]))
    assert len(inner.received) == 1


def test_all_attempts_have_the_same_ids():
    inner = Inner(LOST, UNKNOWN, OVERLOADED)
    send_sync(inner, "POST", CREATE, Retries(pause=0), headers=KEY)
    assert len(inner.received) == 4
    assert {headers["Idempotency-Key"] for headers in inner.received} == {"of-test"}
    assert len({headers["X-Correlation-ID"] for headers in inner.received}) == 1


class Clock:
    """A clock that only pauses move."""

    def __init__(self):
        self.now, self.pauses = 0.0, []

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    def __call__(self):
        return self.now


def timed(inner, retries, timeout=30.0):
    """Returns the pauses of a call, and its exception."""
    clock = Clock()
    transport = Transport(inner, retries, sleep=clock.sleep, clock=clock)
    with httpx.Client(base_url="http://service", transport=transport, timeout=timeout) as http:
        try:
            http.get("/")
        except errors.RegistryError as fault:
            return clock.pauses, fault
    return clock.pauses, None


def test_pauses_last_as_long_as_retry_after():
    pauses, fault = timed(Inner(problem(503, "overloaded", **{"Retry-After": "3"})), Retries())
    assert fault is None
    assert len(pauses) == 1
    assert 3 <= pauses[0] <= 3.2


def test_pauses_without_retry_after_grow():
    pauses, fault = timed(Inner(*[OVERLOADED] * 9), Retries(attempts=6, pause=1.0, pause_max=3.0))
    assert fault.code == "overloaded"
    assert [round(pause - 0.5) for pause in pauses] == [1, 2, 3, 3, 3]


def test_a_pause_beyond_the_deadline_raises_at_once():
    pauses, fault = timed(Inner(problem(503, "overloaded", **{"Retry-After": "60"})), Retries(deadline=60))
    assert pauses == []
    assert fault.retry_after == 60


def test_timeouts_end_with_the_deadline():
    inner = Inner(problem(503, "overloaded", **{"Retry-After": "4"}))
    timed(inner, Retries(deadline=10, pause=0), timeout=8)
    assert inner.timeouts == [8, 6]


def test_a_lost_response_has_its_cause():
    _, fault = timed(Inner(*[LOST] * 9), Retries(pause=0))
    assert fault.__cause__ is LOST
    assert str(fault).startswith("GET /: connection_lost: ReadError: reset (correlation id ")
