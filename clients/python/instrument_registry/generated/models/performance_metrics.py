from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.filtering_strictness import FilteringStrictness
from ..models.optimization_level import OptimizationLevel

T = TypeVar("T", bound="PerformanceMetrics")


@_attrs_define
class PerformanceMetrics:
    """The performance figures of a plan.

    Attributes:
        estimated_latency_ms (int): The estimated time until the last instrument is requested, in milliseconds.
        filtering_strictness (FilteringStrictness): The condition that a key must meet to be kept.
        instrument_count (int): The number of instruments in the plan.
        memory_usage_mb (float): The estimated memory usage of a consumer, in megabytes.
        optimization_level (OptimizationLevel): The optimization level of a plan.
        removed_instruments (int): The number of keys that were left out, for any reason.
    """

    estimated_latency_ms: int
    filtering_strictness: FilteringStrictness
    instrument_count: int
    memory_usage_mb: float
    optimization_level: OptimizationLevel
    removed_instruments: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        estimated_latency_ms = self.estimated_latency_ms

        filtering_strictness = self.filtering_strictness.value

        instrument_count = self.instrument_count

        memory_usage_mb = self.memory_usage_mb

        optimization_level = self.optimization_level.value

        removed_instruments = self.removed_instruments

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "estimated_latency_ms": estimated_latency_ms,
                "filtering_strictness": filtering_strictness,
                "instrument_count": instrument_count,
                "memory_usage_mb": memory_usage_mb,
                "optimization_level": optimization_level,
                "removed_instruments": removed_instruments,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        estimated_latency_ms = d.pop("estimated_latency_ms")

        filtering_strictness = FilteringStrictness(d.pop("filtering_strictness"))

        instrument_count = d.pop("instrument_count")

        memory_usage_mb = d.pop("memory_usage_mb")

        optimization_level = OptimizationLevel(d.pop("optimization_level"))

        removed_instruments = d.pop("removed_instruments")

        performance_metrics = cls(
            estimated_latency_ms=estimated_latency_ms,
            filtering_strictness=filtering_strictness,
            instrument_count=instrument_count,
            memory_usage_mb=memory_usage_mb,
            optimization_level=optimization_level,
            removed_instruments=removed_instruments,
        )

        performance_metrics.additional_properties = d
        return performance_metrics

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
