from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.instrument_field import InstrumentField

if TYPE_CHECKING:
    from ..models.broker_value import BrokerValue


T = TypeVar("T", bound="ContradictionEntry")


@_attrs_define
class ContradictionEntry:
    """A field on which the files of brokers contradict each other.

    Attributes:
        field (InstrumentField): A field of an instrument.
        values (list[BrokerValue]): The value of each broker that has one. The first one is the value of the instrument.
    """

    field: InstrumentField
    values: list[BrokerValue]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        field = self.field.value

        values = []
        for values_item_data in self.values:
            values_item = values_item_data.to_dict()
            values.append(values_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "field": field,
                "values": values,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.broker_value import BrokerValue

        d = dict(src_dict)
        field = InstrumentField(d.pop("field"))

        values = []
        _values = d.pop("values")
        for values_item_data in _values:
            values_item = BrokerValue.from_dict(values_item_data)

            values.append(values_item)

        contradiction_entry = cls(
            field=field,
            values=values,
        )

        contradiction_entry.additional_properties = d
        return contradiction_entry

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
