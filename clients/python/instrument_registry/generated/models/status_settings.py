from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.status_settings_origins import StatusSettingsOrigins


T = TypeVar("T", bound="StatusSettings")


@_attrs_define
class StatusSettings:
    """The settings.

    Attributes:
        age_seconds (int | None): The time since the config service last responded for every key, in seconds. `null`
            without a config service.
        origins (StatusSettingsOrigins): The number of settings by the origin of their value. Empty if the actor did not
            report in time.
        refused (list[str]): The rejected values, each with its reason.
    """

    age_seconds: int | None
    origins: StatusSettingsOrigins
    refused: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        age_seconds: int | None
        age_seconds = self.age_seconds

        origins = self.origins.to_dict()

        refused = self.refused

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "age_seconds": age_seconds,
                "origins": origins,
                "refused": refused,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.status_settings_origins import StatusSettingsOrigins

        d = dict(src_dict)

        def _parse_age_seconds(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        age_seconds = _parse_age_seconds(d.pop("age_seconds"))

        origins = StatusSettingsOrigins.from_dict(d.pop("origins"))

        refused = cast(list[str], d.pop("refused"))

        status_settings = cls(
            age_seconds=age_seconds,
            origins=origins,
            refused=refused,
        )

        status_settings.additional_properties = d
        return status_settings

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
