from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.placed_connection import PlacedConnection


T = TypeVar("T", bound="PlacementMove")


@_attrs_define
class PlacementMove:
    """A subscription that another plan has on another connection.

    Attributes:
        from_ (PlacedConnection): A connection that carries an instrument.
        instrument (str): The key of the instrument.
        to (PlacedConnection): A connection that carries an instrument.
    """

    from_: PlacedConnection
    instrument: str
    to: PlacedConnection
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from_ = self.from_.to_dict()

        instrument = self.instrument

        to = self.to.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "from": from_,
                "instrument": instrument,
                "to": to,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.placed_connection import PlacedConnection

        d = dict(src_dict)
        from_ = PlacedConnection.from_dict(d.pop("from"))

        instrument = d.pop("instrument")

        to = PlacedConnection.from_dict(d.pop("to"))

        placement_move = cls(
            from_=from_,
            instrument=instrument,
            to=to,
        )

        placement_move.additional_properties = d
        return placement_move

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
