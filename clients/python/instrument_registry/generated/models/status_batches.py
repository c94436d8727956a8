from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatusBatches")


@_attrs_define
class StatusBatches:
    """The batches of new plans over the last 1 to 2 minutes.

    Attributes:
        duration_p50_ms (float | None): The median of the time to write a batch, in milliseconds. `null` without
            batches.
        duration_p99_ms (float | None): The 99th percentile of the time to write a batch, in milliseconds. `null`
            without batches.
        per_second (float): The number of batches per second.
        rows_p50 (float | None): The median of the number of rows. `null` without batches.
        rows_p99 (float | None): The 99th percentile of the number of rows. `null` without batches.
    """

    duration_p50_ms: float | None
    duration_p99_ms: float | None
    per_second: float
    rows_p50: float | None
    rows_p99: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        duration_p50_ms: float | None
        duration_p50_ms = self.duration_p50_ms

        duration_p99_ms: float | None
        duration_p99_ms = self.duration_p99_ms

        per_second = self.per_second

        rows_p50: float | None
        rows_p50 = self.rows_p50

        rows_p99: float | None
        rows_p99 = self.rows_p99

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "duration_p50_ms": duration_p50_ms,
                "duration_p99_ms": duration_p99_ms,
                "per_second": per_second,
                "rows_p50": rows_p50,
                "rows_p99": rows_p99,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_duration_p50_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        duration_p50_ms = _parse_duration_p50_ms(d.pop("duration_p50_ms"))

        def _parse_duration_p99_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        duration_p99_ms = _parse_duration_p99_ms(d.pop("duration_p99_ms"))

        per_second = d.pop("per_second")

        def _parse_rows_p50(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        rows_p50 = _parse_rows_p50(d.pop("rows_p50"))

        def _parse_rows_p99(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        rows_p99 = _parse_rows_p99(d.pop("rows_p99"))

        status_batches = cls(
            duration_p50_ms=duration_p50_ms,
            duration_p99_ms=duration_p99_ms,
            per_second=per_second,
            rows_p50=rows_p50,
            rows_p99=rows_p99,
        )

        status_batches.additional_properties = d
        return status_batches

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
