from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.subscription_type import SubscriptionType

if TYPE_CHECKING:
    from ..models.preferences_body import PreferencesBody
    from ..models.rules_body import RulesBody


T = TypeVar("T", bound="ExportedProfile")


@_attrs_define
class ExportedProfile:
    """An exported profile.

    Attributes:
        expires_at (datetime.datetime | None): The time when the profile expires. Null if it does not expire.
        instruments (list[str]): The instruments as the caller sent them, most important first.
        max_instruments (int | None): The maximum number of instruments of the profile and its plans. Null if the
            profile does not set one. It can
            only lower the general maximum.
        preferences (PreferencesBody): The options of plans that are created from a profile, and data of the caller: at
            most 64 KiB. The service rejects names
            that contain `password`, `secret`, `token` or `key`.
        profile_name (str): The name of the profile.
        subscription_type (SubscriptionType): The use of the instruments.
        validation_rules (RulesBody): The rules that an instrument must meet to be included in plans.
    """

    expires_at: datetime.datetime | None
    instruments: list[str]
    max_instruments: int | None
    preferences: PreferencesBody
    profile_name: str
    subscription_type: SubscriptionType
    validation_rules: RulesBody
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        instruments = self.instruments

        max_instruments: int | None
        max_instruments = self.max_instruments

        preferences = self.preferences.to_dict()

        profile_name = self.profile_name

        subscription_type = self.subscription_type.value

        validation_rules = self.validation_rules.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "expires_at": expires_at,
                "instruments": instruments,
                "max_instruments": max_instruments,
                "preferences": preferences,
                "profile_name": profile_name,
                "subscription_type": subscription_type,
                "validation_rules": validation_rules,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.preferences_body import PreferencesBody
        from ..models.rules_body import RulesBody

        d = dict(src_dict)

        def _parse_expires_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        expires_at = _parse_expires_at(d.pop("expires_at"))

        instruments = cast(list[str], d.pop("instruments"))

        def _parse_max_instruments(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        max_instruments = _parse_max_instruments(d.pop("max_instruments"))

        preferences = PreferencesBody.from_dict(d.pop("preferences"))

        profile_name = d.pop("profile_name")

        subscription_type = SubscriptionType(d.pop("subscription_type"))

        validation_rules = RulesBody.from_dict(d.pop("validation_rules"))

        exported_profile = cls(
            expires_at=expires_at,
            instruments=instruments,
            max_instruments=max_instruments,
            preferences=preferences,
            profile_name=profile_name,
            subscription_type=subscription_type,
            validation_rules=validation_rules,
        )

        exported_profile.additional_properties = d
        return exported_profile

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
