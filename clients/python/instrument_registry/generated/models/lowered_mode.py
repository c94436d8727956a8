from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.mode import Mode

T = TypeVar("T", bound="LoweredMode")


@_attrs_define
class LoweredMode:
    """An instrument whose mode was lowered.

    Attributes:
        from_ (Mode): The streaming mode of an instrument: the amount of data that the feed sends.
        instrument (str): The key of the instrument.
        limit (str): The limit that the higher mode would exceed.
        to (Mode): The streaming mode of an instrument: the amount of data that the feed sends.
    """

    from_: Mode
    instrument: str
    limit: str
    to: Mode
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from_ = self.from_.value

        instrument = self.instrument

        limit = self.limit

        to = self.to.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "from": from_,
                "instrument": instrument,
                "limit": limit,
                "to": to,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        from_ = Mode(d.pop("from"))

        instrument = d.pop("instrument")

        limit = d.pop("limit")

        to = Mode(d.pop("to"))

        lowered_mode = cls(
            from_=from_,
            instrument=instrument,
            limit=limit,
            to=to,
        )

        lowered_mode.additional_properties = d
        return lowered_mode

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
