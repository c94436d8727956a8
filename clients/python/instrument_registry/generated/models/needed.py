from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Needed")


@_attrs_define
class Needed:
    """The smallest addition of one kind of capacity that admits as much as this kind can.

    Attributes:
        add (int): The number to add to it.
        admits (int): The number of instruments that would be kept in addition; if none was left out, the number that
            would get a higher mode.
        limit (str): The limit to raise.
        text (str): The same as a sentence.
    """

    add: int
    admits: int
    limit: str
    text: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        add = self.add

        admits = self.admits

        limit = self.limit

        text = self.text

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "add": add,
                "admits": admits,
                "limit": limit,
                "text": text,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        add = d.pop("add")

        admits = d.pop("admits")

        limit = d.pop("limit")

        text = d.pop("text")

        needed = cls(
            add=add,
            admits=admits,
            limit=limit,
            text=text,
        )

        needed.additional_properties = d
        return needed

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
