from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.other_flag import OtherFlag


T = TypeVar("T", bound="FlagFigure")


@_attrs_define
class FlagFigure:
    """A figure with its source.

    Attributes:
        overridden (bool): Whether the file of limits in the settings overrides the figure.
        seen (datetime.date): The day on which the source was checked.
        source (str): A document, an observation, or `assumption: …`.
        value (bool): The value in force.
        because (str | Unset): The reason why this value is in force. Present if other sources contradict it.
        others (list[OtherFlag] | Unset): The values of other sources. Absent if no source contradicts the value.
    """

    overridden: bool
    seen: datetime.date
    source: str
    value: bool
    because: str | Unset = UNSET
    others: list[OtherFlag] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        overridden = self.overridden

        seen = self.seen.isoformat()

        source = self.source

        value = self.value

        because = self.because

        others: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.others, Unset):
            others = []
            for others_item_data in self.others:
                others_item = others_item_data.to_dict()
                others.append(others_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "overridden": overridden,
                "seen": seen,
                "source": source,
                "value": value,
            }
        )
        if because is not UNSET:
            field_dict["because"] = because
        if others is not UNSET:
            field_dict["others"] = others

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.other_flag import OtherFlag

        d = dict(src_dict)
        overridden = d.pop("overridden")

        seen = datetime.date.fromisoformat(d.pop("seen"))

        source = d.pop("source")

        value = d.pop("value")

        because = d.pop("because", UNSET)

        _others = d.pop("others", UNSET)
        others: list[OtherFlag] | Unset = UNSET
        if _others is not UNSET:
            others = []
            for others_item_data in _others:
                others_item = OtherFlag.from_dict(others_item_data)

                others.append(others_item)

        flag_figure = cls(
            overridden=overridden,
            seen=seen,
            source=source,
            value=value,
            because=because,
            others=others,
        )

        flag_figure.additional_properties = d
        return flag_figure

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
