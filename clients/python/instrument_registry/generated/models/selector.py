from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.exchange import Exchange
from ..models.instrument_type import InstrumentType
from ..types import UNSET, Unset

T = TypeVar("T", bound="Selector")


@_attrs_define
class Selector:
    """A selector of instruments. It selects the active, unexpired instruments that meet every condition in it.

    Attributes:
        exchanges (list[Exchange] | None | Unset): The exchanges: `BCD`, `BFO`, `BSE`, `CDS`, `GLOBAL`, `MCX`, `NCO`,
            `NFO`, `NSE`, `NSEIX`.
        expiries (int | None | Unset): The number of expiries: the nearest ones, counted for each underlying and
            exchange, separately for futures and options.
            Instruments without an expiry are selected too.
        instrument_types (list[InstrumentType] | None | Unset): The instrument types: `INDEX`, `EQ`, `FUT`, `CE`, `PE`,
            `FUND`, `COM`, `DEBT`.
        limit (int | None | Unset): The maximum number of instruments, the nearest expiries first.
        max_strike (float | None | Unset): The highest strike, in rupees.
        min_strike (float | None | Unset): The lowest strike, in rupees. With `min_strike` or `max_strike`, instruments
            without a strike are not selected.
        underlying (None | str | Unset): The symbol of the underlying, 1 to 100 characters. It selects the share or
            index itself and its contracts.
    """

    exchanges: list[Exchange] | None | Unset = UNSET
    expiries: int | None | Unset = UNSET
    instrument_types: list[InstrumentType] | None | Unset = UNSET
    limit: int | None | Unset = UNSET
    max_strike: float | None | Unset = UNSET
    min_strike: float | None | Unset = UNSET
    underlying: None | str | Unset = UNSET

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

        expiries: int | None | Unset
        if isinstance(self.expiries, Unset):
            expiries = UNSET
        else:
            expiries = self.expiries

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

        limit: int | None | Unset
        if isinstance(self.limit, Unset):
            limit = UNSET
        else:
            limit = self.limit

        max_strike: float | None | Unset
        if isinstance(self.max_strike, Unset):
            max_strike = UNSET
        else:
            max_strike = self.max_strike

        min_strike: float | None | Unset
        if isinstance(self.min_strike, Unset):
            min_strike = UNSET
        else:
            min_strike = self.min_strike

        underlying: None | str | Unset
        if isinstance(self.underlying, Unset):
            underlying = UNSET
        else:
            underlying = self.underlying

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if exchanges is not UNSET:
            field_dict["exchanges"] = exchanges
        if expiries is not UNSET:
            field_dict["expiries"] = expiries
        if instrument_types is not UNSET:
            field_dict["instrument_types"] = instrument_types
        if limit is not UNSET:
            field_dict["limit"] = limit
        if max_strike is not UNSET:
            field_dict["max_strike"] = max_strike
        if min_strike is not UNSET:
            field_dict["min_strike"] = min_strike
        if underlying is not UNSET:
            field_dict["underlying"] = underlying

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

        def _parse_expiries(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        expiries = _parse_expiries(d.pop("expiries", UNSET))

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

        def _parse_limit(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        limit = _parse_limit(d.pop("limit", UNSET))

        def _parse_max_strike(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        max_strike = _parse_max_strike(d.pop("max_strike", UNSET))

        def _parse_min_strike(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        min_strike = _parse_min_strike(d.pop("min_strike", UNSET))

        def _parse_underlying(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        underlying = _parse_underlying(d.pop("underlying", UNSET))

        selector = cls(
            exchanges=exchanges,
            expiries=expiries,
            instrument_types=instrument_types,
            limit=limit,
            max_strike=max_strike,
            min_strike=min_strike,
            underlying=underlying,
        )

        return selector
