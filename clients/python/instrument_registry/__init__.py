"""Client of the Instrument Registry: `Client`, `AsyncClient`, and the exceptions of `RegistryError`."""

from .async_client import AsyncClient
from .client import Client
from .errors import (
    ConfigurationError,
    Conflict,
    FieldError,
    NotFound,
    RegistryError,
    RejectedKey,
    Unavailable,
    UnknownOutcome,
    ValidationFailed,
)
from .transport import Retries, correlation_id

__all__ = [
    "AsyncClient",
    "Client",
    "ConfigurationError",
    "Conflict",
    "FieldError",
    "NotFound",
    "RegistryError",
    "RejectedKey",
    "Retries",
    "Unavailable",
    "UnknownOutcome",
    "ValidationFailed",
    "correlation_id",
]
