from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="CountsEntry")


@_attrs_define
class CountsEntry:
    """A number of instruments.

    Attributes:
        active (int): The number of instruments in the last accepted file of a broker.
        inactive (int): The number of instruments that are not in the last accepted file of any broker.
        total (int): The number of instruments, active and inactive.
    """

    active: int
    inactive: int
    total: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        active = self.active

        inactive = self.inactive

        total = self.total

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "active": active,
                "inactive": inactive,
                "total": total,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        active = d.pop("active")

        inactive = d.pop("inactive")

        total = d.pop("total")

        counts_entry = cls(
            active=active,
            inactive=inactive,
            total=total,
        )

        counts_entry.additional_properties = d
        return counts_entry

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
