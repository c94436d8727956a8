from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.mode import Mode
from ..types import UNSET, Unset

T = TypeVar("T", bound="ModeCost")


@_attrs_define
class ModeCost:
    """The price of the instruments of one exchange in one mode.

    Attributes:
        cost (float): The price of the instruments for a trading day, in USD.
        exchange (str): The exchange.
        instruments (int): The number of instruments.
        mode (Mode | Unset): The streaming mode of an instrument: the amount of data that the feed sends.
    """

    cost: float
    exchange: str
    instruments: int
    mode: Mode | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        cost = self.cost

        exchange = self.exchange

        instruments = self.instruments

        mode: str | Unset = UNSET
        if not isinstance(self.mode, Unset):
            mode = self.mode.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "cost": cost,
                "exchange": exchange,
                "instruments": instruments,
            }
        )
        if mode is not UNSET:
            field_dict["mode"] = mode

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        cost = d.pop("cost")

        exchange = d.pop("exchange")

        instruments = d.pop("instruments")

        _mode = d.pop("mode", UNSET)
        mode: Mode | Unset
        if isinstance(_mode, Unset):
            mode = UNSET
        else:
            mode = Mode(_mode)

        mode_cost = cls(
            cost=cost,
            exchange=exchange,
            instruments=instruments,
            mode=mode,
        )

        mode_cost.additional_properties = d
        return mode_cost

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
