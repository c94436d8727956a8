from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ReadyTime")


@_attrs_define
class ReadyTime:
    """The time until the instruments of one priority are ready.

    Attributes:
        instruments (int): The number of instruments that are subscribed or change their mode.
        pinned (bool): Whether the instruments are pinned.
        priority (int): Their priority.
        time_to_ready_ms (int): The time until the last of them is subscribed in its mode, in milliseconds.
    """

    instruments: int
    pinned: bool
    priority: int
    time_to_ready_ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        instruments = self.instruments

        pinned = self.pinned

        priority = self.priority

        time_to_ready_ms = self.time_to_ready_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "instruments": instruments,
                "pinned": pinned,
                "priority": priority,
                "time_to_ready_ms": time_to_ready_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        instruments = d.pop("instruments")

        pinned = d.pop("pinned")

        priority = d.pop("priority")

        time_to_ready_ms = d.pop("time_to_ready_ms")

        ready_time = cls(
            instruments=instruments,
            pinned=pinned,
            priority=priority,
            time_to_ready_ms=time_to_ready_ms,
        )

        ready_time.additional_properties = d
        return ready_time

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
