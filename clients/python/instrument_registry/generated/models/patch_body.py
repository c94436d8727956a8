from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.subscription_type import SubscriptionType
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.preferences_body import PreferencesBody
    from ..models.rules_body import RulesBody


T = TypeVar("T", bound="PatchBody")


@_attrs_define
class PatchBody:
    """The fields of a profile to change: at least one. Absent fields do not change.

    Attributes:
        expires_at (datetime.datetime | None | Unset): The time when the profile expires. It must be in the future. Null
            removes it.
        instruments (list[str] | None | Unset): The instruments, most important first. Duplicates are removed.
        max_instruments (int | None | Unset): The maximum number of instruments of the profile and its plans. It can
            only lower the general maximum. Null removes
            it.
        preferences (None | PreferencesBody | Unset):
        profile_name (None | str | Unset): The name of the profile.
        subscription_type (None | SubscriptionType | Unset):
        validation_rules (None | RulesBody | Unset):
    """

    expires_at: datetime.datetime | None | Unset = UNSET
    instruments: list[str] | None | Unset = UNSET
    max_instruments: int | None | Unset = UNSET
    preferences: None | PreferencesBody | Unset = UNSET
    profile_name: None | str | Unset = UNSET
    subscription_type: None | SubscriptionType | Unset = UNSET
    validation_rules: None | RulesBody | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.preferences_body import PreferencesBody
        from ..models.rules_body import RulesBody

        expires_at: None | str | Unset
        if isinstance(self.expires_at, Unset):
            expires_at = UNSET
        elif isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        instruments: list[str] | None | Unset
        if isinstance(self.instruments, Unset):
            instruments = UNSET
        elif isinstance(self.instruments, list):
            instruments = self.instruments

        else:
            instruments = self.instruments

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

        profile_name: None | str | Unset
        if isinstance(self.profile_name, Unset):
            profile_name = UNSET
        else:
            profile_name = self.profile_name

        subscription_type: None | str | Unset
        if isinstance(self.subscription_type, Unset):
            subscription_type = UNSET
        elif isinstance(self.subscription_type, SubscriptionType):
            subscription_type = self.subscription_type.value
        else:
            subscription_type = self.subscription_type

        validation_rules: dict[str, Any] | None | Unset
        if isinstance(self.validation_rules, Unset):
            validation_rules = UNSET
        elif isinstance(self.validation_rules, RulesBody):
            validation_rules = self.validation_rules.to_dict()
        else:
            validation_rules = self.validation_rules

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if expires_at is not UNSET:
            field_dict["expires_at"] = expires_at
        if instruments is not UNSET:
            field_dict["instruments"] = instruments
        if max_instruments is not UNSET:
            field_dict["max_instruments"] = max_instruments
        if preferences is not UNSET:
            field_dict["preferences"] = preferences
        if profile_name is not UNSET:
            field_dict["profile_name"] = profile_name
        if subscription_type is not UNSET:
            field_dict["subscription_type"] = subscription_type
        if validation_rules is not UNSET:
            field_dict["validation_rules"] = validation_rules

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.preferences_body import PreferencesBody
        from ..models.rules_body import RulesBody

        d = dict(src_dict)

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

        def _parse_instruments(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                instruments_type_0 = cast(list[str], data)

                return instruments_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | Unset, data)

        instruments = _parse_instruments(d.pop("instruments", UNSET))

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

        def _parse_profile_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        profile_name = _parse_profile_name(d.pop("profile_name", UNSET))

        def _parse_subscription_type(data: object) -> None | SubscriptionType | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                subscription_type_type_0 = SubscriptionType(data)

                return subscription_type_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SubscriptionType | Unset, data)

        subscription_type = _parse_subscription_type(d.pop("subscription_type", UNSET))

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

        patch_body = cls(
            expires_at=expires_at,
            instruments=instruments,
            max_instruments=max_instruments,
            preferences=preferences,
            profile_name=profile_name,
            subscription_type=subscription_type,
            validation_rules=validation_rules,
        )

        return patch_body
