from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.scope import Scope
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.mode_leg import ModeLeg
    from ..models.number_figure import NumberFigure
    from ..models.segments_figure import SegmentsFigure


T = TypeVar("T", bound="ModeLimits")


@_attrs_define
class ModeLimits:
    """The limits of one mode.

    Attributes:
        legs (list[ModeLeg]): The subscriptions that serve the mode. At most one of them is at each endpoint.
        scope (Scope): The thing that a limit of a mode applies to.
        alone (NumberFigure | Unset): A figure with its source.
        mixed (NumberFigure | Unset): A figure with its source.
        segments (SegmentsFigure | Unset): A figure with its source.
    """

    legs: list[ModeLeg]
    scope: Scope
    alone: NumberFigure | Unset = UNSET
    mixed: NumberFigure | Unset = UNSET
    segments: SegmentsFigure | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        legs = []
        for legs_item_data in self.legs:
            legs_item = legs_item_data.to_dict()
            legs.append(legs_item)

        scope = self.scope.value

        alone: dict[str, Any] | Unset = UNSET
        if not isinstance(self.alone, Unset):
            alone = self.alone.to_dict()

        mixed: dict[str, Any] | Unset = UNSET
        if not isinstance(self.mixed, Unset):
            mixed = self.mixed.to_dict()

        segments: dict[str, Any] | Unset = UNSET
        if not isinstance(self.segments, Unset):
            segments = self.segments.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "legs": legs,
                "scope": scope,
            }
        )
        if alone is not UNSET:
            field_dict["alone"] = alone
        if mixed is not UNSET:
            field_dict["mixed"] = mixed
        if segments is not UNSET:
            field_dict["segments"] = segments

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.mode_leg import ModeLeg
        from ..models.number_figure import NumberFigure
        from ..models.segments_figure import SegmentsFigure

        d = dict(src_dict)
        legs = []
        _legs = d.pop("legs")
        for legs_item_data in _legs:
            legs_item = ModeLeg.from_dict(legs_item_data)

            legs.append(legs_item)

        scope = Scope(d.pop("scope"))

        _alone = d.pop("alone", UNSET)
        alone: NumberFigure | Unset
        if isinstance(_alone, Unset):
            alone = UNSET
        else:
            alone = NumberFigure.from_dict(_alone)

        _mixed = d.pop("mixed", UNSET)
        mixed: NumberFigure | Unset
        if isinstance(_mixed, Unset):
            mixed = UNSET
        else:
            mixed = NumberFigure.from_dict(_mixed)

        _segments = d.pop("segments", UNSET)
        segments: SegmentsFigure | Unset
        if isinstance(_segments, Unset):
            segments = UNSET
        else:
            segments = SegmentsFigure.from_dict(_segments)

        mode_limits = cls(
            legs=legs,
            scope=scope,
            alone=alone,
            mixed=mixed,
            segments=segments,
        )

        mode_limits.additional_properties = d
        return mode_limits

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
