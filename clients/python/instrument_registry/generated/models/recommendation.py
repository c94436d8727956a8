from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.grade import Grade
from ..types import UNSET, Unset

T = TypeVar("T", bound="Recommendation")


@_attrs_define
class Recommendation:
    """A recommendation.

    Attributes:
        message (str): The finding.
        priority (Grade): The priority of a recommendation.
        suggested_action (str): The suggested action.
        type_ (str): The type: `validation`, `broker`, `capacity`, `mode`, `deduplication`, `cost`, `expiry` or
            `staleness`.
        instruments (list[str] | Unset): The first ten instruments of the finding. Absent if the plan names no broker or
            the finding is not about instruments.
    """

    message: str
    priority: Grade
    suggested_action: str
    type_: str
    instruments: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        message = self.message

        priority = self.priority.value

        suggested_action = self.suggested_action

        type_ = self.type_

        instruments: list[str] | Unset = UNSET
        if not isinstance(self.instruments, Unset):
            instruments = self.instruments

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "message": message,
                "priority": priority,
                "suggested_action": suggested_action,
                "type": type_,
            }
        )
        if instruments is not UNSET:
            field_dict["instruments"] = instruments

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        message = d.pop("message")

        priority = Grade(d.pop("priority"))

        suggested_action = d.pop("suggested_action")

        type_ = d.pop("type")

        instruments = cast(list[str], d.pop("instruments", UNSET))

        recommendation = cls(
            message=message,
            priority=priority,
            suggested_action=suggested_action,
            type_=type_,
            instruments=instruments,
        )

        recommendation.additional_properties = d
        return recommendation

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
