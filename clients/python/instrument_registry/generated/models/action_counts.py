from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ActionCounts")


@_attrs_define
class ActionCounts:
    """The number of actions of each kind.

    Attributes:
        change_mode (int): The number of instruments whose mode changes.
        move (int): The number of instruments that are subscribed on another connection or by another token.
        subscribe (int): The number of instruments that are subscribed.
        unsubscribe (int): The number of instruments that are unsubscribed.
    """

    change_mode: int
    move: int
    subscribe: int
    unsubscribe: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        change_mode = self.change_mode

        move = self.move

        subscribe = self.subscribe

        unsubscribe = self.unsubscribe

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "change_mode": change_mode,
                "move": move,
                "subscribe": subscribe,
                "unsubscribe": unsubscribe,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        change_mode = d.pop("change_mode")

        move = d.pop("move")

        subscribe = d.pop("subscribe")

        unsubscribe = d.pop("unsubscribe")

        action_counts = cls(
            change_mode=change_mode,
            move=move,
            subscribe=subscribe,
            unsubscribe=unsubscribe,
        )

        action_counts.additional_properties = d
        return action_counts

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
