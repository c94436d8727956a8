"""The values of headers."""

from __future__ import annotations

import math
import time
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx


def check(name: str, value: object) -> None:
    """Raises `ValueError` if a header cannot have this value. The message does not contain the value."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ValueError(f"expected printable ASCII characters in {name}")


def retry_after_of(response: httpx.Response) -> float | None:
    """Returns the seconds of `Retry-After`, which can also be a date. The clock is that of the service."""
    given = response.headers.get("Retry-After", "")
    try:
        seconds = float(given)
    except ValueError:
        until, now = time_of(given), time_of(response.headers.get("Date", ""))
        if until is None:
            return None
        seconds = until - (time.time() if now is None else now)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def time_of(date: str) -> float | None:
    """Returns the time of an HTTP date, or None if it is invalid."""
    try:
        return parsedate_to_datetime(date).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None
