from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.exchange import Exchange
from ..models.instrument_type import InstrumentType
from ..models.segment import Segment
from ..types import UNSET, Unset

T = TypeVar("T", bound="IngestFilters")


@_attrs_define
class IngestFilters:
    """The instruments of the broker that the file covers. An empty list selects all. Instruments that are not selected do
    not
    change.

        Attributes:
            exchanges (list[Exchange] | None | Unset): The exchanges that the file covers. If the list is absent, null or
                empty, it covers all.
            instrument_types (list[InstrumentType] | None | Unset): The instrument types that the file covers. If the list
                is absent, null or empty, it covers all.
            segments (list[Segment] | None | Unset): The segments that the file covers. If the list is absent, null or
                empty, it covers all.
    """

    exchanges: list[Exchange] | None | Unset = UNSET
    instrument_types: list[InstrumentType] | None | Unset = UNSET
    segments: list[Segment] | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        exchanges: list[str] | None | Unset
        if isinstance(self.exchanges, Unset):
            exchanges = UNSET
        elif isinstance(self.exchanges, list):
            exchanges = []
            for exchanges_type_0_item_data in self.exchanges:
                exchanges_type_0_item = exchanges_type_0_item_data.value
                exchanges.append(exchanges_type_0_item)

        else:
            exchanges = self.exchanges

        instrument_types: list[str] | None | Unset
        if isinstance(self.instrument_types, Unset):
            instrument_types = UNSET
        elif isinstance(self.instrument_types, list):
            instrument_types = []
            for instrument_types_type_0_item_data in self.instrument_types:
                instrument_types_type_0_item = instrument_types_type_0_item_data.value
                instrument_types.append(instrument_types_type_0_item)

        else:
            instrument_types = self.instrument_types

        segments: list[str] | None | Unset
        if isinstance(self.segments, Unset):
            segments = UNSET
        elif isinstance(self.segments, list):
            segments = []
            for segments_type_0_item_data in self.segments:
                segments_type_0_item = segments_type_0_item_data.value
                segments.append(segments_type_0_item)

        else:
            segments = self.segments

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if exchanges is not UNSET:
            field_dict["exchanges"] = exchanges
        if instrument_types is not UNSET:
            field_dict["instrument_types"] = instrument_types
        if segments is not UNSET:
            field_dict["segments"] = segments

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_exchanges(data: object) -> list[Exchange] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                exchanges_type_0 = []
                _exchanges_type_0 = data
                for exchanges_type_0_item_data in _exchanges_type_0:
                    exchanges_type_0_item = Exchange(exchanges_type_0_item_data)

                    exchanges_type_0.append(exchanges_type_0_item)

                return exchanges_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[Exchange] | None | Unset, data)

        exchanges = _parse_exchanges(d.pop("exchanges", UNSET))

        def _parse_instrument_types(
            data: object,
        ) -> list[InstrumentType] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                instrument_types_type_0 = []
                _instrument_types_type_0 = data
                for instrument_types_type_0_item_data in _instrument_types_type_0:
                    instrument_types_type_0_item = InstrumentType(
                        instrument_types_type_0_item_data
                    )

                    instrument_types_type_0.append(instrument_types_type_0_item)

                return instrument_types_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[InstrumentType] | None | Unset, data)

        instrument_types = _parse_instrument_types(d.pop("instrument_types", UNSET))

        def _parse_segments(data: object) -> list[Segment] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                segments_type_0 = []
                _segments_type_0 = data
                for segments_type_0_item_data in _segments_type_0:
                    segments_type_0_item = Segment(segments_type_0_item_data)

                    segments_type_0.append(segments_type_0_item)

                return segments_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[Segment] | None | Unset, data)

        segments = _parse_segments(d.pop("segments", UNSET))

        ingest_filters = cls(
            exchanges=exchanges,
            instrument_types=instrument_types,
            segments=segments,
        )

        return ingest_filters
