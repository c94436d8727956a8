from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.mode import Mode
from ..types import UNSET, Unset

T = TypeVar("T", bound="ExplainedMode")


@_attrs_define
class ExplainedMode:
    """The mode of an instrument of a plan.

    Attributes:
        requested (Mode): The streaming mode of an instrument: the amount of data that the feed sends.
        planned (Mode | Unset): The streaming mode of an instrument: the amount of data that the feed sends.
        substitute (Mode | Unset): The streaming mode of an instrument: the amount of data that the feed sends.
    """

    requested: Mode
    planned: Mode | Unset = UNSET
    substitute: Mode | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        requested = self.requested.value

        planned: str | Unset = UNSET
        if not isinstance(self.planned, Unset):
            planned = self.planned.value

        substitute: str | Unset = UNSET
        if not isinstance(self.substitute, Unset):
            substitute = self.substitute.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "requested": requested,
            }
        )
        if planned is not UNSET:
            field_dict["planned"] = planned
        if substitute is not UNSET:
            field_dict["substitute"] = substitute

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        requested = Mode(d.pop("requested"))

        _planned = d.pop("planned", UNSET)
        planned: Mode | Unset
        if isinstance(_planned, Unset):
            planned = UNSET
        else:
            planned = Mode(_planned)

        _substitute = d.pop("substitute", UNSET)
        substitute: Mode | Unset
        if isinstance(_substitute, Unset):
            substitute = UNSET
        else:
            substitute = Mode(_substitute)

        explained_mode = cls(
            requested=requested,
            planned=planned,
            substitute=substitute,
        )

        explained_mode.additional_properties = d
        return explained_mode

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
