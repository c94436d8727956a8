from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.exchange import Exchange

T = TypeVar("T", bound="CoverageEntry")


@_attrs_define
class CoverageEntry:
    """The holidays that are known of an exchange, and its state today.

    Attributes:
        exchange (Exchange): The exchange of an instrument: the part of its key before the colon.
        from_ (datetime.date): The first date whose holidays are known.
        next_trading_day (datetime.date): Today if the exchange trades today, else the next day on which it does.
        to (datetime.date): The last date whose holidays are known. Later, only weekends are known.
        trades_today (bool): Whether the exchange trades today.
    """

    exchange: Exchange
    from_: datetime.date
    next_trading_day: datetime.date
    to: datetime.date
    trades_today: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        exchange = self.exchange.value

        from_ = self.from_.isoformat()

        next_trading_day = self.next_trading_day.isoformat()

        to = self.to.isoformat()

        trades_today = self.trades_today

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "exchange": exchange,
                "from": from_,
                "next_trading_day": next_trading_day,
                "to": to,
                "trades_today": trades_today,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        exchange = Exchange(d.pop("exchange"))

        from_ = datetime.date.fromisoformat(d.pop("from"))

        next_trading_day = datetime.date.fromisoformat(d.pop("next_trading_day"))

        to = datetime.date.fromisoformat(d.pop("to"))

        trades_today = d.pop("trades_today")

        coverage_entry = cls(
            exchange=exchange,
            from_=from_,
            next_trading_day=next_trading_day,
            to=to,
            trades_today=trades_today,
        )

        coverage_entry.additional_properties = d
        return coverage_entry

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
