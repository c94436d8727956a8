from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="UnderlyingShare")


@_attrs_define
class UnderlyingShare:
    """The instruments of one underlying.

    Attributes:
        instruments (int): The number of its instruments.
        share (float): Their share of the plan, 0 to 1.
        underlying (str): The underlying.
    """

    instruments: int
    share: float
    underlying: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        instruments = self.instruments

        share = self.share

        underlying = self.underlying

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "instruments": instruments,
                "share": share,
                "underlying": underlying,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        instruments = d.pop("instruments")

        share = d.pop("share")

        underlying = d.pop("underlying")

        underlying_share = cls(
            instruments=instruments,
            share=share,
            underlying=underlying,
        )

        underlying_share.additional_properties = d
        return underlying_share

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
