from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.number_figure import NumberFigure


T = TypeVar("T", bound="SubscribeLimits")


@_attrs_define
class SubscribeLimits:
    """The subscribe messages of one connection.

    Attributes:
        instruments_per_message (NumberFigure): A figure with its source.
        pause_ms (NumberFigure): A figure with its source.
        messages_per_second (NumberFigure | Unset): A figure with its source.
        quiet_ms (NumberFigure | Unset): A figure with its source.
    """

    instruments_per_message: NumberFigure
    pause_ms: NumberFigure
    messages_per_second: NumberFigure | Unset = UNSET
    quiet_ms: NumberFigure | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        instruments_per_message = self.instruments_per_message.to_dict()

        pause_ms = self.pause_ms.to_dict()

        messages_per_second: dict[str, Any] | Unset = UNSET
        if not isinstance(self.messages_per_second, Unset):
            messages_per_second = self.messages_per_second.to_dict()

        quiet_ms: dict[str, Any] | Unset = UNSET
        if not isinstance(self.quiet_ms, Unset):
            quiet_ms = self.quiet_ms.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "instruments_per_message": instruments_per_message,
                "pause_ms": pause_ms,
            }
        )
        if messages_per_second is not UNSET:
            field_dict["messages_per_second"] = messages_per_second
        if quiet_ms is not UNSET:
            field_dict["quiet_ms"] = quiet_ms

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.number_figure import NumberFigure

        d = dict(src_dict)
        instruments_per_message = NumberFigure.from_dict(
            d.pop("instruments_per_message")
        )

        pause_ms = NumberFigure.from_dict(d.pop("pause_ms"))

        _messages_per_second = d.pop("messages_per_second", UNSET)
        messages_per_second: NumberFigure | Unset
        if isinstance(_messages_per_second, Unset):
            messages_per_second = UNSET
        else:
            messages_per_second = NumberFigure.from_dict(_messages_per_second)

        _quiet_ms = d.pop("quiet_ms", UNSET)
        quiet_ms: NumberFigure | Unset
        if isinstance(_quiet_ms, Unset):
            quiet_ms = UNSET
        else:
            quiet_ms = NumberFigure.from_dict(_quiet_ms)

        subscribe_limits = cls(
            instruments_per_message=instruments_per_message,
            pause_ms=pause_ms,
            messages_per_second=messages_per_second,
            quiet_ms=quiet_ms,
        )

        subscribe_limits.additional_properties = d
        return subscribe_limits

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
