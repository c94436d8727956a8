from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.risk_level import RiskLevel

T = TypeVar("T", bound="DetailedRisk")


@_attrs_define
class DetailedRisk:
    """The description of a risk.

    Attributes:
        detail (str): The reason for the level.
        level (RiskLevel): The level of a risk.
        risk (str): The name of the risk.
    """

    detail: str
    level: RiskLevel
    risk: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        detail = self.detail

        level = self.level.value

        risk = self.risk

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "detail": detail,
                "level": level,
                "risk": risk,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        detail = d.pop("detail")

        level = RiskLevel(d.pop("level"))

        risk = d.pop("risk")

        detailed_risk = cls(
            detail=detail,
            level=level,
            risk=risk,
        )

        detailed_risk.additional_properties = d
        return detailed_risk

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
