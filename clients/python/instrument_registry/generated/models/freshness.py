from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.freshness_status import FreshnessStatus

T = TypeVar("T", bound="Freshness")


@_attrs_define
class Freshness:
    """The age of the catalog data.

    Attributes:
        age_days (int | None): The number of days since that date.
        newest_file_date (datetime.date | None): The trading date of the newest file, if known.
        status (FreshnessStatus): The age of the catalog data. `unknown`: no file has a date. `demonstration`: no file
            has been accepted yet.
    """

    age_days: int | None
    newest_file_date: datetime.date | None
    status: FreshnessStatus
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        age_days: int | None
        age_days = self.age_days

        newest_file_date: None | str
        if isinstance(self.newest_file_date, datetime.date):
            newest_file_date = self.newest_file_date.isoformat()
        else:
            newest_file_date = self.newest_file_date

        status = self.status.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "age_days": age_days,
                "newest_file_date": newest_file_date,
                "status": status,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_age_days(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        age_days = _parse_age_days(d.pop("age_days"))

        def _parse_newest_file_date(data: object) -> datetime.date | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                newest_file_date_type_0 = datetime.date.fromisoformat(data)

                return newest_file_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.date | None, data)

        newest_file_date = _parse_newest_file_date(d.pop("newest_file_date"))

        status = FreshnessStatus(d.pop("status"))

        freshness = cls(
            age_days=age_days,
            newest_file_date=newest_file_date,
            status=status,
        )

        freshness.additional_properties = d
        return freshness

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
