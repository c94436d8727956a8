from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.imported_profile import ImportedProfile


T = TypeVar("T", bound="ImportBody")


@_attrs_define
class ImportBody:
    """The profiles to import.

    Attributes:
        profiles (list[ImportedProfile]): The profiles to create.
    """

    profiles: list[ImportedProfile]

    def to_dict(self) -> dict[str, Any]:
        profiles = []
        for profiles_item_data in self.profiles:
            profiles_item = profiles_item_data.to_dict()
            profiles.append(profiles_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "profiles": profiles,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.imported_profile import ImportedProfile

        d = dict(src_dict)
        profiles = []
        _profiles = d.pop("profiles")
        for profiles_item_data in _profiles:
            profiles_item = ImportedProfile.from_dict(profiles_item_data)

            profiles.append(profiles_item)

        import_body = cls(
            profiles=profiles,
        )

        return import_body
