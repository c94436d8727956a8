from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker

T = TypeVar("T", bound="InstrumentAnswerSources")


@_attrs_define
class InstrumentAnswerSources:
    """The broker of the file that each field with a value comes from. Empty for the demonstration catalog."""

    additional_properties: dict[str, Broker] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:

        field_dict: dict[str, Any] = {}
        for prop_name, prop in self.additional_properties.items():
            field_dict[prop_name] = prop.value

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        instrument_answer_sources = cls()

        additional_properties = {}
        for prop_name, prop_dict in d.items():
            additional_property = Broker(prop_dict)

            additional_properties[prop_name] = additional_property

        instrument_answer_sources.additional_properties = additional_properties
        return instrument_answer_sources

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Broker:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Broker) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
