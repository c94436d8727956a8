from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..models.mode import Mode
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.planned_feed_modes import PlannedFeedModes


T = TypeVar("T", bound="PlannedFeed")


@_attrs_define
class PlannedFeed:
    """The broker and the modes of the stream of a plan.

    Attributes:
        broker (Broker | Unset): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze`
            are not read.
        mode (Mode | Unset): The streaming mode of an instrument: the amount of data that the feed sends.
        modes (PlannedFeedModes | Unset): The modes of instruments that have another mode, by key.
    """

    broker: Broker | Unset = UNSET
    mode: Mode | Unset = UNSET
    modes: PlannedFeedModes | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        broker: str | Unset = UNSET
        if not isinstance(self.broker, Unset):
            broker = self.broker.value

        mode: str | Unset = UNSET
        if not isinstance(self.mode, Unset):
            mode = self.mode.value

        modes: dict[str, Any] | Unset = UNSET
        if not isinstance(self.modes, Unset):
            modes = self.modes.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if broker is not UNSET:
            field_dict["broker"] = broker
        if mode is not UNSET:
            field_dict["mode"] = mode
        if modes is not UNSET:
            field_dict["modes"] = modes

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.planned_feed_modes import PlannedFeedModes

        d = dict(src_dict)
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

        _modes = d.pop("modes", UNSET)
        modes: PlannedFeedModes | Unset
        if isinstance(_modes, Unset):
            modes = UNSET
        else:
            modes = PlannedFeedModes.from_dict(_modes)

        planned_feed = cls(
            broker=broker,
            mode=mode,
            modes=modes,
        )

        planned_feed.additional_properties = d
        return planned_feed

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
