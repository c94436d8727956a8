from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatusMinute")


@_attrs_define
class StatusMinute:
    """The requests of the last minute.

    Attributes:
        p50_ms (float | None): The median of the time to the response, in milliseconds.
        p95_ms (float | None): The 95th percentile of the time to the response, in milliseconds.
        p99_ms (float | None): The 99th percentile of the time to the response, in milliseconds.
        requests_per_second (float): The number of responses per second.
        server_error_ratio (float): The share of responses with a status of 500 or more, 0 to 1.
        shed_per_second (float): The number of requests per second that were rejected because the service was at
            capacity.
    """

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    requests_per_second: float
    server_error_ratio: float
    shed_per_second: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        p50_ms: float | None
        p50_ms = self.p50_ms

        p95_ms: float | None
        p95_ms = self.p95_ms

        p99_ms: float | None
        p99_ms = self.p99_ms

        requests_per_second = self.requests_per_second

        server_error_ratio = self.server_error_ratio

        shed_per_second = self.shed_per_second

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "p50_ms": p50_ms,
                "p95_ms": p95_ms,
                "p99_ms": p99_ms,
                "requests_per_second": requests_per_second,
                "server_error_ratio": server_error_ratio,
                "shed_per_second": shed_per_second,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

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

        requests_per_second = d.pop("requests_per_second")

        server_error_ratio = d.pop("server_error_ratio")

        shed_per_second = d.pop("shed_per_second")

        status_minute = cls(
            p50_ms=p50_ms,
            p95_ms=p95_ms,
            p99_ms=p99_ms,
            requests_per_second=requests_per_second,
            server_error_ratio=server_error_ratio,
            shed_per_second=shed_per_second,
        )

        status_minute.additional_properties = d
        return status_minute

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
