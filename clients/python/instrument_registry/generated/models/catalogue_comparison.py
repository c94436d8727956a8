from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.catalogue_difference import CatalogueDifference

T = TypeVar("T", bound="CatalogueComparison")


@_attrs_define
class CatalogueComparison:
    """The catalog of a plan compared with the current one.

    Attributes:
        current (str): The version of the current catalog.
        differences (list[CatalogueDifference]): The differences of this instrument.
        has_changed (bool): Whether the contents of the two differ.
        planned (str): The version of the catalog that the plan was created from.
    """

    current: str
    differences: list[CatalogueDifference]
    has_changed: bool
    planned: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        current = self.current

        differences = []
        for differences_item_data in self.differences:
            differences_item = differences_item_data.value
            differences.append(differences_item)

        has_changed = self.has_changed

        planned = self.planned

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "current": current,
                "differences": differences,
                "has_changed": has_changed,
                "planned": planned,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        current = d.pop("current")

        differences = []
        _differences = d.pop("differences")
        for differences_item_data in _differences:
            differences_item = CatalogueDifference(differences_item_data)

            differences.append(differences_item)

        has_changed = d.pop("has_changed")

        planned = d.pop("planned")

        catalogue_comparison = cls(
            current=current,
            differences=differences,
            has_changed=has_changed,
            planned=planned,
        )

        catalogue_comparison.additional_properties = d
        return catalogue_comparison

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
