from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.instrument_analysis_exchanges import InstrumentAnalysisExchanges
    from ..models.instrument_analysis_instrument_types import (
        InstrumentAnalysisInstrumentTypes,
    )


T = TypeVar("T", bound="InstrumentAnalysis")


@_attrs_define
class InstrumentAnalysis:
    """The analysis of the instruments of a plan.

    Attributes:
        exchanges (InstrumentAnalysisExchanges): The number of instruments by exchange.
        instrument_types (InstrumentAnalysisInstrumentTypes): The number of instruments by type. `UNKNOWN` counts
            instruments that the catalog does not contain.
        total_instruments (int): The number of instruments in the plan.
        diversity_score (float | Unset): The probability that two random instruments have different exchanges
            (Gini–Simpson index), 0 to 1. Included in
            `detailed` and `comprehensive`.
        optimization_efficiency (float | Unset): The share of the requested keys that were kept, 0 to 1. Duplicates
            count. Included in `detailed` and `comprehensive`.
        top_exchanges (list[list[int | str]] | Unset): The exchanges with their number of instruments, largest first.
            Included in `detailed` and `comprehensive`.
    """

    exchanges: InstrumentAnalysisExchanges
    instrument_types: InstrumentAnalysisInstrumentTypes
    total_instruments: int
    diversity_score: float | Unset = UNSET
    optimization_efficiency: float | Unset = UNSET
    top_exchanges: list[list[int | str]] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        exchanges = self.exchanges.to_dict()

        instrument_types = self.instrument_types.to_dict()

        total_instruments = self.total_instruments

        diversity_score = self.diversity_score

        optimization_efficiency = self.optimization_efficiency

        top_exchanges: list[list[int | str]] | Unset = UNSET
        if not isinstance(self.top_exchanges, Unset):
            top_exchanges = []
            for top_exchanges_item_data in self.top_exchanges:
                top_exchanges_item = []
                for top_exchanges_item_item_data in top_exchanges_item_data:
                    top_exchanges_item_item: int | str
                    top_exchanges_item_item = top_exchanges_item_item_data
                    top_exchanges_item.append(top_exchanges_item_item)

                top_exchanges.append(top_exchanges_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "exchanges": exchanges,
                "instrument_types": instrument_types,
                "total_instruments": total_instruments,
            }
        )
        if diversity_score is not UNSET:
            field_dict["diversity_score"] = diversity_score
        if optimization_efficiency is not UNSET:
            field_dict["optimization_efficiency"] = optimization_efficiency
        if top_exchanges is not UNSET:
            field_dict["top_exchanges"] = top_exchanges

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.instrument_analysis_exchanges import InstrumentAnalysisExchanges
        from ..models.instrument_analysis_instrument_types import (
            InstrumentAnalysisInstrumentTypes,
        )

        d = dict(src_dict)
        exchanges = InstrumentAnalysisExchanges.from_dict(d.pop("exchanges"))

        instrument_types = InstrumentAnalysisInstrumentTypes.from_dict(
            d.pop("instrument_types")
        )

        total_instruments = d.pop("total_instruments")

        diversity_score = d.pop("diversity_score", UNSET)

        optimization_efficiency = d.pop("optimization_efficiency", UNSET)

        _top_exchanges = d.pop("top_exchanges", UNSET)
        top_exchanges: list[list[int | str]] | Unset = UNSET
        if _top_exchanges is not UNSET:
            top_exchanges = []
            for top_exchanges_item_data in _top_exchanges:
                top_exchanges_item = []
                _top_exchanges_item = top_exchanges_item_data
                for top_exchanges_item_item_data in _top_exchanges_item:

                    def _parse_top_exchanges_item_item(data: object) -> int | str:
                        return cast(int | str, data)

                    top_exchanges_item_item = _parse_top_exchanges_item_item(
                        top_exchanges_item_item_data
                    )

                    top_exchanges_item.append(top_exchanges_item_item)

                top_exchanges.append(top_exchanges_item)

        instrument_analysis = cls(
            exchanges=exchanges,
            instrument_types=instrument_types,
            total_instruments=total_instruments,
            diversity_score=diversity_score,
            optimization_efficiency=optimization_efficiency,
            top_exchanges=top_exchanges,
        )

        instrument_analysis.additional_properties = d
        return instrument_analysis

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
