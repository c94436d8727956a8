from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.cost_breakdown_exchange_costs import CostBreakdownExchangeCosts


T = TypeVar("T", bound="CostBreakdown")


@_attrs_define
class CostBreakdown:
    """The costs of a plan, in USD.

    Attributes:
        base_cost (float): The price of all instruments for a trading day.
        cost_per_instrument (float): The price of one instrument for a trading day.
        currency (str): Always `USD`.
        exchange_costs (CostBreakdownExchangeCosts | Unset): The price by exchange. The sum is `base_cost`. Included in
            `detailed` and `comprehensive`.
        monthly_estimate (float | Unset): The price of all instruments for a month of trading days. Included in
            `detailed` and `comprehensive`.
    """

    base_cost: float
    cost_per_instrument: float
    currency: str
    exchange_costs: CostBreakdownExchangeCosts | Unset = UNSET
    monthly_estimate: float | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        base_cost = self.base_cost

        cost_per_instrument = self.cost_per_instrument

        currency = self.currency

        exchange_costs: dict[str, Any] | Unset = UNSET
        if not isinstance(self.exchange_costs, Unset):
            exchange_costs = self.exchange_costs.to_dict()

        monthly_estimate = self.monthly_estimate

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "base_cost": base_cost,
                "cost_per_instrument": cost_per_instrument,
                "currency": currency,
            }
        )
        if exchange_costs is not UNSET:
            field_dict["exchange_costs"] = exchange_costs
        if monthly_estimate is not UNSET:
            field_dict["monthly_estimate"] = monthly_estimate

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.cost_breakdown_exchange_costs import CostBreakdownExchangeCosts

        d = dict(src_dict)
        base_cost = d.pop("base_cost")

        cost_per_instrument = d.pop("cost_per_instrument")

        currency = d.pop("currency")

        _exchange_costs = d.pop("exchange_costs", UNSET)
        exchange_costs: CostBreakdownExchangeCosts | Unset
        if isinstance(_exchange_costs, Unset):
            exchange_costs = UNSET
        else:
            exchange_costs = CostBreakdownExchangeCosts.from_dict(_exchange_costs)

        monthly_estimate = d.pop("monthly_estimate", UNSET)

        cost_breakdown = cls(
            base_cost=base_cost,
            cost_per_instrument=cost_per_instrument,
            currency=currency,
            exchange_costs=exchange_costs,
            monthly_estimate=monthly_estimate,
        )

        cost_breakdown.additional_properties = d
        return cost_breakdown

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
