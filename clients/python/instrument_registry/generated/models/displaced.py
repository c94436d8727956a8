from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.mode import Mode
from ..types import UNSET, Unset

T = TypeVar("T", bound="Displaced")


@_attrs_define
class Displaced:
    """An instrument that would be left out or lowered.

    Attributes:
        instrument (str): The key of the instrument.
        pinned (bool): Whether it is pinned.
        priority (int): Its priority.
        lowered_to (Mode | Unset): The streaming mode of an instrument: the amount of data that the feed sends.
        mode (Mode | Unset): The streaming mode of an instrument: the amount of data that the feed sends.
    """

    instrument: str
    pinned: bool
    priority: int
    lowered_to: Mode | Unset = UNSET
    mode: Mode | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        instrument = self.instrument

        pinned = self.pinned

        priority = self.priority

        lowered_to: str | Unset = UNSET
        if not isinstance(self.lowered_to, Unset):
            lowered_to = self.lowered_to.value

        mode: str | Unset = UNSET
        if not isinstance(self.mode, Unset):
            mode = self.mode.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "instrument": instrument,
                "pinned": pinned,
                "priority": priority,
            }
        )
        if lowered_to is not UNSET:
            field_dict["lowered_to"] = lowered_to
        if mode is not UNSET:
            field_dict["mode"] = mode

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        instrument = d.pop("instrument")

        pinned = d.pop("pinned")

        priority = d.pop("priority")

        _lowered_to = d.pop("lowered_to", UNSET)
        lowered_to: Mode | Unset
        if isinstance(_lowered_to, Unset):
            lowered_to = UNSET
        else:
            lowered_to = Mode(_lowered_to)

        _mode = d.pop("mode", UNSET)
        mode: Mode | Unset
        if isinstance(_mode, Unset):
            mode = UNSET
        else:
            mode = Mode(_mode)

        displaced = cls(
            instrument=instrument,
            pinned=pinned,
            priority=priority,
            lowered_to=lowered_to,
            mode=mode,
        )

        displaced.additional_properties = d
        return displaced

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
