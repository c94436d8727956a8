from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.risk_level import RiskLevel
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.detailed_risk import DetailedRisk


T = TypeVar("T", bound="RiskAnalysis")


@_attrs_define
class RiskAnalysis:
    """The risks of a plan.

    Attributes:
        cost_risk (RiskLevel): The level of a risk.
        data_staleness_risk (RiskLevel): The level of a risk.
        performance_risk (RiskLevel): The level of a risk.
        detailed_risks (list[DetailedRisk] | Unset): Every risk with its reason. Included in `comprehensive` only.
    """

    cost_risk: RiskLevel
    data_staleness_risk: RiskLevel
    performance_risk: RiskLevel
    detailed_risks: list[DetailedRisk] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        cost_risk = self.cost_risk.value

        data_staleness_risk = self.data_staleness_risk.value

        performance_risk = self.performance_risk.value

        detailed_risks: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.detailed_risks, Unset):
            detailed_risks = []
            for detailed_risks_item_data in self.detailed_risks:
                detailed_risks_item = detailed_risks_item_data.to_dict()
                detailed_risks.append(detailed_risks_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "cost_risk": cost_risk,
                "data_staleness_risk": data_staleness_risk,
                "performance_risk": performance_risk,
            }
        )
        if detailed_risks is not UNSET:
            field_dict["detailed_risks"] = detailed_risks

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.detailed_risk import DetailedRisk

        d = dict(src_dict)
        cost_risk = RiskLevel(d.pop("cost_risk"))

        data_staleness_risk = RiskLevel(d.pop("data_staleness_risk"))

        performance_risk = RiskLevel(d.pop("performance_risk"))

        _detailed_risks = d.pop("detailed_risks", UNSET)
        detailed_risks: list[DetailedRisk] | Unset = UNSET
        if _detailed_risks is not UNSET:
            detailed_risks = []
            for detailed_risks_item_data in _detailed_risks:
                detailed_risks_item = DetailedRisk.from_dict(detailed_risks_item_data)

                detailed_risks.append(detailed_risks_item)

        risk_analysis = cls(
            cost_risk=cost_risk,
            data_staleness_risk=data_staleness_risk,
            performance_risk=performance_risk,
            detailed_risks=detailed_risks,
        )

        risk_analysis.additional_properties = d
        return risk_analysis

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
