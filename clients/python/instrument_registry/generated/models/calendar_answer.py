from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.calendar_entry import CalendarEntry
    from ..models.coverage_entry import CoverageEntry


T = TypeVar("T", bound="CalendarAnswer")


@_attrs_define
class CalendarAnswer:
    """The trading calendar in effect.

    Attributes:
        correlation_id (str): The correlation id of the request.
        count (int): The number of entries.
        entries (list[CalendarEntry]): The selected entries by date, then exchange.
        exchanges (list[CoverageEntry]): The exchanges of the calendar.
        loaded_at (datetime.datetime | None): The time at which the file was loaded; null if none is loaded.
        plan_date (datetime.date): The `as_of` of a plan request of today that has none.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        source (None | str): The name of the loaded file; null if none is loaded.
        version (int | None): The version of the calendar; null if none is loaded.
        warnings (list[str]): The reasons why the calendar must be loaded or replaced.
    """

    correlation_id: str
    count: int
    entries: list[CalendarEntry]
    exchanges: list[CoverageEntry]
    loaded_at: datetime.datetime | None
    plan_date: datetime.date
    response_time_ms: int
    source: None | str
    version: int | None
    warnings: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        count = self.count

        entries = []
        for entries_item_data in self.entries:
            entries_item = entries_item_data.to_dict()
            entries.append(entries_item)

        exchanges = []
        for exchanges_item_data in self.exchanges:
            exchanges_item = exchanges_item_data.to_dict()
            exchanges.append(exchanges_item)

        loaded_at: None | str
        if isinstance(self.loaded_at, datetime.datetime):
            loaded_at = self.loaded_at.isoformat()
        else:
            loaded_at = self.loaded_at

        plan_date = self.plan_date.isoformat()

        response_time_ms = self.response_time_ms

        source: None | str
        source = self.source

        version: int | None
        version = self.version

        warnings = self.warnings

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "count": count,
                "entries": entries,
                "exchanges": exchanges,
                "loaded_at": loaded_at,
                "plan_date": plan_date,
                "response_time_ms": response_time_ms,
                "source": source,
                "version": version,
                "warnings": warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.calendar_entry import CalendarEntry
        from ..models.coverage_entry import CoverageEntry

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        count = d.pop("count")

        entries = []
        _entries = d.pop("entries")
        for entries_item_data in _entries:
            entries_item = CalendarEntry.from_dict(entries_item_data)

            entries.append(entries_item)

        exchanges = []
        _exchanges = d.pop("exchanges")
        for exchanges_item_data in _exchanges:
            exchanges_item = CoverageEntry.from_dict(exchanges_item_data)

            exchanges.append(exchanges_item)

        def _parse_loaded_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                loaded_at_type_0 = datetime.datetime.fromisoformat(data)

                return loaded_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        loaded_at = _parse_loaded_at(d.pop("loaded_at"))

        plan_date = datetime.date.fromisoformat(d.pop("plan_date"))

        response_time_ms = d.pop("response_time_ms")

        def _parse_source(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        source = _parse_source(d.pop("source"))

        def _parse_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        version = _parse_version(d.pop("version"))

        warnings = cast(list[str], d.pop("warnings"))

        calendar_answer = cls(
            correlation_id=correlation_id,
            count=count,
            entries=entries,
            exchanges=exchanges,
            loaded_at=loaded_at,
            plan_date=plan_date,
            response_time_ms=response_time_ms,
            source=source,
            version=version,
            warnings=warnings,
        )

        calendar_answer.additional_properties = d
        return calendar_answer

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
