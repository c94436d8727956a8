from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.exchange import Exchange
from ..models.instrument_type import InstrumentType
from ..types import UNSET, Unset

T = TypeVar("T", bound="RulesBody")


@_attrs_define
class RulesBody:
    """The rules that an instrument must meet to be included in plans.

    Attributes:
        allowed_exchanges (list[Exchange] | None | Unset): The allowed exchanges.
        allowed_types (list[InstrumentType] | None | Unset): The allowed instrument types.
        max_per_underlying (int | None | Unset): The maximum number of instruments of one underlying. Instruments with
            the highest priority are kept first, then those
            that come first in the profile.
        min_days_to_expiry (int | None | Unset): The minimum number of calendar days until the instrument expires.
        require_active (bool | None | Unset): Whether the last accepted file of at least one broker must contain the
            instrument.
    """

    allowed_exchanges: list[Exchange] | None | Unset = UNSET
    allowed_types: list[InstrumentType] | None | Unset = UNSET
    max_per_underlying: int | None | Unset = UNSET
    min_days_to_expiry: int | None | Unset = UNSET
    require_active: bool | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        allowed_exchanges: list[str] | None | Unset
        if isinstance(self.allowed_exchanges, Unset):
            allowed_exchanges = UNSET
        elif isinstance(self.allowed_exchanges, list):
            allowed_exchanges = []
            for allowed_exchanges_type_0_item_data in self.allowed_exchanges:
                allowed_exchanges_type_0_item = allowed_exchanges_type_0_item_data.value
                allowed_exchanges.append(allowed_exchanges_type_0_item)

        else:
            allowed_exchanges = self.allowed_exchanges

        allowed_types: list[str] | None | Unset
        if isinstance(self.allowed_types, Unset):
            allowed_types = UNSET
        elif isinstance(self.allowed_types, list):
            allowed_types = []
            for allowed_types_type_0_item_data in self.allowed_types:
                allowed_types_type_0_item = allowed_types_type_0_item_data.value
                allowed_types.append(allowed_types_type_0_item)

        else:
            allowed_types = self.allowed_types

        max_per_underlying: int | None | Unset
        if isinstance(self.max_per_underlying, Unset):
            max_per_underlying = UNSET
        else:
            max_per_underlying = self.max_per_underlying

        min_days_to_expiry: int | None | Unset
        if isinstance(self.min_days_to_expiry, Unset):
            min_days_to_expiry = UNSET
        else:
            min_days_to_expiry = self.min_days_to_expiry

        require_active: bool | None | Unset
        if isinstance(self.require_active, Unset):
            require_active = UNSET
        else:
            require_active = self.require_active

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if allowed_exchanges is not UNSET:
            field_dict["allowed_exchanges"] = allowed_exchanges
        if allowed_types is not UNSET:
            field_dict["allowed_types"] = allowed_types
        if max_per_underlying is not UNSET:
            field_dict["max_per_underlying"] = max_per_underlying
        if min_days_to_expiry is not UNSET:
            field_dict["min_days_to_expiry"] = min_days_to_expiry
        if require_active is not UNSET:
            field_dict["require_active"] = require_active

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_allowed_exchanges(data: object) -> list[Exchange] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                allowed_exchanges_type_0 = []
                _allowed_exchanges_type_0 = data
                for allowed_exchanges_type_0_item_data in _allowed_exchanges_type_0:
                    allowed_exchanges_type_0_item = Exchange(
                        allowed_exchanges_type_0_item_data
                    )

                    allowed_exchanges_type_0.append(allowed_exchanges_type_0_item)

                return allowed_exchanges_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[Exchange] | None | Unset, data)

        allowed_exchanges = _parse_allowed_exchanges(d.pop("allowed_exchanges", UNSET))

        def _parse_allowed_types(data: object) -> list[InstrumentType] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                allowed_types_type_0 = []
                _allowed_types_type_0 = data
                for allowed_types_type_0_item_data in _allowed_types_type_0:
                    allowed_types_type_0_item = InstrumentType(
                        allowed_types_type_0_item_data
                    )

                    allowed_types_type_0.append(allowed_types_type_0_item)

                return allowed_types_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[InstrumentType] | None | Unset, data)

        allowed_types = _parse_allowed_types(d.pop("allowed_types", UNSET))

        def _parse_max_per_underlying(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        max_per_underlying = _parse_max_per_underlying(
            d.pop("max_per_underlying", UNSET)
        )

        def _parse_min_days_to_expiry(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        min_days_to_expiry = _parse_min_days_to_expiry(
            d.pop("min_days_to_expiry", UNSET)
        )

        def _parse_require_active(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        require_active = _parse_require_active(d.pop("require_active", UNSET))

        rules_body = cls(
            allowed_exchanges=allowed_exchanges,
            allowed_types=allowed_types,
            max_per_underlying=max_per_underlying,
            min_days_to_expiry=min_days_to_expiry,
            require_active=require_active,
        )

        return rules_body
