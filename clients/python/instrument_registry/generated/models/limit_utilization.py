from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="LimitUtilization")


@_attrs_define
class LimitUtilization:
    """The use of a limit.

    Attributes:
        allowed (int): The number that the limit allows.
        limit (str): The name of the limit.
        scope (str): The thing that it applies to: `plan`, `account …` or `connection …`.
        used (int): The number that the plan uses.
        utilization (float): The used share, 0 to 1.
    """

    allowed: int
    limit: str
    scope: str
    used: int
    utilization: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        allowed = self.allowed

        limit = self.limit

        scope = self.scope

        used = self.used

        utilization = self.utilization

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "allowed": allowed,
                "limit": limit,
                "scope": scope,
                "used": used,
                "utilization": utilization,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        allowed = d.pop("allowed")

        limit = d.pop("limit")

        scope = d.pop("scope")

        used = d.pop("used")

        utilization = d.pop("utilization")

        limit_utilization = cls(
            allowed=allowed,
            limit=limit,
            scope=scope,
            used=used,
            utilization=utilization,
        )

        limit_utilization.additional_properties = d
        return limit_utilization

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
