from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.audit_log_entry import AuditLogEntry
    from ..models.pagination import Pagination


T = TypeVar("T", bound="AuditAnswer")


@_attrs_define
class AuditAnswer:
    """A page of the audit log.

    Attributes:
        correlation_id (str): The correlation id of the request.
        entries (list[AuditLogEntry]): The entries, newest first.
        pagination (Pagination): The position of a page in its list.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        next_cursor (str | Unset): The `cursor` of the next page. Absent on the last page.
    """

    correlation_id: str
    entries: list[AuditLogEntry]
    pagination: Pagination
    response_time_ms: int
    next_cursor: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        entries = []
        for entries_item_data in self.entries:
            entries_item = entries_item_data.to_dict()
            entries.append(entries_item)

        pagination = self.pagination.to_dict()

        response_time_ms = self.response_time_ms

        next_cursor = self.next_cursor

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "entries": entries,
                "pagination": pagination,
                "response_time_ms": response_time_ms,
            }
        )
        if next_cursor is not UNSET:
            field_dict["next_cursor"] = next_cursor

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.audit_log_entry import AuditLogEntry
        from ..models.pagination import Pagination

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        entries = []
        _entries = d.pop("entries")
        for entries_item_data in _entries:
            entries_item = AuditLogEntry.from_dict(entries_item_data)

            entries.append(entries_item)

        pagination = Pagination.from_dict(d.pop("pagination"))

        response_time_ms = d.pop("response_time_ms")

        next_cursor = d.pop("next_cursor", UNSET)

        audit_answer = cls(
            correlation_id=correlation_id,
            entries=entries,
            pagination=pagination,
            response_time_ms=response_time_ms,
            next_cursor=next_cursor,
        )

        audit_answer.additional_properties = d
        return audit_answer

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
