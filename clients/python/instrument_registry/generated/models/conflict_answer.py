from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.profile_conflict import ProfileConflict


T = TypeVar("T", bound="ConflictAnswer")


@_attrs_define
class ConflictAnswer:
    """A conflict.

    Attributes:
        conflict (ProfileConflict): A conflict of a profile with a limit, the catalog or another profile.
        correlation_id (str): The correlation id of the request.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
    """

    conflict: ProfileConflict
    correlation_id: str
    response_time_ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        conflict = self.conflict.to_dict()

        correlation_id = self.correlation_id

        response_time_ms = self.response_time_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "conflict": conflict,
                "correlation_id": correlation_id,
                "response_time_ms": response_time_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.profile_conflict import ProfileConflict

        d = dict(src_dict)
        conflict = ProfileConflict.from_dict(d.pop("conflict"))

        correlation_id = d.pop("correlation_id")

        response_time_ms = d.pop("response_time_ms")

        conflict_answer = cls(
            conflict=conflict,
            correlation_id=correlation_id,
            response_time_ms=response_time_ms,
        )

        conflict_answer.additional_properties = d
        return conflict_answer

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
