from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.asset_class import AssetClass
from ..models.exchange import Exchange
from ..models.instrument_type import InstrumentType
from ..types import UNSET, Unset

T = TypeVar("T", bound="SearchFilters")


@_attrs_define
class SearchFilters:
    """The filters of a search.

    Attributes:
        asset_classes (list[AssetClass] | None | Unset): The asset classes to search. An empty list selects all.
        exchanges (list[Exchange] | None | Unset): The exchanges to search. An empty list selects all.
        has_options (bool | None | Unset): Whether options on the instrument are traded.
        instrument_types (list[InstrumentType] | None | Unset): The instrument types to search. An empty list selects
            all.
        is_active (bool | None | Unset): Whether the instrument is in the last accepted file of a broker.
        max_lot_size (int | None | Unset): The largest lot size.
        min_lot_size (int | None | Unset): The smallest lot size. It is at most `max_lot_size`.
    """

    asset_classes: list[AssetClass] | None | Unset = UNSET
    exchanges: list[Exchange] | None | Unset = UNSET
    has_options: bool | None | Unset = UNSET
    instrument_types: list[InstrumentType] | None | Unset = UNSET
    is_active: bool | None | Unset = UNSET
    max_lot_size: int | None | Unset = UNSET
    min_lot_size: int | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        asset_classes: list[str] | None | Unset
        if isinstance(self.asset_classes, Unset):
            asset_classes = UNSET
        elif isinstance(self.asset_classes, list):
            asset_classes = []
            for asset_classes_type_0_item_data in self.asset_classes:
                asset_classes_type_0_item = asset_classes_type_0_item_data.value
                asset_classes.append(asset_classes_type_0_item)

        else:
            asset_classes = self.asset_classes

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

        has_options: bool | None | Unset
        if isinstance(self.has_options, Unset):
            has_options = UNSET
        else:
            has_options = self.has_options

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

        is_active: bool | None | Unset
        if isinstance(self.is_active, Unset):
            is_active = UNSET
        else:
            is_active = self.is_active

        max_lot_size: int | None | Unset
        if isinstance(self.max_lot_size, Unset):
            max_lot_size = UNSET
        else:
            max_lot_size = self.max_lot_size

        min_lot_size: int | None | Unset
        if isinstance(self.min_lot_size, Unset):
            min_lot_size = UNSET
        else:
            min_lot_size = self.min_lot_size

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if asset_classes is not UNSET:
            field_dict["asset_classes"] = asset_classes
        if exchanges is not UNSET:
            field_dict["exchanges"] = exchanges
        if has_options is not UNSET:
            field_dict["has_options"] = has_options
        if instrument_types is not UNSET:
            field_dict["instrument_types"] = instrument_types
        if is_active is not UNSET:
            field_dict["is_active"] = is_active
        if max_lot_size is not UNSET:
            field_dict["max_lot_size"] = max_lot_size
        if min_lot_size is not UNSET:
            field_dict["min_lot_size"] = min_lot_size

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_asset_classes(data: object) -> list[AssetClass] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                asset_classes_type_0 = []
                _asset_classes_type_0 = data
                for asset_classes_type_0_item_data in _asset_classes_type_0:
                    asset_classes_type_0_item = AssetClass(
                        asset_classes_type_0_item_data
                    )

                    asset_classes_type_0.append(asset_classes_type_0_item)

                return asset_classes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[AssetClass] | None | Unset, data)

        asset_classes = _parse_asset_classes(d.pop("asset_classes", UNSET))

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

        def _parse_has_options(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        has_options = _parse_has_options(d.pop("has_options", UNSET))

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

        def _parse_is_active(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        is_active = _parse_is_active(d.pop("is_active", UNSET))

        def _parse_max_lot_size(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        max_lot_size = _parse_max_lot_size(d.pop("max_lot_size", UNSET))

        def _parse_min_lot_size(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        min_lot_size = _parse_min_lot_size(d.pop("min_lot_size", UNSET))

        search_filters = cls(
            asset_classes=asset_classes,
            exchanges=exchanges,
            has_options=has_options,
            instrument_types=instrument_types,
            is_active=is_active,
            max_lot_size=max_lot_size,
            min_lot_size=min_lot_size,
        )

        return search_filters
