"""The policies of all requests, as transports of httpx: deadline, retries, correlation id, and exceptions."""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

import httpx

from . import deadline, errors, headers

logger = logging.getLogger(__name__)

#: The correlation id of the requests of this context. Without one, each call has its own.
correlation_id: ContextVar[str | None] = ContextVar("instrument_registry_correlation_id", default=None)

# With these codes of 503, the service has not begun the request.
NOT_BEGUN = ("overloaded", "not_ready", "database_unavailable", "no_room")

# The timeout of a connection ends before that of the attempt, so that it is known that nothing was sent.
GRACE = 0.05


@dataclass(frozen=True)
class Retries:
    """The bounds of retries: attempts of a call, and seconds for all of them with the pauses between them.

    A pause lasts as long as `Retry-After` requests, and otherwise `pause` seconds, doubled after each attempt. A random
    part is added.
    """

    attempts: int = 5
    deadline: float = 60.0
    pause: float = 0.2
    pause_max: float = 5.0


class Call:
    """The attempts of one call."""

    def __init__(self, request: httpx.Request, retries: Retries, clock: Callable[[], float]) -> None:
        self.request, self.retries, self.clock = request, retries, clock
        self.attempt, self.until = 0, clock() + retries.deadline
        self.timeouts = dict(request.extensions.get("timeout", {}))
        if "X-Correlation-ID" not in request.headers:
            # The request keeps it over all attempts.
            given = correlation_id.get() or str(uuid.uuid4())
            headers.check("the correlation id", given)
            request.headers["X-Correlation-ID"] = given

    def left(self) -> float:
        return self.until - self.clock()

    def stream(self, response: httpx.Response) -> httpx.Response:
        """Returns a response whose body is not read. Its timeouts do not end with the deadline."""
        self.request.extensions["timeout"] = self.timeouts
        return response

    def next(self) -> httpx.Request:
        """Returns the request of the next attempt. Its timeouts end with the deadline."""
        self.attempt += 1
        left = max(self.left(), 0.001)
        limits = {name: left if limit is None else min(limit, left) for name, limit in self.timeouts.items()}
        self.request.extensions["timeout"] = limits
        return self.request

    def pause_after(self, fault: errors.RegistryError) -> float:
        """Returns the pause before the next attempt, or raises the exception if there is none."""
        if self.attempt >= self.retries.attempts or not self.is_repeatable(fault):
            raise fault
        pause = fault.retry_after
        if pause is None:
            pause = min(self.retries.pause * 2 ** (self.attempt - 1), self.retries.pause_max)
        pause += random.uniform(0, self.retries.pause)
        if self.clock() + pause >= self.until:
            raise fault
        logger.info("attempt %d failed; retrying in %.1f s: %s", self.attempt, pause, fault)
        return pause

    def is_repeatable(self, fault: errors.RegistryError) -> bool:
        if isinstance(fault, errors.ConfigurationError):
            return False
        if not isinstance(self.request.stream, httpx.ByteStream):
            # The body was read, and cannot be sent again.
            return False
        has_key = "Idempotency-Key" in self.request.headers
        match fault.status:
            case None if fault.code == "connection_failed":
                return True
            case None if fault.code == "invalid_request":
                return False
            case 429:
                return True
            case 503 if fault.code in NOT_BEGUN:
                return True
            case None | 502 | 503:
                return has_key or errors.is_read(self.request)
            case 504:
                # A read that was too slow would be too slow again.
                return has_key
            case 409:
                return fault.code == "idempotency_key_in_flight"
            case _:
                return False


def is_streamed(request: httpx.Request) -> bool:
    return bool(request.extensions.get("is_streamed"))


class Transport(httpx.BaseTransport):
    """Repeats requests that are safe to repeat. Returns successful responses, and raises `RegistryError` otherwise."""

    def __init__(
        self,
        inner: httpx.BaseTransport,
        retries: Retries,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inner, self.retries, self.sleep, self.clock = inner, retries, sleep, clock
        deadline.bind(inner)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        call = Call(request, self.retries, self.clock)
        token = deadline.seconds_left.set(call.left)
        try:
            return self._handle(call, request)
        finally:
            deadline.seconds_left.reset(token)

    def _handle(self, call: Call, request: httpx.Request) -> httpx.Response:
        while True:
            try:
                response = self.inner.handle_request(call.next())
                response.request = request
                if is_streamed(request) and errors.is_expected(request, response):
                    return call.stream(response)
                # A connection that breaks in the body is a failure of this attempt.
                response.stream = deadline.Body(response.stream, call.left)
                response.read()
            except httpx.TransportError as cause:
                fault = errors.from_failure(request, cause)
                fault.__cause__ = None if isinstance(cause, httpx.LocalProtocolError) else cause
            except httpx.DecodingError as cause:
                response.close()
                fault = errors.undecodable(request, response, cause)
            else:
                if errors.is_expected(request, response):
                    return response
                fault = errors.from_response(request, response)
            self.sleep(call.pause_after(fault))

    def close(self) -> None:
        self.inner.close()


class AsyncTransport(httpx.AsyncBaseTransport):
    """Like `Transport`, with coroutines."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        retries: Retries,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inner, self.retries, self.clock = inner, retries, clock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = Call(request, self.retries, self.clock)
        while True:
            try:
                sent = call.next()
                async with asyncio.timeout(max(call.left(), 0.0) + GRACE):
                    response = await self.inner.handle_async_request(sent)
                    response.request = request
                    if is_streamed(request) and errors.is_expected(request, response):
                        return call.stream(response)
                    await response.aread()
            except TimeoutError:
                fault = errors.from_failure(request, httpx.ReadTimeout(deadline.PASSED))
            except httpx.TransportError as cause:
                fault = errors.from_failure(request, cause)
                fault.__cause__ = None if isinstance(cause, httpx.LocalProtocolError) else cause
            except httpx.DecodingError as cause:
                await response.aclose()
                fault = errors.undecodable(request, response, cause)
            else:
                if errors.is_expected(request, response):
                    return response
                fault = errors.from_response(request, response)
            await asyncio.sleep(call.pause_after(fault))

    async def aclose(self) -> None:
        await self.inner.aclose()
