from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker

T = TypeVar("T", bound="TokenMapping")


@_attrs_define
class TokenMapping:
    """The token that identifies an instrument in the feed of a broker.

    Attributes:
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are
            not read.
        broker_token (str): The token that identifies the instrument in the feed of the broker.
        instrument_key (str): The key of the instrument: `EXCHANGE:SYMBOL`.
        is_active (bool): Whether the instrument is in the last accepted file of a broker.
        last_updated (datetime.datetime | None): The time of the last load whose file contained the instrument, if
            known.
    """

    broker_id: Broker
    broker_token: str
    instrument_key: str
    is_active: bool
    last_updated: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        broker_id = self.broker_id.value

        broker_token = self.broker_token

        instrument_key = self.instrument_key

        is_active = self.is_active

        last_updated: None | str
        if isinstance(self.last_updated, datetime.datetime):
            last_updated = self.last_updated.isoformat()
        else:
            last_updated = self.last_updated

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "broker_id": broker_id,
                "broker_token": broker_token,
                "instrument_key": instrument_key,
                "is_active": is_active,
                "last_updated": last_updated,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        broker_id = Broker(d.pop("broker_id"))

        broker_token = d.pop("broker_token")

        instrument_key = d.pop("instrument_key")

        is_active = d.pop("is_active")

        def _parse_last_updated(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_updated_type_0 = datetime.datetime.fromisoformat(data)

                return last_updated_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_updated = _parse_last_updated(d.pop("last_updated"))

        token_mapping = cls(
            broker_id=broker_id,
            broker_token=broker_token,
            instrument_key=instrument_key,
            is_active=is_active,
            last_updated=last_updated,
        )

        token_mapping.additional_properties = d
        return token_mapping

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
