from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="CatalogueReference")


@_attrs_define
class CatalogueReference:
    """The catalog that a plan was created from.

    Attributes:
        content_hash (str): The SHA-256 of the content of the catalog.
        demonstration (bool): Whether the catalog is the demonstration catalog.
        file_date (datetime.date | None): The trading date of the newest file of the catalog, if known.
        version (str): The version of the catalog. `demo` for the demonstration catalog.
        current (str | Unset): The version of the current catalog. Present together with `planned`.
        planned (str | Unset): The same as `version`. Present only if a plan at a broker is read after the content of
            the catalog has changed.
        stale_instruments (int | Unset): The number of instruments that the verification of the plan does not find
            unchanged. Present together with `planned`.
    """

    content_hash: str
    demonstration: bool
    file_date: datetime.date | None
    version: str
    current: str | Unset = UNSET
    planned: str | Unset = UNSET
    stale_instruments: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        content_hash = self.content_hash

        demonstration = self.demonstration

        file_date: None | str
        if isinstance(self.file_date, datetime.date):
            file_date = self.file_date.isoformat()
        else:
            file_date = self.file_date

        version = self.version

        current = self.current

        planned = self.planned

        stale_instruments = self.stale_instruments

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "content_hash": content_hash,
                "demonstration": demonstration,
                "file_date": file_date,
                "version": version,
            }
        )
        if current is not UNSET:
            field_dict["current"] = current
        if planned is not UNSET:
            field_dict["planned"] = planned
        if stale_instruments is not UNSET:
            field_dict["stale_instruments"] = stale_instruments

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        content_hash = d.pop("content_hash")

        demonstration = d.pop("demonstration")

        def _parse_file_date(data: object) -> datetime.date | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                file_date_type_0 = datetime.date.fromisoformat(data)

                return file_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.date | None, data)

        file_date = _parse_file_date(d.pop("file_date"))

        version = d.pop("version")

        current = d.pop("current", UNSET)

        planned = d.pop("planned", UNSET)

        stale_instruments = d.pop("stale_instruments", UNSET)

        catalogue_reference = cls(
            content_hash=content_hash,
            demonstration=demonstration,
            file_date=file_date,
            version=version,
            current=current,
            planned=planned,
            stale_instruments=stale_instruments,
        )

        catalogue_reference.additional_properties = d
        return catalogue_reference

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
