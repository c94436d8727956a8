from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.instrument_entry import InstrumentEntry


T = TypeVar("T", bound="ResolveAnswer")


@_attrs_define
class ResolveAnswer:
    """The instruments with a symbol or an ISIN.

    Attributes:
        correlation_id (str): The correlation id of the request.
        count (int): The number of instruments.
        instruments (list[InstrumentEntry]): The instruments, the most likely one first.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        detail (str | Unset): The reason why no instrument matches. Absent if an instrument matches.
        suggestions (list[str] | Unset): Suggested keys. Absent if an instrument matches.
    """

    correlation_id: str
    count: int
    instruments: list[InstrumentEntry]
    response_time_ms: int
    detail: str | Unset = UNSET
    suggestions: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        count = self.count

        instruments = []
        for instruments_item_data in self.instruments:
            instruments_item = instruments_item_data.to_dict()
            instruments.append(instruments_item)

        response_time_ms = self.response_time_ms

        detail = self.detail

        suggestions: list[str] | Unset = UNSET
        if not isinstance(self.suggestions, Unset):
            suggestions = self.suggestions

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "count": count,
                "instruments": instruments,
                "response_time_ms": response_time_ms,
            }
        )
        if detail is not UNSET:
            field_dict["detail"] = detail
        if suggestions is not UNSET:
            field_dict["suggestions"] = suggestions

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.instrument_entry import InstrumentEntry

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        count = d.pop("count")

        instruments = []
        _instruments = d.pop("instruments")
        for instruments_item_data in _instruments:
            instruments_item = InstrumentEntry.from_dict(instruments_item_data)

            instruments.append(instruments_item)

        response_time_ms = d.pop("response_time_ms")

        detail = d.pop("detail", UNSET)

        suggestions = cast(list[str], d.pop("suggestions", UNSET))

        resolve_answer = cls(
            correlation_id=correlation_id,
            count=count,
            instruments=instruments,
            response_time_ms=response_time_ms,
            detail=detail,
            suggestions=suggestions,
        )

        resolve_answer.additional_properties = d
        return resolve_answer

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
