from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.entry_kind import EntryKind
from ..models.exchange import Exchange

if TYPE_CHECKING:
    from ..models.session_entry import SessionEntry


T = TypeVar("T", bound="CalendarEntry")


@_attrs_define
class CalendarEntry:
    """A day of an exchange, or its regular sessions.

    Attributes:
        date (datetime.date): The date; of regular sessions the first date on which they apply.
        description (str): The description of the loaded file; empty if it has none.
        exchange (Exchange): The exchange of an instrument: the part of its key before the colon.
        kind (EntryKind): The kind of an entry of a trading calendar.
        sessions (list[SessionEntry]): The sessions in the order of time; empty for a holiday.
    """

    date: datetime.date
    description: str
    exchange: Exchange
    kind: EntryKind
    sessions: list[SessionEntry]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        date = self.date.isoformat()

        description = self.description

        exchange = self.exchange.value

        kind = self.kind.value

        sessions = []
        for sessions_item_data in self.sessions:
            sessions_item = sessions_item_data.to_dict()
            sessions.append(sessions_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "date": date,
                "description": description,
                "exchange": exchange,
                "kind": kind,
                "sessions": sessions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.session_entry import SessionEntry

        d = dict(src_dict)
        date = datetime.date.fromisoformat(d.pop("date"))

        description = d.pop("description")

        exchange = Exchange(d.pop("exchange"))

        kind = EntryKind(d.pop("kind"))

        sessions = []
        _sessions = d.pop("sessions")
        for sessions_item_data in _sessions:
            sessions_item = SessionEntry.from_dict(sessions_item_data)

            sessions.append(sessions_item)

        calendar_entry = cls(
            date=date,
            description=description,
            exchange=exchange,
            kind=kind,
            sessions=sessions,
        )

        calendar_entry.additional_properties = d
        return calendar_entry

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
