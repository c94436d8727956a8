from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.exchange import Exchange
from ..models.instrument_type import InstrumentType
from ..models.match_kind import MatchKind
from ..models.segment import Segment
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.highlight_entry import HighlightEntry


T = TypeVar("T", bound="SearchHit")


@_attrs_define
class SearchHit:
    """An instrument that matches.

    Attributes:
        exchange (Exchange): The exchange of an instrument: the part of its key before the colon.
        expiry (datetime.date | None): The last trading date of a contract.
        instrument_key (str): The key of the instrument: `EXCHANGE:SYMBOL`.
        instrument_type (InstrumentType): The type of an instrument.
        is_active (bool): Whether the instrument is in the last accepted file of a broker.
        is_index (bool): Whether the instrument is an index.
        isin (None | str): The ISIN, if known.
        last_updated (datetime.datetime | None): The time of the last load whose file contained the instrument, if
            known.
        lot_size (int): The number of units in a lot; 0 for an index, and if no broker's file has it.
        name (str): The name of the instrument. It may be empty.
        segment (Segment): The segment of an exchange. Tokens of brokers are unique within a segment.
        strike (float | None): The strike of an option, in rupees.
        symbol (str): The part of the key after the colon.
        tick_size (float): The smallest price step in rupees; 0 for an index.
        underlying_symbol (None | str): The symbol of the underlying, if the instrument is a contract.
        highlight (list[HighlightEntry] | Unset): The parts that match. Absent if `include_metadata` is false.
        match (MatchKind | Unset): The way in which an instrument matches the query.
    """

    exchange: Exchange
    expiry: datetime.date | None
    instrument_key: str
    instrument_type: InstrumentType
    is_active: bool
    is_index: bool
    isin: None | str
    last_updated: datetime.datetime | None
    lot_size: int
    name: str
    segment: Segment
    strike: float | None
    symbol: str
    tick_size: float
    underlying_symbol: None | str
    highlight: list[HighlightEntry] | Unset = UNSET
    match: MatchKind | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        exchange = self.exchange.value

        expiry: None | str
        if isinstance(self.expiry, datetime.date):
            expiry = self.expiry.isoformat()
        else:
            expiry = self.expiry

        instrument_key = self.instrument_key

        instrument_type = self.instrument_type.value

        is_active = self.is_active

        is_index = self.is_index

        isin: None | str
        isin = self.isin

        last_updated: None | str
        if isinstance(self.last_updated, datetime.datetime):
            last_updated = self.last_updated.isoformat()
        else:
            last_updated = self.last_updated

        lot_size = self.lot_size

        name = self.name

        segment = self.segment.value

        strike: float | None
        strike = self.strike

        symbol = self.symbol

        tick_size = self.tick_size

        underlying_symbol: None | str
        underlying_symbol = self.underlying_symbol

        highlight: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.highlight, Unset):
            highlight = []
            for highlight_item_data in self.highlight:
                highlight_item = highlight_item_data.to_dict()
                highlight.append(highlight_item)

        match: str | Unset = UNSET
        if not isinstance(self.match, Unset):
            match = self.match.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "exchange": exchange,
                "expiry": expiry,
                "instrument_key": instrument_key,
                "instrument_type": instrument_type,
                "is_active": is_active,
                "is_index": is_index,
                "isin": isin,
                "last_updated": last_updated,
                "lot_size": lot_size,
                "name": name,
                "segment": segment,
                "strike": strike,
                "symbol": symbol,
                "tick_size": tick_size,
                "underlying_symbol": underlying_symbol,
            }
        )
        if highlight is not UNSET:
            field_dict["highlight"] = highlight
        if match is not UNSET:
            field_dict["match"] = match

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.highlight_entry import HighlightEntry

        d = dict(src_dict)
        exchange = Exchange(d.pop("exchange"))

        def _parse_expiry(data: object) -> datetime.date | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expiry_type_0 = datetime.date.fromisoformat(data)

                return expiry_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.date | None, data)

        expiry = _parse_expiry(d.pop("expiry"))

        instrument_key = d.pop("instrument_key")

        instrument_type = InstrumentType(d.pop("instrument_type"))

        is_active = d.pop("is_active")

        is_index = d.pop("is_index")

        def _parse_isin(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        isin = _parse_isin(d.pop("isin"))

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

        lot_size = d.pop("lot_size")

        name = d.pop("name")

        segment = Segment(d.pop("segment"))

        def _parse_strike(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        strike = _parse_strike(d.pop("strike"))

        symbol = d.pop("symbol")

        tick_size = d.pop("tick_size")

        def _parse_underlying_symbol(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        underlying_symbol = _parse_underlying_symbol(d.pop("underlying_symbol"))

        _highlight = d.pop("highlight", UNSET)
        highlight: list[HighlightEntry] | Unset = UNSET
        if _highlight is not UNSET:
            highlight = []
            for highlight_item_data in _highlight:
                highlight_item = HighlightEntry.from_dict(highlight_item_data)

                highlight.append(highlight_item)

        _match = d.pop("match", UNSET)
        match: MatchKind | Unset
        if isinstance(_match, Unset):
            match = UNSET
        else:
            match = MatchKind(_match)

        search_hit = cls(
            exchange=exchange,
            expiry=expiry,
            instrument_key=instrument_key,
            instrument_type=instrument_type,
            is_active=is_active,
            is_index=is_index,
            isin=isin,
            last_updated=last_updated,
            lot_size=lot_size,
            name=name,
            segment=segment,
            strike=strike,
            symbol=symbol,
            tick_size=tick_size,
            underlying_symbol=underlying_symbol,
            highlight=highlight,
            match=match,
        )

        search_hit.additional_properties = d
        return search_hit

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
