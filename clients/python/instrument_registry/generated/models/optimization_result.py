from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.optimization_result_exchange_distribution import (
        OptimizationResultExchangeDistribution,
    )


T = TypeVar("T", bound="OptimizationResult")


@_attrs_define
class OptimizationResult:
    """The result of the optimization.

    Attributes:
        deduplication_count (int): The number of duplicates and aliases among the keys that were left out.
        optimization_strategy (str): The name of the optimization strategy.
        optimized_instruments (list[str]): The instruments of the plan.
        performance_impact (str): The impact of the strategy: `minimal`, `moderate` or `significant`.
        removed_count (int): The number of keys that were left out, for any reason.
        exchange_distribution (OptimizationResultExchangeDistribution | Unset): The number of instruments by exchange.
            Present only if the level is `aggressive`.
        optimization_time_ms (float | Unset): The time that planning took, in milliseconds with up to four decimals.
            Present only if the level is `aggressive`.
    """

    deduplication_count: int
    optimization_strategy: str
    optimized_instruments: list[str]
    performance_impact: str
    removed_count: int
    exchange_distribution: OptimizationResultExchangeDistribution | Unset = UNSET
    optimization_time_ms: float | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        deduplication_count = self.deduplication_count

        optimization_strategy = self.optimization_strategy

        optimized_instruments = self.optimized_instruments

        performance_impact = self.performance_impact

        removed_count = self.removed_count

        exchange_distribution: dict[str, Any] | Unset = UNSET
        if not isinstance(self.exchange_distribution, Unset):
            exchange_distribution = self.exchange_distribution.to_dict()

        optimization_time_ms = self.optimization_time_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "deduplication_count": deduplication_count,
                "optimization_strategy": optimization_strategy,
                "optimized_instruments": optimized_instruments,
                "performance_impact": performance_impact,
                "removed_count": removed_count,
            }
        )
        if exchange_distribution is not UNSET:
            field_dict["exchange_distribution"] = exchange_distribution
        if optimization_time_ms is not UNSET:
            field_dict["optimization_time_ms"] = optimization_time_ms

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.optimization_result_exchange_distribution import (
            OptimizationResultExchangeDistribution,
        )

        d = dict(src_dict)
        deduplication_count = d.pop("deduplication_count")

        optimization_strategy = d.pop("optimization_strategy")

        optimized_instruments = cast(list[str], d.pop("optimized_instruments"))

        performance_impact = d.pop("performance_impact")

        removed_count = d.pop("removed_count")

        _exchange_distribution = d.pop("exchange_distribution", UNSET)
        exchange_distribution: OptimizationResultExchangeDistribution | Unset
        if isinstance(_exchange_distribution, Unset):
            exchange_distribution = UNSET
        else:
            exchange_distribution = OptimizationResultExchangeDistribution.from_dict(
                _exchange_distribution
            )

        optimization_time_ms = d.pop("optimization_time_ms", UNSET)

        optimization_result = cls(
            deduplication_count=deduplication_count,
            optimization_strategy=optimization_strategy,
            optimized_instruments=optimized_instruments,
            performance_impact=performance_impact,
            removed_count=removed_count,
            exchange_distribution=exchange_distribution,
            optimization_time_ms=optimization_time_ms,
        )

        optimization_result.additional_properties = d
        return optimization_result

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
