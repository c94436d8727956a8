from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.status_broker import StatusBroker


T = TypeVar("T", bound="StatusCatalog")


@_attrs_define
class StatusCatalog:
    """The catalog.

    Attributes:
        brokers (list[StatusBroker]): The brokers whose files the service reads.
        instruments (int | None): The number of instruments. `null` before the catalog is loaded.
        is_demonstration (bool): Whether it is the catalog for demonstrations.
        published_at (datetime.datetime | None): The time of the last load, if known.
        version (None | str): The version. `null` before the catalog is loaded.
    """

    brokers: list[StatusBroker]
    instruments: int | None
    is_demonstration: bool
    published_at: datetime.datetime | None
    version: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        brokers = []
        for brokers_item_data in self.brokers:
            brokers_item = brokers_item_data.to_dict()
            brokers.append(brokers_item)

        instruments: int | None
        instruments = self.instruments

        is_demonstration = self.is_demonstration

        published_at: None | str
        if isinstance(self.published_at, datetime.datetime):
            published_at = self.published_at.isoformat()
        else:
            published_at = self.published_at

        version: None | str
        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "brokers": brokers,
                "instruments": instruments,
                "is_demonstration": is_demonstration,
                "published_at": published_at,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.status_broker import StatusBroker

        d = dict(src_dict)
        brokers = []
        _brokers = d.pop("brokers")
        for brokers_item_data in _brokers:
            brokers_item = StatusBroker.from_dict(brokers_item_data)

            brokers.append(brokers_item)

        def _parse_instruments(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        instruments = _parse_instruments(d.pop("instruments"))

        is_demonstration = d.pop("is_demonstration")

        def _parse_published_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                published_at_type_0 = datetime.datetime.fromisoformat(data)

                return published_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        published_at = _parse_published_at(d.pop("published_at"))

        def _parse_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        version = _parse_version(d.pop("version"))

        status_catalog = cls(
            brokers=brokers,
            instruments=instruments,
            is_demonstration=is_demonstration,
            published_at=published_at,
            version=version,
        )

        status_catalog.additional_properties = d
        return status_catalog

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
