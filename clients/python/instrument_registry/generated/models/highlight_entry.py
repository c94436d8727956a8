from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.field import Field

T = TypeVar("T", bound="HighlightEntry")


@_attrs_define
class HighlightEntry:
    """A part of a field that matches the query.

    Attributes:
        end (int): The position after the last character.
        field (Field): A searched field.
        start (int): The position of the first character, from 0.
    """

    end: int
    field: Field
    start: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        end = self.end

        field = self.field.value

        start = self.start

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "end": end,
                "field": field,
                "start": start,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        end = d.pop("end")

        field = Field(d.pop("field"))

        start = d.pop("start")

        highlight_entry = cls(
            end=end,
            field=field,
            start=start,
        )

        highlight_entry.additional_properties = d
        return highlight_entry

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
