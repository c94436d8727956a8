from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.pagination import Pagination
    from ..models.profile_conflict import ProfileConflict


T = TypeVar("T", bound="ConflictListAnswer")


@_attrs_define
class ConflictListAnswer:
    """A page of conflicts.

    Attributes:
        conflicts (list[ProfileConflict]): The entries, newest first.
        correlation_id (str): The correlation id of the request.
        pagination (Pagination): The position of a page in its list.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        next_cursor (str | Unset): The `cursor` of the next page. Absent on the last page.
    """

    conflicts: list[ProfileConflict]
    correlation_id: str
    pagination: Pagination
    response_time_ms: int
    next_cursor: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        conflicts = []
        for conflicts_item_data in self.conflicts:
            conflicts_item = conflicts_item_data.to_dict()
            conflicts.append(conflicts_item)

        correlation_id = self.correlation_id

        pagination = self.pagination.to_dict()

        response_time_ms = self.response_time_ms

        next_cursor = self.next_cursor

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "conflicts": conflicts,
                "correlation_id": correlation_id,
                "pagination": pagination,
                "response_time_ms": response_time_ms,
            }
        )
        if next_cursor is not UNSET:
            field_dict["next_cursor"] = next_cursor

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.pagination import Pagination
        from ..models.profile_conflict import ProfileConflict

        d = dict(src_dict)
        conflicts = []
        _conflicts = d.pop("conflicts")
        for conflicts_item_data in _conflicts:
            conflicts_item = ProfileConflict.from_dict(conflicts_item_data)

            conflicts.append(conflicts_item)

        correlation_id = d.pop("correlation_id")

        pagination = Pagination.from_dict(d.pop("pagination"))

        response_time_ms = d.pop("response_time_ms")

        next_cursor = d.pop("next_cursor", UNSET)

        conflict_list_answer = cls(
            conflicts=conflicts,
            correlation_id=correlation_id,
            pagination=pagination,
            response_time_ms=response_time_ms,
            next_cursor=next_cursor,
        )

        conflict_list_answer.additional_properties = d
        return conflict_list_answer

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
