from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.status_point import StatusPoint


T = TypeVar("T", bound="StatusHistory")


@_attrs_define
class StatusHistory:
    """The last 15 minutes.

    Attributes:
        minutes (int): The length of the history, in minutes.
        points (list[StatusPoint]): The steps that have ended, oldest first. After the first event of a stream, only the
            new ones.
        step_seconds (int): The length of a step, in seconds.
    """

    minutes: int
    points: list[StatusPoint]
    step_seconds: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        minutes = self.minutes

        points = []
        for points_item_data in self.points:
            points_item = points_item_data.to_dict()
            points.append(points_item)

        step_seconds = self.step_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "minutes": minutes,
                "points": points,
                "step_seconds": step_seconds,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.status_point import StatusPoint

        d = dict(src_dict)
        minutes = d.pop("minutes")

        points = []
        _points = d.pop("points")
        for points_item_data in _points:
            points_item = StatusPoint.from_dict(points_item_data)

            points.append(points_item)

        step_seconds = d.pop("step_seconds")

        status_history = cls(
            minutes=minutes,
            points=points,
            step_seconds=step_seconds,
        )

        status_history.additional_properties = d
        return status_history

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
