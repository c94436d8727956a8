from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatusRefusal")


@_attrs_define
class StatusRefusal:
    """A rejected file.

    Attributes:
        faults (list[str]): The reasons.
        refused_at (datetime.datetime): The time of the rejection.
        source (str): The source of the file.
    """

    faults: list[str]
    refused_at: datetime.datetime
    source: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        faults = self.faults

        refused_at = self.refused_at.isoformat()

        source = self.source

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "faults": faults,
                "refused_at": refused_at,
                "source": source,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        faults = cast(list[str], d.pop("faults"))

        refused_at = datetime.datetime.fromisoformat(d.pop("refused_at"))

        source = d.pop("source")

        status_refusal = cls(
            faults=faults,
            refused_at=refused_at,
            source=source,
        )

        status_refusal.additional_properties = d
        return status_refusal

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
