from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker

T = TypeVar("T", bound="BrokerValue")


@_attrs_define
class BrokerValue:
    """The value of a field in the file of a broker.

    Attributes:
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are
            not read.
        value (str): The value as text. Amounts are in rupees.
    """

    broker_id: Broker
    value: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        broker_id = self.broker_id.value

        value = self.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "broker_id": broker_id,
                "value": value,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        broker_id = Broker(d.pop("broker_id"))

        value = d.pop("value")

        broker_value = cls(
            broker_id=broker_id,
            value=value,
        )

        broker_value.additional_properties = d
        return broker_value

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
