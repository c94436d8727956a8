from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="CleanupAnswer")


@_attrs_define
class CleanupAnswer:
    """The result of a cleanup.

    Attributes:
        cleared_cache_entries (int): The number of expired entries that were removed from the cache.
        correlation_id (str): The correlation id of the request.
        deleted_plans (int): The number of plans that were deleted.
        duration_ms (int): The time that the operation took, in milliseconds.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
    """

    cleared_cache_entries: int
    correlation_id: str
    deleted_plans: int
    duration_ms: int
    response_time_ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        cleared_cache_entries = self.cleared_cache_entries

        correlation_id = self.correlation_id

        deleted_plans = self.deleted_plans

        duration_ms = self.duration_ms

        response_time_ms = self.response_time_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "cleared_cache_entries": cleared_cache_entries,
                "correlation_id": correlation_id,
                "deleted_plans": deleted_plans,
                "duration_ms": duration_ms,
                "response_time_ms": response_time_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        cleared_cache_entries = d.pop("cleared_cache_entries")

        correlation_id = d.pop("correlation_id")

        deleted_plans = d.pop("deleted_plans")

        duration_ms = d.pop("duration_ms")

        response_time_ms = d.pop("response_time_ms")

        cleanup_answer = cls(
            cleared_cache_entries=cleared_cache_entries,
            correlation_id=correlation_id,
            deleted_plans=deleted_plans,
            duration_ms=duration_ms,
            response_time_ms=response_time_ms,
        )

        cleanup_answer.additional_properties = d
        return cleanup_answer

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
