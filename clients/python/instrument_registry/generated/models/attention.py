from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.subscription_type import SubscriptionType

if TYPE_CHECKING:
    from ..models.rejection import Rejection


T = TypeVar("T", bound="Attention")


@_attrs_define
class Attention:
    """A profile with instruments that are malformed, unknown, inactive or expired.

    Attributes:
        created_at (datetime.datetime): The time when the profile was created.
        expires_at (datetime.datetime | None): The time when the profile expires. Null if it does not expire.
        instrument_count (int): The number of instruments.
        is_active (bool): Whether the profile is active. Plans can be created from an active profile until it expires.
        is_expired (bool): Whether `expires_at` has passed.
        max_instruments (int | None): The maximum number of instruments of the profile and its plans. Null if the
            profile does not set one. It can
            only lower the general maximum.
        profile_id (str): The id of a profile.
        profile_name (str): The name of the profile.
        subscription_type (SubscriptionType): The use of the instruments.
        updated_at (datetime.datetime): The time of the last change.
        user_id (str): The user that the profile belongs to.
        version (int): The version: 1 for a new profile, increased by each change.
        instruments (list[Rejection]): The first twenty of these instruments, with suggestions.
        wrong_count (int): The number of instruments that are malformed, unknown, inactive or expired.
    """

    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    instrument_count: int
    is_active: bool
    is_expired: bool
    max_instruments: int | None
    profile_id: str
    profile_name: str
    subscription_type: SubscriptionType
    updated_at: datetime.datetime
    user_id: str
    version: int
    instruments: list[Rejection]
    wrong_count: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        created_at = self.created_at.isoformat()

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        instrument_count = self.instrument_count

        is_active = self.is_active

        is_expired = self.is_expired

        max_instruments: int | None
        max_instruments = self.max_instruments

        profile_id = self.profile_id

        profile_name = self.profile_name

        subscription_type = self.subscription_type.value

        updated_at = self.updated_at.isoformat()

        user_id = self.user_id

        version = self.version

        instruments = []
        for instruments_item_data in self.instruments:
            instruments_item = instruments_item_data.to_dict()
            instruments.append(instruments_item)

        wrong_count = self.wrong_count

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "created_at": created_at,
                "expires_at": expires_at,
                "instrument_count": instrument_count,
                "is_active": is_active,
                "is_expired": is_expired,
                "max_instruments": max_instruments,
                "profile_id": profile_id,
                "profile_name": profile_name,
                "subscription_type": subscription_type,
                "updated_at": updated_at,
                "user_id": user_id,
                "version": version,
                "instruments": instruments,
                "wrong_count": wrong_count,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.rejection import Rejection

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

        is_active = d.pop("is_active")

        is_expired = d.pop("is_expired")

        def _parse_max_instruments(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        max_instruments = _parse_max_instruments(d.pop("max_instruments"))

        profile_id = d.pop("profile_id")

        profile_name = d.pop("profile_name")

        subscription_type = SubscriptionType(d.pop("subscription_type"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        user_id = d.pop("user_id")

        version = d.pop("version")

        instruments = []
        _instruments = d.pop("instruments")
        for instruments_item_data in _instruments:
            instruments_item = Rejection.from_dict(instruments_item_data)

            instruments.append(instruments_item)

        wrong_count = d.pop("wrong_count")

        attention = cls(
            created_at=created_at,
            expires_at=expires_at,
            instrument_count=instrument_count,
            is_active=is_active,
            is_expired=is_expired,
            max_instruments=max_instruments,
            profile_id=profile_id,
            profile_name=profile_name,
            subscription_type=subscription_type,
            updated_at=updated_at,
            user_id=user_id,
            version=version,
            instruments=instruments,
            wrong_count=wrong_count,
        )

        attention.additional_properties = d
        return attention

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
