from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.description_level import DescriptionLevel
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.broker_analysis import BrokerAnalysis
    from ..models.cost_breakdown import CostBreakdown
    from ..models.instrument_analysis import InstrumentAnalysis
    from ..models.performance_analysis import PerformanceAnalysis
    from ..models.recommendation import Recommendation
    from ..models.risk_analysis import RiskAnalysis


T = TypeVar("T", bound="Description")


@_attrs_define
class Description:
    """The description of a plan.

    Attributes:
        cost_breakdown (CostBreakdown): The costs of a plan, in USD.
        description_level (DescriptionLevel): The level of detail of a description.
        instrument_analysis (InstrumentAnalysis): The analysis of the instruments of a plan.
        performance_analysis (PerformanceAnalysis): The performance of a plan.
        plan_id (str): The id of the plan.
        recommendations (list[Recommendation]): The recommendations, most urgent first.
        risk_analysis (RiskAnalysis): The risks of a plan.
        broker_analysis (BrokerAnalysis | Unset): The allocation of a plan at its broker.
    """

    cost_breakdown: CostBreakdown
    description_level: DescriptionLevel
    instrument_analysis: InstrumentAnalysis
    performance_analysis: PerformanceAnalysis
    plan_id: str
    recommendations: list[Recommendation]
    risk_analysis: RiskAnalysis
    broker_analysis: BrokerAnalysis | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        cost_breakdown = self.cost_breakdown.to_dict()

        description_level = self.description_level.value

        instrument_analysis = self.instrument_analysis.to_dict()

        performance_analysis = self.performance_analysis.to_dict()

        plan_id = self.plan_id

        recommendations = []
        for recommendations_item_data in self.recommendations:
            recommendations_item = recommendations_item_data.to_dict()
            recommendations.append(recommendations_item)

        risk_analysis = self.risk_analysis.to_dict()

        broker_analysis: dict[str, Any] | Unset = UNSET
        if not isinstance(self.broker_analysis, Unset):
            broker_analysis = self.broker_analysis.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "cost_breakdown": cost_breakdown,
                "description_level": description_level,
                "instrument_analysis": instrument_analysis,
                "performance_analysis": performance_analysis,
                "plan_id": plan_id,
                "recommendations": recommendations,
                "risk_analysis": risk_analysis,
            }
        )
        if broker_analysis is not UNSET:
            field_dict["broker_analysis"] = broker_analysis

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.broker_analysis import BrokerAnalysis
        from ..models.cost_breakdown import CostBreakdown
        from ..models.instrument_analysis import InstrumentAnalysis
        from ..models.performance_analysis import PerformanceAnalysis
        from ..models.recommendation import Recommendation
        from ..models.risk_analysis import RiskAnalysis

        d = dict(src_dict)
        cost_breakdown = CostBreakdown.from_dict(d.pop("cost_breakdown"))

        description_level = DescriptionLevel(d.pop("description_level"))

        instrument_analysis = InstrumentAnalysis.from_dict(d.pop("instrument_analysis"))

        performance_analysis = PerformanceAnalysis.from_dict(
            d.pop("performance_analysis")
        )

        plan_id = d.pop("plan_id")

        recommendations = []
        _recommendations = d.pop("recommendations")
        for recommendations_item_data in _recommendations:
            recommendations_item = Recommendation.from_dict(recommendations_item_data)

            recommendations.append(recommendations_item)

        risk_analysis = RiskAnalysis.from_dict(d.pop("risk_analysis"))

        _broker_analysis = d.pop("broker_analysis", UNSET)
        broker_analysis: BrokerAnalysis | Unset
        if isinstance(_broker_analysis, Unset):
            broker_analysis = UNSET
        else:
            broker_analysis = BrokerAnalysis.from_dict(_broker_analysis)

        description = cls(
            cost_breakdown=cost_breakdown,
            description_level=description_level,
            instrument_analysis=instrument_analysis,
            performance_analysis=performance_analysis,
            plan_id=plan_id,
            recommendations=recommendations,
            risk_analysis=risk_analysis,
            broker_analysis=broker_analysis,
        )

        description.additional_properties = d
        return description

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
