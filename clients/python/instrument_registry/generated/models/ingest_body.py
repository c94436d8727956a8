from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.file_broker import FileBroker
from ..models.ingest_mode import IngestMode
from ..models.priority_word import PriorityWord
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.ingest_filters import IngestFilters


T = TypeVar("T", bound="IngestBody")


@_attrs_define
class IngestBody:
    """The file to ingest and its options. Every field may be absent or null.

    Attributes:
        broker_id (FileBroker | None | Unset):
        filters (IngestFilters | None | Unset):
        mode (IngestMode | None | Unset):
        priority (int | None | PriorityWord | Unset):
        source (None | str | Unset): The source: a file below the configured folder, or an http(s) URL of a configured
            origin. It is required unless a
            source is configured for the broker.
    """

    broker_id: FileBroker | None | Unset = UNSET
    filters: IngestFilters | None | Unset = UNSET
    mode: IngestMode | None | Unset = UNSET
    priority: int | None | PriorityWord | Unset = UNSET
    source: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.ingest_filters import IngestFilters

        broker_id: None | str | Unset
        if isinstance(self.broker_id, Unset):
            broker_id = UNSET
        elif isinstance(self.broker_id, FileBroker):
            broker_id = self.broker_id.value
        else:
            broker_id = self.broker_id

        filters: dict[str, Any] | None | Unset
        if isinstance(self.filters, Unset):
            filters = UNSET
        elif isinstance(self.filters, IngestFilters):
            filters = self.filters.to_dict()
        else:
            filters = self.filters

        mode: None | str | Unset
        if isinstance(self.mode, Unset):
            mode = UNSET
        elif isinstance(self.mode, IngestMode):
            mode = self.mode.value
        else:
            mode = self.mode

        priority: int | None | str | Unset
        if isinstance(self.priority, Unset):
            priority = UNSET
        elif isinstance(self.priority, PriorityWord):
            priority = self.priority.value
        else:
            priority = self.priority

        source: None | str | Unset
        if isinstance(self.source, Unset):
            source = UNSET
        else:
            source = self.source

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if broker_id is not UNSET:
            field_dict["broker_id"] = broker_id
        if filters is not UNSET:
            field_dict["filters"] = filters
        if mode is not UNSET:
            field_dict["mode"] = mode
        if priority is not UNSET:
            field_dict["priority"] = priority
        if source is not UNSET:
            field_dict["source"] = source

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.ingest_filters import IngestFilters

        d = dict(src_dict)

        def _parse_broker_id(data: object) -> FileBroker | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                broker_id_type_0 = FileBroker(data)

                return broker_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(FileBroker | None | Unset, data)

        broker_id = _parse_broker_id(d.pop("broker_id", UNSET))

        def _parse_filters(data: object) -> IngestFilters | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                filters_type_0 = IngestFilters.from_dict(data)

                return filters_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(IngestFilters | None | Unset, data)

        filters = _parse_filters(d.pop("filters", UNSET))

        def _parse_mode(data: object) -> IngestMode | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                mode_type_0 = IngestMode(data)

                return mode_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(IngestMode | None | Unset, data)

        mode = _parse_mode(d.pop("mode", UNSET))

        def _parse_priority(data: object) -> int | None | PriorityWord | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                componentsschemas_ingest_priority_type_1 = PriorityWord(data)

                return componentsschemas_ingest_priority_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(int | None | PriorityWord | Unset, data)

        priority = _parse_priority(d.pop("priority", UNSET))

        def _parse_source(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        source = _parse_source(d.pop("source", UNSET))

        ingest_body = cls(
            broker_id=broker_id,
            filters=filters,
            mode=mode,
            priority=priority,
            source=source,
        )

        return ingest_body
