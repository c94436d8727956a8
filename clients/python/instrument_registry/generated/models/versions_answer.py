from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.version_entry import VersionEntry


T = TypeVar("T", bound="VersionsAnswer")


@_attrs_define
class VersionsAnswer:
    """A page of accepted loads.

    Attributes:
        correlation_id (str): The correlation id of the request.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        versions (list[VersionEntry]): The entries, newest first.
        next_before (int | Unset): The `before` of the next page. Absent on the last page.
    """

    correlation_id: str
    response_time_ms: int
    versions: list[VersionEntry]
    next_before: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        response_time_ms = self.response_time_ms

        versions = []
        for versions_item_data in self.versions:
            versions_item = versions_item_data.to_dict()
            versions.append(versions_item)

        next_before = self.next_before

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "response_time_ms": response_time_ms,
                "versions": versions,
            }
        )
        if next_before is not UNSET:
            field_dict["next_before"] = next_before

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.version_entry import VersionEntry

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        response_time_ms = d.pop("response_time_ms")

        versions = []
        _versions = d.pop("versions")
        for versions_item_data in _versions:
            versions_item = VersionEntry.from_dict(versions_item_data)

            versions.append(versions_item)

        next_before = d.pop("next_before", UNSET)

        versions_answer = cls(
            correlation_id=correlation_id,
            response_time_ms=response_time_ms,
            versions=versions,
            next_before=next_before,
        )

        versions_answer.additional_properties = d
        return versions_answer

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
