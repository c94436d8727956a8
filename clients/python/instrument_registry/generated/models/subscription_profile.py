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


T = TypeVar("T", bound="SubscriptionProfile")


@_attrs_define
class SubscriptionProfile:
    """A profile.

    Attributes:
        created_at (datetime.datetime): The time when the profile was created.
        expires_at (datetime.datetime | None): The time when the profile expires. Null if it does not expire.
        instrument_count (int): The number of instruments.
        instruments (list[str]): The instruments as the caller sent them, most important first.
        is_active (bool): Whether the profile is active. Plans can be created from an active profile until it expires.
        is_expired (bool): Whether `expires_at` has passed.
        max_instruments (int | None): The maximum number of instruments of the profile and its plans. Null if the
            profile does not set one. It can
            only lower the general maximum.
        preferences (PreferencesBody): The options of plans that are created from a profile, and data of the caller: at
            most 64 KiB. The service rejects names
            that contain `password`, `secret`, `token` or `key`.
        profile_id (str): The id of a profile.
        profile_name (str): The name of the profile.
        subscription_type (SubscriptionType): The use of the instruments.
        updated_at (datetime.datetime): The time of the last change.
        user_id (str): The user that the profile belongs to.
        validation_rules (RulesBody): The rules that an instrument must meet to be included in plans.
        version (int): The version: 1 for a new profile, increased by each change.
    """

    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    instrument_count: int
    instruments: list[str]
    is_active: bool
    is_expired: bool
    max_instruments: int | None
    preferences: PreferencesBody
    profile_id: str
    profile_name: str
    subscription_type: SubscriptionType
    updated_at: datetime.datetime
    user_id: str
    validation_rules: RulesBody
    version: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        created_at = self.created_at.isoformat()

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        instrument_count = self.instrument_count

        instruments = self.instruments

        is_active = self.is_active

        is_expired = self.is_expired

        max_instruments: int | None
        max_instruments = self.max_instruments

        preferences = self.preferences.to_dict()

        profile_id = self.profile_id

        profile_name = self.profile_name

        subscription_type = self.subscription_type.value

        updated_at = self.updated_at.isoformat()

        user_id = self.user_id

        validation_rules = self.validation_rules.to_dict()

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "created_at": created_at,
                "expires_at": expires_at,
                "instrument_count": instrument_count,
                "instruments": instruments,
                "is_active": is_active,
                "is_expired": is_expired,
                "max_instruments": max_instruments,
                "preferences": preferences,
                "profile_id": profile_id,
                "profile_name": profile_name,
                "subscription_type": subscription_type,
                "updated_at": updated_at,
                "user_id": user_id,
                "validation_rules": validation_rules,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.preferences_body import PreferencesBody
        from ..models.rules_body import RulesBody

        d = dict(src_dict)
        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

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

        instrument_count = d.pop("instrument_count")

        instruments = cast(list[str], d.pop("instruments"))

        is_active = d.pop("is_active")

        is_expired = d.pop("is_expired")

        def _parse_max_instruments(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        max_instruments = _parse_max_instruments(d.pop("max_instruments"))

        preferences = PreferencesBody.from_dict(d.pop("preferences"))

        profile_id = d.pop("profile_id")

        profile_name = d.pop("profile_name")

        subscription_type = SubscriptionType(d.pop("subscription_type"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        user_id = d.pop("user_id")

        validation_rules = RulesBody.from_dict(d.pop("validation_rules"))

        version = d.pop("version")

        subscription_profile = cls(
            created_at=created_at,
            expires_at=expires_at,
            instrument_count=instrument_count,
            instruments=instruments,
            is_active=is_active,
            is_expired=is_expired,
            max_instruments=max_instruments,
            preferences=preferences,
            profile_id=profile_id,
            profile_name=profile_name,
            subscription_type=subscription_type,
            updated_at=updated_at,
            user_id=user_id,
            validation_rules=validation_rules,
            version=version,
        )

        subscription_profile.additional_properties = d
        return subscription_profile

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
