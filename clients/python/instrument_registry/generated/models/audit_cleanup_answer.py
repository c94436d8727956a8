from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="AuditCleanupAnswer")


@_attrs_define
class AuditCleanupAnswer:
    """The result of a cleanup of the audit log.

    Attributes:
        correlation_id (str): The correlation id of the request.
        cutoff_date (datetime.datetime): The cutoff: entries that are older were deleted.
        deleted_count (int): The number of deleted entries.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        retention_days (int): The retention period in effect, in days.
    """

    correlation_id: str
    cutoff_date: datetime.datetime
    deleted_count: int
    response_time_ms: int
    retention_days: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        cutoff_date = self.cutoff_date.isoformat()

        deleted_count = self.deleted_count

        response_time_ms = self.response_time_ms

        retention_days = self.retention_days

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "cutoff_date": cutoff_date,
                "deleted_count": deleted_count,
                "response_time_ms": response_time_ms,
                "retention_days": retention_days,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        cutoff_date = datetime.datetime.fromisoformat(d.pop("cutoff_date"))

        deleted_count = d.pop("deleted_count")

        response_time_ms = d.pop("response_time_ms")

        retention_days = d.pop("retention_days")

        audit_cleanup_answer = cls(
            correlation_id=correlation_id,
            cutoff_date=cutoff_date,
            deleted_count=deleted_count,
            response_time_ms=response_time_ms,
            retention_days=retention_days,
        )

        audit_cleanup_answer.additional_properties = d
        return audit_cleanup_answer

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
