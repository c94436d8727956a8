from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatusPoint")


@_attrs_define
class StatusPoint:
    """A step of the history.

    Attributes:
        at (datetime.datetime): The end of the step.
        client_errors (int): The number of responses with a status from 400 to 499.
        p50_ms (float | None): The median of the time to the response, in milliseconds.
        p95_ms (float | None): The 95th percentile of the time to the response, in milliseconds.
        p99_ms (float | None): The 99th percentile of the time to the response, in milliseconds.
        plans_cached (int): The number of plans that were found in the cache of the process.
        plans_created (int): The number of plans that were created and stored.
        requests (int): The number of responses.
        server_errors (int): The number of responses with a status of 500 or more.
        shed (int): The number of requests that were rejected because the service was at capacity.
    """

    at: datetime.datetime
    client_errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    plans_cached: int
    plans_created: int
    requests: int
    server_errors: int
    shed: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        at = self.at.isoformat()

        client_errors = self.client_errors

        p50_ms: float | None
        p50_ms = self.p50_ms

        p95_ms: float | None
        p95_ms = self.p95_ms

        p99_ms: float | None
        p99_ms = self.p99_ms

        plans_cached = self.plans_cached

        plans_created = self.plans_created

        requests = self.requests

        server_errors = self.server_errors

        shed = self.shed

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "at": at,
                "client_errors": client_errors,
                "p50_ms": p50_ms,
                "p95_ms": p95_ms,
                "p99_ms": p99_ms,
                "plans_cached": plans_cached,
                "plans_created": plans_created,
                "requests": requests,
                "server_errors": server_errors,
                "shed": shed,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        at = datetime.datetime.fromisoformat(d.pop("at"))

        client_errors = d.pop("client_errors")

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

        plans_cached = d.pop("plans_cached")

        plans_created = d.pop("plans_created")

        requests = d.pop("requests")

        server_errors = d.pop("server_errors")

        shed = d.pop("shed")

        status_point = cls(
            at=at,
            client_errors=client_errors,
            p50_ms=p50_ms,
            p95_ms=p95_ms,
            p99_ms=p99_ms,
            plans_cached=plans_cached,
            plans_created=plans_created,
            requests=requests,
            server_errors=server_errors,
            shed=shed,
        )

        status_point.additional_properties = d
        return status_point

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
