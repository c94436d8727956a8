"""The deadline of a synchronous call. A timeout of httpx bounds one operation of a socket, but a call has many."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

#: Returns the seconds that the call of this context has left.
seconds_left: ContextVar[Callable[[], float] | None] = ContextVar("instrument_registry_seconds_left", default=None)

PASSED = "the deadline of the call has passed"
# A socket accepts a piece of this size in a few operations.
WRITE_SIZE = 65536


def bind(transport: httpx.BaseTransport) -> None:
    """Bounds all operations of a transport of httpx, which has no public option for it."""
    if isinstance(transport, httpx.HTTPTransport):
        pool = transport._pool
        pool._network_backend = Backend(pool._network_backend)


def shortened(timeout: float | None, kind: type[httpcore.TimeoutException]) -> float | None:
    """Returns a timeout that ends with the deadline. Raises the exception if it has passed."""
    left_of = seconds_left.get()
    if left_of is None:
        return timeout
    left = left_of()
    if left <= 0:
        raise kind(PASSED)
    return left if timeout is None else min(timeout, left)


class Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self.inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = shortened(timeout, httpcore.ConnectTimeout)
        return Stream(self.inner.connect_tcp(host, port, timeout, local_address, socket_options))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        timeout = shortened(timeout, httpcore.ConnectTimeout)
        return Stream(self.inner.connect_unix_socket(path, timeout, socket_options))

    def sleep(self, seconds: float) -> None:
        self.inner.sleep(seconds)


class Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self.inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, shortened(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for at in range(0, len(buffer), WRITE_SIZE):
            self.inner.write(buffer[at : at + WRITE_SIZE], shortened(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = shortened(timeout, httpcore.ConnectTimeout)
        return Stream(self.inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


class Body(httpx.SyncByteStream):
    """The body of a response from a transport that `bind` does not support."""

    def __init__(self, inner: Any, left: Callable[[], float]) -> None:
        self.inner, self.left = inner, left

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.inner:
            if self.left() <= 0:
                self.close()
                raise httpx.ReadTimeout(PASSED)
            yield piece

    def close(self) -> None:
        self.inner.close()
