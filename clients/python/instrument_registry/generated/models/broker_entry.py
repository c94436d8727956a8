from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker

if TYPE_CHECKING:
    from ..models.broker_support import BrokerSupport


T = TypeVar("T", bound="BrokerEntry")


@_attrs_define
class BrokerEntry:
    """A broker.

    Attributes:
        active_tokens (int): The number of tokens of active instruments.
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are
            not read.
        file_date (datetime.date | None): The trading date of the broker's last accepted file, if known.
        is_loaded (bool): Whether the service ever accepted a file of the broker.
        supports (BrokerSupport): The uses of a broker that the service supports.
    """

    active_tokens: int
    broker_id: Broker
    file_date: datetime.date | None
    is_loaded: bool
    supports: BrokerSupport
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        active_tokens = self.active_tokens

        broker_id = self.broker_id.value

        file_date: None | str
        if isinstance(self.file_date, datetime.date):
            file_date = self.file_date.isoformat()
        else:
            file_date = self.file_date

        is_loaded = self.is_loaded

        supports = self.supports.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "active_tokens": active_tokens,
                "broker_id": broker_id,
                "file_date": file_date,
                "is_loaded": is_loaded,
                "supports": supports,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.broker_support import BrokerSupport

        d = dict(src_dict)
        active_tokens = d.pop("active_tokens")

        broker_id = Broker(d.pop("broker_id"))

        def _parse_file_date(data: object) -> datetime.date | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                file_date_type_0 = datetime.date.fromisoformat(data)

                return file_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.date | None, data)

        file_date = _parse_file_date(d.pop("file_date"))

        is_loaded = d.pop("is_loaded")

        supports = BrokerSupport.from_dict(d.pop("supports"))

        broker_entry = cls(
            active_tokens=active_tokens,
            broker_id=broker_id,
            file_date=file_date,
            is_loaded=is_loaded,
            supports=supports,
        )

        broker_entry.additional_properties = d
        return broker_entry

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
