from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ExpiryShare")


@_attrs_define
class ExpiryShare:
    """The contracts that expire on one day.

    Attributes:
        days_left (int): The number of days until then; negative if it has passed.
        expiry (datetime.date): The last trading date.
        instruments (int): The number of contracts.
        share (float): Their share of the plan, 0 to 1.
        underlyings (int): The number of their underlyings.
    """

    days_left: int
    expiry: datetime.date
    instruments: int
    share: float
    underlyings: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        days_left = self.days_left

        expiry = self.expiry.isoformat()

        instruments = self.instruments

        share = self.share

        underlyings = self.underlyings

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "days_left": days_left,
                "expiry": expiry,
                "instruments": instruments,
                "share": share,
                "underlyings": underlyings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        days_left = d.pop("days_left")

        expiry = datetime.date.fromisoformat(d.pop("expiry"))

        instruments = d.pop("instruments")

        share = d.pop("share")

        underlyings = d.pop("underlyings")

        expiry_share = cls(
            days_left=days_left,
            expiry=expiry,
            instruments=instruments,
            share=share,
            underlyings=underlyings,
        )

        expiry_share.additional_properties = d
        return expiry_share

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
