from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.detailed_stats import DetailedStats
    from ..models.freshness import Freshness
    from ..models.summary_answer_exchanges import SummaryAnswerExchanges
    from ..models.summary_answer_instrument_types import SummaryAnswerInstrumentTypes


T = TypeVar("T", bound="SummaryAnswer")


@_attrs_define
class SummaryAnswer:
    """The figures of the catalog.

    Attributes:
        active_instruments (int): The number of instruments in the last accepted file of a broker.
        correlation_id (str): The correlation id of the request.
        data_freshness (Freshness): The age of the catalog data.
        exchanges (SummaryAnswerExchanges): The number of instruments by exchange.
        inactive_instruments (int): The number of instruments that are not in the last accepted file of any broker.
        instrument_types (SummaryAnswerInstrumentTypes): The number of instruments by type.
        last_updated (datetime.datetime | None): The time of the last update of an instrument, if known.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        total_instruments (int): The number of instruments, active and inactive.
        version (str): The version of the catalog.
        detailed_stats (DetailedStats | Unset): Detailed figures of the catalog.
    """

    active_instruments: int
    correlation_id: str
    data_freshness: Freshness
    exchanges: SummaryAnswerExchanges
    inactive_instruments: int
    instrument_types: SummaryAnswerInstrumentTypes
    last_updated: datetime.datetime | None
    response_time_ms: int
    total_instruments: int
    version: str
    detailed_stats: DetailedStats | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        active_instruments = self.active_instruments

        correlation_id = self.correlation_id

        data_freshness = self.data_freshness.to_dict()

        exchanges = self.exchanges.to_dict()

        inactive_instruments = self.inactive_instruments

        instrument_types = self.instrument_types.to_dict()

        last_updated: None | str
        if isinstance(self.last_updated, datetime.datetime):
            last_updated = self.last_updated.isoformat()
        else:
            last_updated = self.last_updated

        response_time_ms = self.response_time_ms

        total_instruments = self.total_instruments

        version = self.version

        detailed_stats: dict[str, Any] | Unset = UNSET
        if not isinstance(self.detailed_stats, Unset):
            detailed_stats = self.detailed_stats.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "active_instruments": active_instruments,
                "correlation_id": correlation_id,
                "data_freshness": data_freshness,
                "exchanges": exchanges,
                "inactive_instruments": inactive_instruments,
                "instrument_types": instrument_types,
                "last_updated": last_updated,
                "response_time_ms": response_time_ms,
                "total_instruments": total_instruments,
                "version": version,
            }
        )
        if detailed_stats is not UNSET:
            field_dict["detailed_stats"] = detailed_stats

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.detailed_stats import DetailedStats
        from ..models.freshness import Freshness
        from ..models.summary_answer_exchanges import SummaryAnswerExchanges
        from ..models.summary_answer_instrument_types import (
            SummaryAnswerInstrumentTypes,
        )

        d = dict(src_dict)
        active_instruments = d.pop("active_instruments")

        correlation_id = d.pop("correlation_id")

        data_freshness = Freshness.from_dict(d.pop("data_freshness"))

        exchanges = SummaryAnswerExchanges.from_dict(d.pop("exchanges"))

        inactive_instruments = d.pop("inactive_instruments")

        instrument_types = SummaryAnswerInstrumentTypes.from_dict(
            d.pop("instrument_types")
        )

        def _parse_last_updated(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_updated_type_0 = datetime.datetime.fromisoformat(data)

                return last_updated_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_updated = _parse_last_updated(d.pop("last_updated"))

        response_time_ms = d.pop("response_time_ms")

        total_instruments = d.pop("total_instruments")

        version = d.pop("version")

        _detailed_stats = d.pop("detailed_stats", UNSET)
        detailed_stats: DetailedStats | Unset
        if isinstance(_detailed_stats, Unset):
            detailed_stats = UNSET
        else:
            detailed_stats = DetailedStats.from_dict(_detailed_stats)

        summary_answer = cls(
            active_instruments=active_instruments,
            correlation_id=correlation_id,
            data_freshness=data_freshness,
            exchanges=exchanges,
            inactive_instruments=inactive_instruments,
            instrument_types=instrument_types,
            last_updated=last_updated,
            response_time_ms=response_time_ms,
            total_instruments=total_instruments,
            version=version,
            detailed_stats=detailed_stats,
        )

        summary_answer.additional_properties = d
        return summary_answer

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
