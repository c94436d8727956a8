from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="UsedLimit")


@_attrs_define
class UsedLimit:
    """A limit of a broker or of the settings, and its use by the plan.

    Attributes:
        allowed (int): The number that the limit allows.
        binding (bool): Whether the plan uses all of it.
        limit (str): The name of the limit, such as `instruments_per_connection`.
        scope (str): The thing that it applies to: `plan`, `account …` or `connection …`.
        source (str): The source of the figure.
        used (int): The number that the plan uses.
        seen (datetime.date | Unset): The day on which the source was checked. Absent if the figure is a setting.
    """

    allowed: int
    binding: bool
    limit: str
    scope: str
    source: str
    used: int
    seen: datetime.date | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        allowed = self.allowed

        binding = self.binding

        limit = self.limit

        scope = self.scope

        source = self.source

        used = self.used

        seen: str | Unset = UNSET
        if not isinstance(self.seen, Unset):
            seen = self.seen.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "allowed": allowed,
                "binding": binding,
                "limit": limit,
                "scope": scope,
                "source": source,
                "used": used,
            }
        )
        if seen is not UNSET:
            field_dict["seen"] = seen

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        allowed = d.pop("allowed")

        binding = d.pop("binding")

        limit = d.pop("limit")

        scope = d.pop("scope")

        source = d.pop("source")

        used = d.pop("used")

        _seen = d.pop("seen", UNSET)
        seen: datetime.date | Unset
        if isinstance(_seen, Unset):
            seen = UNSET
        else:
            seen = datetime.date.fromisoformat(_seen)

        used_limit = cls(
            allowed=allowed,
            binding=binding,
            limit=limit,
            scope=scope,
            source=source,
            used=used,
            seen=seen,
        )

        used_limit.additional_properties = d
        return used_limit

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
