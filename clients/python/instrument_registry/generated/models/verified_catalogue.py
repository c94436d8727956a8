from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="VerifiedCatalogue")


@_attrs_define
class VerifiedCatalogue:
    """The catalog of a plan and the current one.

    Attributes:
        current (str): The version of the current catalog.
        has_changed (bool): Whether the contents of the two differ.
        planned (str): The version of the catalog that the plan was created from.
    """

    current: str
    has_changed: bool
    planned: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        current = self.current

        has_changed = self.has_changed

        planned = self.planned

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "current": current,
                "has_changed": has_changed,
                "planned": planned,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        current = d.pop("current")

        has_changed = d.pop("has_changed")

        planned = d.pop("planned")

        verified_catalogue = cls(
            current=current,
            has_changed=has_changed,
            planned=planned,
        )

        verified_catalogue.additional_properties = d
        return verified_catalogue

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
