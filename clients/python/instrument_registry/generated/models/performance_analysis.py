from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.scalability_assessment import ScalabilityAssessment


T = TypeVar("T", bound="PerformanceAnalysis")


@_attrs_define
class PerformanceAnalysis:
    """The performance of a plan.

    Attributes:
        estimated_bandwidth_bytes_per_second (int): The estimated bandwidth of the feed, in bytes per second.
        estimated_latency_ms (int): The estimated time until the last instrument is requested, in milliseconds.
        memory_usage_mb (float): The estimated memory usage of a consumer, in megabytes.
        scalability_assessment (ScalabilityAssessment | Unset): The load of a plan compared with the capacity of its
            broker. The reference broker is used if the plan has no broker or if
            the figures of its broker are not known.
    """

    estimated_bandwidth_bytes_per_second: int
    estimated_latency_ms: int
    memory_usage_mb: float
    scalability_assessment: ScalabilityAssessment | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        estimated_bandwidth_bytes_per_second = self.estimated_bandwidth_bytes_per_second

        estimated_latency_ms = self.estimated_latency_ms

        memory_usage_mb = self.memory_usage_mb

        scalability_assessment: dict[str, Any] | Unset = UNSET
        if not isinstance(self.scalability_assessment, Unset):
            scalability_assessment = self.scalability_assessment.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "estimated_bandwidth_bytes_per_second": estimated_bandwidth_bytes_per_second,
                "estimated_latency_ms": estimated_latency_ms,
                "memory_usage_mb": memory_usage_mb,
            }
        )
        if scalability_assessment is not UNSET:
            field_dict["scalability_assessment"] = scalability_assessment

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.scalability_assessment import ScalabilityAssessment

        d = dict(src_dict)
        estimated_bandwidth_bytes_per_second = d.pop(
            "estimated_bandwidth_bytes_per_second"
        )

        estimated_latency_ms = d.pop("estimated_latency_ms")

        memory_usage_mb = d.pop("memory_usage_mb")

        _scalability_assessment = d.pop("scalability_assessment", UNSET)
        scalability_assessment: ScalabilityAssessment | Unset
        if isinstance(_scalability_assessment, Unset):
            scalability_assessment = UNSET
        else:
            scalability_assessment = ScalabilityAssessment.from_dict(
                _scalability_assessment
            )

        performance_analysis = cls(
            estimated_bandwidth_bytes_per_second=estimated_bandwidth_bytes_per_second,
            estimated_latency_ms=estimated_latency_ms,
            memory_usage_mb=memory_usage_mb,
            scalability_assessment=scalability_assessment,
        )

        performance_analysis.additional_properties = d
        return performance_analysis

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
