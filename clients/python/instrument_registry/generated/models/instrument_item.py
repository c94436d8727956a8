from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.mode import Mode
from ..types import UNSET, Unset

T = TypeVar("T", bound="InstrumentItem")


@_attrs_define
class InstrumentItem:
    """An entry with one instrument.

    Attributes:
        instrument (str): An instrument as the caller sends it, usually `EXCHANGE:SYMBOL`. It must not contain U+0000.
        min_mode (Mode | None | Unset):
        mode (Mode | None | Unset):
        pinned (bool | None | Unset): Whether no limit may leave out the entry. The request is rejected with 409
            `pinned_over_capacity` if not all
            pinned instruments fit. Requires `broker`.
        priority (int | None | Unset):
    """

    instrument: str
    min_mode: Mode | None | Unset = UNSET
    mode: Mode | None | Unset = UNSET
    pinned: bool | None | Unset = UNSET
    priority: int | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        instrument = self.instrument

        min_mode: None | str | Unset
        if isinstance(self.min_mode, Unset):
            min_mode = UNSET
        elif isinstance(self.min_mode, Mode):
            min_mode = self.min_mode.value
        else:
            min_mode = self.min_mode

        mode: None | str | Unset
        if isinstance(self.mode, Unset):
            mode = UNSET
        elif isinstance(self.mode, Mode):
            mode = self.mode.value
        else:
            mode = self.mode

        pinned: bool | None | Unset
        if isinstance(self.pinned, Unset):
            pinned = UNSET
        else:
            pinned = self.pinned

        priority: int | None | Unset
        if isinstance(self.priority, Unset):
            priority = UNSET
        else:
            priority = self.priority

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "instrument": instrument,
            }
        )
        if min_mode is not UNSET:
            field_dict["min_mode"] = min_mode
        if mode is not UNSET:
            field_dict["mode"] = mode
        if pinned is not UNSET:
            field_dict["pinned"] = pinned
        if priority is not UNSET:
            field_dict["priority"] = priority

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        instrument = d.pop("instrument")

        def _parse_min_mode(data: object) -> Mode | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                min_mode_type_0 = Mode(data)

                return min_mode_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Mode | None | Unset, data)

        min_mode = _parse_min_mode(d.pop("min_mode", UNSET))

        def _parse_mode(data: object) -> Mode | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                mode_type_0 = Mode(data)

                return mode_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Mode | None | Unset, data)

        mode = _parse_mode(d.pop("mode", UNSET))

        def _parse_pinned(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        pinned = _parse_pinned(d.pop("pinned", UNSET))

        def _parse_priority(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        priority = _parse_priority(d.pop("priority", UNSET))

        instrument_item = cls(
            instrument=instrument,
            min_mode=min_mode,
            mode=mode,
            pinned=pinned,
            priority=priority,
        )

        return instrument_item
