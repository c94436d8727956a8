from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ScalabilityAssessment")


@_attrs_define
class ScalabilityAssessment:
    """The load of a plan compared with the capacity of its broker. The reference broker is used if the plan has no broker
    or if
    the figures of its broker are not known.

        Attributes:
            current_load (float): The load. For streams: the number of instruments divided by `recommended_max`. For
                historical data: the time that the
                requests take at the rate limit of the broker, divided by the window within which they must be complete.
            performance_grade (str): The grade of `current_load`: `A` up to 0.5, `B` up to 0.75, `C` up to 0.9, `D` up to 1,
                `E` above 1.
            recommended_max (int): The maximum number of instruments. For streams: on all connections of an account. For
                historical data: at the rate
                limit of the broker within the window.
    """

    current_load: float
    performance_grade: str
    recommended_max: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        current_load = self.current_load

        performance_grade = self.performance_grade

        recommended_max = self.recommended_max

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "current_load": current_load,
                "performance_grade": performance_grade,
                "recommended_max": recommended_max,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        current_load = d.pop("current_load")

        performance_grade = d.pop("performance_grade")

        recommended_max = d.pop("recommended_max")

        scalability_assessment = cls(
            current_load=current_load,
            performance_grade=performance_grade,
            recommended_max=recommended_max,
        )

        scalability_assessment.additional_properties = d
        return scalability_assessment

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
