from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..models.mode import Mode
from ..types import UNSET, Unset

T = TypeVar("T", bound="Alternative")


@_attrs_define
class Alternative:
    """Another request that would get the data of an instrument, or the most similar data.

    Attributes:
        detail (str): The reason for the alternative.
        instrument (str): The key to request.
        broker (Broker | Unset): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze`
            are not read.
        mode (Mode | Unset): The streaming mode of an instrument: the amount of data that the feed sends.
    """

    detail: str
    instrument: str
    broker: Broker | Unset = UNSET
    mode: Mode | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        detail = self.detail

        instrument = self.instrument

        broker: str | Unset = UNSET
        if not isinstance(self.broker, Unset):
            broker = self.broker.value

        mode: str | Unset = UNSET
        if not isinstance(self.mode, Unset):
            mode = self.mode.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "detail": detail,
                "instrument": instrument,
            }
        )
        if broker is not UNSET:
            field_dict["broker"] = broker
        if mode is not UNSET:
            field_dict["mode"] = mode

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        detail = d.pop("detail")

        instrument = d.pop("instrument")

        _broker = d.pop("broker", UNSET)
        broker: Broker | Unset
        if isinstance(_broker, Unset):
            broker = UNSET
        else:
            broker = Broker(_broker)

        _mode = d.pop("mode", UNSET)
        mode: Mode | Unset
        if isinstance(_mode, Unset):
            mode = UNSET
        else:
            mode = Mode(_mode)

        alternative = cls(
            detail=detail,
            instrument=instrument,
            broker=broker,
            mode=mode,
        )

        alternative.additional_properties = d
        return alternative

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
