"""The exceptions of the client."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

import httpx

from . import headers


@dataclass(frozen=True)
class FieldError:
    """A validation error: the JSON pointer to the field (`/query/NAME`, `/header/NAME`), and the expected value."""

    pointer: str
    detail: str

    def __str__(self) -> str:
        return f"{self.pointer or 'request body'}: {self.detail}"


class RegistryError(Exception):
    """A request failed. All other exceptions of the client are subclasses.

    The code is `invalid_request` if the request cannot be encoded as HTTP.

    `code` is a stable word of the service, or one of these words of the client: `connection_failed` (nothing was sent),
    `certificate_rejected` and `unsupported_protocol` (nothing can be sent), `connection_lost` and `timeout` (no
    response), `invalid_response` (not a response of the service). `status` is None without a response. `retry_after` is
    in seconds.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        errors: tuple[FieldError, ...] = (),
        conflicts: tuple[dict[str, Any], ...] = (),
        correlation_id: str | None = None,
        retry_after: float | None = None,
        idempotency_key: str | None = None,
        request: str = "",
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.errors = errors
        self.conflicts = conflicts
        self.correlation_id = correlation_id
        self.retry_after = retry_after
        self.idempotency_key = idempotency_key
        self.request = request

    def __str__(self) -> str:
        status = "" if self.status is None else f"{self.status} "
        lines = [f"{self.request}: {status}{self.code}: {self.detail} (correlation id {self.correlation_id})"]
        # The detail of a single error contains it.
        if len(self.errors) > 1:
            lines += [f"  {error}" for error in self.errors]
        return "\n".join(lines)


class ConfigurationError(RegistryError):
    """No connection is possible: the certificate is not trusted, or the scheme of the URL is not HTTP or HTTPS."""


class RejectedKey(RegistryError):
    """401, 403: the API key is missing or invalid."""


class ValidationFailed(RegistryError):
    """400, 413, 415, 422: the request is invalid. `errors` has every fault."""


class NotFound(RegistryError):
    """404: no plan, profile or instrument has this id."""


class Conflict(RegistryError):
    """409, 412: the state of the service does not allow the request. `conflicts` has those of a profile."""


class Unavailable(RegistryError):
    """The service is at capacity, not ready or out of reach, or did not answer a read. Try again later."""


class UnknownOutcome(RegistryError):
    """A change got no answer, and may have been made. Repeat the request with `idempotency_key` to learn the result."""


#: What the generated code raises for a response that does not have the documented form.
MALFORMED = (AttributeError, KeyError, TypeError, ValueError, RecursionError)

READ_METHODS = ("GET", "HEAD")
# Requests that change nothing although their method is POST.
READ_PATHS = ("/search", "/instruments:batchResolve", "/describe")


def is_read(request: httpx.Request) -> bool:
    """Returns whether a request changes nothing."""
    is_marked = bool(request.extensions.get("is_read"))
    return is_marked or request.method in READ_METHODS or request.url.path.endswith(READ_PATHS)


def is_expected(request: httpx.Request, response: httpx.Response) -> bool:
    """Returns whether a response has the status of a success. No operation has another one."""
    is_unchanged = response.status_code == 304 and "If-None-Match" in request.headers
    return response.status_code == 200 or is_unchanged


def from_response(request: httpx.Request, response: httpx.Response) -> RegistryError:
    """Returns the exception for a response that is not expected, and whose body is read."""
    if not response.is_error:
        return invalid_response(response, ValueError(f"unexpected status {response.status_code}"))
    problem = problem_of(response)
    return class_of(request, response.status_code)(
        str(problem.get("code") or "invalid_response"),
        str(problem.get("detail") or response.reason_phrase or "no problem document"),
        status=response.status_code,
        errors=tuple(
            FieldError(str(of.get("pointer", "")), str(of.get("detail", ""))) for of in objects_of(problem, "errors")
        ),
        conflicts=objects_of(problem, "conflicts"),
        retry_after=headers.retry_after_of(response),
        **context_of(request, response.headers.get("X-Correlation-ID")),
    )


def from_failure(request: httpx.Request, cause: httpx.TransportError) -> RegistryError:
    """Returns the exception for a request without a response."""
    detail = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
    if isinstance(cause, httpx.UnsupportedProtocol):
        return ConfigurationError("unsupported_protocol", detail, **context_of(request))
    if is_certificate_rejected(cause):
        remedy = "give a context with its CA in `verify`, or set SSL_CERT_FILE"
        return ConfigurationError("certificate_rejected", f"{detail}; {remedy}", **context_of(request))
    if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Unavailable("connection_failed", detail, **context_of(request))
    if isinstance(cause, httpx.LocalProtocolError):
        # The text of the cause can contain the API key.
        return RegistryError("invalid_request", "the request cannot be encoded as HTTP", **context_of(request))
    code = "timeout" if isinstance(cause, httpx.TimeoutException) else "connection_lost"
    kind = Unavailable if is_read(request) else UnknownOutcome
    return kind(code, detail, **context_of(request))


def is_certificate_rejected(fault: BaseException | None) -> bool:
    """Returns whether an exception, or one that caused it, is about the certificate of the service."""
    while fault is not None and not isinstance(fault, ssl.SSLCertVerificationError):
        fault = fault.__cause__ or fault.__context__
    return fault is not None


def invalid_response(response: httpx.Response, cause: Exception) -> RegistryError:
    """Returns the exception for a response that does not have the documented form."""
    context = context_of(response.request, response.headers.get("X-Correlation-ID"))
    detail = f"{type(cause).__name__}: {cause}"
    return RegistryError("invalid_response", detail, status=response.status_code, **context)


def undecodable(request: httpx.Request, response: httpx.Response, cause: httpx.DecodingError) -> RegistryError:
    """Returns the exception for a response whose body does not have its `Content-Encoding`."""
    return from_response(request, response) if response.is_error else invalid_response(response, cause)


def class_of(request: httpx.Request, status: int) -> type[RegistryError]:
    match status:
        case 401 | 403:
            return RejectedKey
        case 400 | 413 | 415 | 422:
            return ValidationFailed
        case 404:
            return NotFound
        case 409 | 412:
            return Conflict
        case 429 | 503:
            return Unavailable
        # A proxy sends 502 if it gets no response.
        case 502 | 504:
            return Unavailable if is_read(request) else UnknownOutcome
        case _:
            return RegistryError


def context_of(request: httpx.Request, correlation_id: str | None = None) -> dict[str, Any]:
    return {
        "correlation_id": correlation_id or request.headers.get("X-Correlation-ID"),
        "idempotency_key": request.headers.get("Idempotency-Key"),
        "request": f"{request.method} {request.url.path}",
    }


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """Returns the problem document of a response, or an empty one if a proxy sent the response."""
    try:
        problem = response.json()
    # A body that cannot be decoded is not read.
    except (ValueError, RecursionError, httpx.ResponseNotRead):
        return {}
    return problem if isinstance(problem, dict) else {}


def objects_of(problem: dict[str, Any], name: str) -> tuple[dict[str, Any], ...]:
    """Returns the objects of an array. Others than the service can send a field of this name with another type."""
    values = problem.get(name)
    return tuple(value for value in values if isinstance(value, dict)) if isinstance(values, list) else ()
