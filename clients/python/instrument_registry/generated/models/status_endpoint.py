from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatusEndpoint")


@_attrs_define
class StatusEndpoint:
    """The responses of an endpoint in the last 10 to 15 minutes.

    Attributes:
        client_errors (int): The number of responses with a status from 400 to 499.
        endpoint (str): The template of the path.
        method (str): The method.
        p50_ms (float | None): The median of the time to the response, in milliseconds.
        p95_ms (float | None): The 95th percentile of the time to the response, in milliseconds.
        p99_ms (float | None): The 99th percentile of the time to the response, in milliseconds.
        requests (int): The number of responses.
        server_errors (int): The number of responses with a status of 500 or more.
    """

    client_errors: int
    endpoint: str
    method: str
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    requests: int
    server_errors: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        client_errors = self.client_errors

        endpoint = self.endpoint

        method = self.method

        p50_ms: float | None
        p50_ms = self.p50_ms

        p95_ms: float | None
        p95_ms = self.p95_ms

        p99_ms: float | None
        p99_ms = self.p99_ms

        requests = self.requests

        server_errors = self.server_errors

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "client_errors": client_errors,
                "endpoint": endpoint,
                "method": method,
                "p50_ms": p50_ms,
                "p95_ms": p95_ms,
                "p99_ms": p99_ms,
                "requests": requests,
                "server_errors": server_errors,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        client_errors = d.pop("client_errors")

        endpoint = d.pop("endpoint")

        method = d.pop("method")

        def _parse_p50_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        p50_ms = _parse_p50_ms(d.pop("p50_ms"))

        def _parse_p95_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        p95_ms = _parse_p95_ms(d.pop("p95_ms"))

        def _parse_p99_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        p99_ms = _parse_p99_ms(d.pop("p99_ms"))

        requests = d.pop("requests")

        server_errors = d.pop("server_errors")

        status_endpoint = cls(
            client_errors=client_errors,
            endpoint=endpoint,
            method=method,
            p50_ms=p50_ms,
            p95_ms=p95_ms,
            p99_ms=p99_ms,
            requests=requests,
            server_errors=server_errors,
        )

        status_endpoint.additional_properties = d
        return status_endpoint

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
