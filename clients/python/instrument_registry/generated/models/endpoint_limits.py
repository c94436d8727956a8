from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.number_figure import NumberFigure


T = TypeVar("T", bound="EndpointLimits")


@_attrs_define
class EndpointLimits:
    """The limits of an endpoint other than the market endpoint, as the file and the API have them.

    Attributes:
        instruments_per_connection (NumberFigure): A figure with its source.
    """

    instruments_per_connection: NumberFigure
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        instruments_per_connection = self.instruments_per_connection.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "instruments_per_connection": instruments_per_connection,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.number_figure import NumberFigure

        d = dict(src_dict)
        instruments_per_connection = NumberFigure.from_dict(
            d.pop("instruments_per_connection")
        )

        endpoint_limits = cls(
            instruments_per_connection=instruments_per_connection,
        )

        endpoint_limits.additional_properties = d
        return endpoint_limits

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
