from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.number_figure import NumberFigure


T = TypeVar("T", bound="HistoricalLimits")


@_attrs_define
class HistoricalLimits:
    """The pace of historical requests.

    Attributes:
        days_per_request (NumberFigure): A figure with its source.
        requests_per_second (NumberFigure): A figure with its source.
    """

    days_per_request: NumberFigure
    requests_per_second: NumberFigure
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        days_per_request = self.days_per_request.to_dict()

        requests_per_second = self.requests_per_second.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "days_per_request": days_per_request,
                "requests_per_second": requests_per_second,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.number_figure import NumberFigure

        d = dict(src_dict)
        days_per_request = NumberFigure.from_dict(d.pop("days_per_request"))

        requests_per_second = NumberFigure.from_dict(d.pop("requests_per_second"))

        historical_limits = cls(
            days_per_request=days_per_request,
            requests_per_second=requests_per_second,
        )

        historical_limits.additional_properties = d
        return historical_limits

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
