from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.subscription_type import SubscriptionType
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.preferences_body import PreferencesBody
    from ..models.rules_body import RulesBody


T = TypeVar("T", bound="ImportedProfile")


@_attrs_define
class ImportedProfile:
    """A profile to create.

    Attributes:
        instruments (list[str]): The instruments, most important first. Duplicates are removed.
        profile_name (str): The name of the profile.
        subscription_type (SubscriptionType): The use of the instruments.
        expires_at (datetime.datetime | None | Unset): The time when the profile expires. It must be in the future.
        max_instruments (int | None | Unset): The maximum number of instruments of the profile and its plans. It can
            only lower the general maximum.
        preferences (None | PreferencesBody | Unset):
        validation_rules (None | RulesBody | Unset):
    """

    instruments: list[str]
    profile_name: str
    subscription_type: SubscriptionType
    expires_at: datetime.datetime | None | Unset = UNSET
    max_instruments: int | None | Unset = UNSET
    preferences: None | PreferencesBody | Unset = UNSET
    validation_rules: None | RulesBody | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.preferences_body import PreferencesBody
        from ..models.rules_body import RulesBody

        instruments = self.instruments

        profile_name = self.profile_name

        subscription_type = self.subscription_type.value

        expires_at: None | str | Unset
        if isinstance(self.expires_at, Unset):
            expires_at = UNSET
        elif isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        max_instruments: int | None | Unset
        if isinstance(self.max_instruments, Unset):
            max_instruments = UNSET
        else:
            max_instruments = self.max_instruments

        preferences: dict[str, Any] | None | Unset
        if isinstance(self.preferences, Unset):
            preferences = UNSET
        elif isinstance(self.preferences, PreferencesBody):
            preferences = self.preferences.to_dict()
        else:
            preferences = self.preferences

        validation_rules: dict[str, Any] | None | Unset
        if isinstance(self.validation_rules, Unset):
            validation_rules = UNSET
        elif isinstance(self.validation_rules, RulesBody):
            validation_rules = self.validation_rules.to_dict()
        else:
            validation_rules = self.validation_rules

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "instruments": instruments,
                "profile_name": profile_name,
                "subscription_type": subscription_type,
            }
        )
        if expires_at is not UNSET:
            field_dict["expires_at"] = expires_at
        if max_instruments is not UNSET:
            field_dict["max_instruments"] = max_instruments
        if preferences is not UNSET:
            field_dict["preferences"] = preferences
        if validation_rules is not UNSET:
            field_dict["validation_rules"] = validation_rules

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.preferences_body import PreferencesBody
        from ..models.rules_body import RulesBody

        d = dict(src_dict)
        instruments = cast(list[str], d.pop("instruments"))

        profile_name = d.pop("profile_name")

        subscription_type = SubscriptionType(d.pop("subscription_type"))

        def _parse_expires_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        expires_at = _parse_expires_at(d.pop("expires_at", UNSET))

        def _parse_max_instruments(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        max_instruments = _parse_max_instruments(d.pop("max_instruments", UNSET))

        def _parse_preferences(data: object) -> None | PreferencesBody | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                preferences_type_0 = PreferencesBody.from_dict(data)

                return preferences_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PreferencesBody | Unset, data)

        preferences = _parse_preferences(d.pop("preferences", UNSET))

        def _parse_validation_rules(data: object) -> None | RulesBody | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                validation_rules_type_0 = RulesBody.from_dict(data)

                return validation_rules_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RulesBody | Unset, data)

        validation_rules = _parse_validation_rules(d.pop("validation_rules", UNSET))

        imported_profile = cls(
            instruments=instruments,
            profile_name=profile_name,
            subscription_type=subscription_type,
            expires_at=expires_at,
            max_instruments=max_instruments,
            preferences=preferences,
            validation_rules=validation_rules,
        )

        imported_profile.additional_properties = d
        return imported_profile

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
