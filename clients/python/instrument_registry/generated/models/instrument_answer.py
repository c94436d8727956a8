from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.contradiction_entry import ContradictionEntry
    from ..models.instrument_answer_sources import InstrumentAnswerSources
    from ..models.instrument_entry import InstrumentEntry


T = TypeVar("T", bound="InstrumentAnswer")


@_attrs_define
class InstrumentAnswer:
    """One instrument.

    Attributes:
        contradictions (list[ContradictionEntry]): The fields on which the files of brokers contradict each other.
        correlation_id (str): The correlation id of the request.
        instrument (InstrumentEntry): An instrument. A property that it does not have is null.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        sources (InstrumentAnswerSources): The broker of the file that each field with a value comes from. Empty for the
            demonstration catalog.
    """

    contradictions: list[ContradictionEntry]
    correlation_id: str
    instrument: InstrumentEntry
    response_time_ms: int
    sources: InstrumentAnswerSources
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        contradictions = []
        for contradictions_item_data in self.contradictions:
            contradictions_item = contradictions_item_data.to_dict()
            contradictions.append(contradictions_item)

        correlation_id = self.correlation_id

        instrument = self.instrument.to_dict()

        response_time_ms = self.response_time_ms

        sources = self.sources.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "contradictions": contradictions,
                "correlation_id": correlation_id,
                "instrument": instrument,
                "response_time_ms": response_time_ms,
                "sources": sources,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.contradiction_entry import ContradictionEntry
        from ..models.instrument_answer_sources import InstrumentAnswerSources
        from ..models.instrument_entry import InstrumentEntry

        d = dict(src_dict)
        contradictions = []
        _contradictions = d.pop("contradictions")
        for contradictions_item_data in _contradictions:
            contradictions_item = ContradictionEntry.from_dict(contradictions_item_data)

            contradictions.append(contradictions_item)

        correlation_id = d.pop("correlation_id")

        instrument = InstrumentEntry.from_dict(d.pop("instrument"))

        response_time_ms = d.pop("response_time_ms")

        sources = InstrumentAnswerSources.from_dict(d.pop("sources"))

        instrument_answer = cls(
            contradictions=contradictions,
            correlation_id=correlation_id,
            instrument=instrument,
            response_time_ms=response_time_ms,
            sources=sources,
        )

        instrument_answer.additional_properties = d
        return instrument_answer

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
