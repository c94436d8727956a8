from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker

if TYPE_CHECKING:
    from ..models.status_broker_last_diff_type_0 import StatusBrokerLastDiffType0
    from ..models.status_refusal import StatusRefusal


T = TypeVar("T", bound="StatusBroker")


@_attrs_define
class StatusBroker:
    """The last files of a broker.

    Attributes:
        active_tokens (int): The number of tokens of active instruments.
        age_days (int | None): The number of days since that date.
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are
            not read.
        file_date (datetime.date | None): The trading date of the last accepted file, if known.
        last_diff (None | StatusBrokerLastDiffType0): The number of changes of each kind between the last two accepted
            files. Null without a file.
        loaded_at (datetime.datetime | None): The time at which the last file was accepted, if known.
        refusal (None | StatusRefusal):
        version (int | None): The version of the catalog that the last accepted file created.
    """

    active_tokens: int
    age_days: int | None
    broker_id: Broker
    file_date: datetime.date | None
    last_diff: None | StatusBrokerLastDiffType0
    loaded_at: datetime.datetime | None
    refusal: None | StatusRefusal
    version: int | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.status_broker_last_diff_type_0 import StatusBrokerLastDiffType0
        from ..models.status_refusal import StatusRefusal

        active_tokens = self.active_tokens

        age_days: int | None
        age_days = self.age_days

        broker_id = self.broker_id.value

        file_date: None | str
        if isinstance(self.file_date, datetime.date):
            file_date = self.file_date.isoformat()
        else:
            file_date = self.file_date

        last_diff: dict[str, Any] | None
        if isinstance(self.last_diff, StatusBrokerLastDiffType0):
            last_diff = self.last_diff.to_dict()
        else:
            last_diff = self.last_diff

        loaded_at: None | str
        if isinstance(self.loaded_at, datetime.datetime):
            loaded_at = self.loaded_at.isoformat()
        else:
            loaded_at = self.loaded_at

        refusal: dict[str, Any] | None
        if isinstance(self.refusal, StatusRefusal):
            refusal = self.refusal.to_dict()
        else:
            refusal = self.refusal

        version: int | None
        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "active_tokens": active_tokens,
                "age_days": age_days,
                "broker_id": broker_id,
                "file_date": file_date,
                "last_diff": last_diff,
                "loaded_at": loaded_at,
                "refusal": refusal,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.status_broker_last_diff_type_0 import StatusBrokerLastDiffType0
        from ..models.status_refusal import StatusRefusal

        d = dict(src_dict)
        active_tokens = d.pop("active_tokens")

        def _parse_age_days(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        age_days = _parse_age_days(d.pop("age_days"))

        broker_id = Broker(d.pop("broker_id"))

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

        def _parse_last_diff(data: object) -> None | StatusBrokerLastDiffType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                last_diff_type_0 = StatusBrokerLastDiffType0.from_dict(data)

                return last_diff_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StatusBrokerLastDiffType0, data)

        last_diff = _parse_last_diff(d.pop("last_diff"))

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

        def _parse_refusal(data: object) -> None | StatusRefusal:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                refusal_type_0 = StatusRefusal.from_dict(data)

                return refusal_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StatusRefusal, data)

        refusal = _parse_refusal(d.pop("refusal"))

        def _parse_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        version = _parse_version(d.pop("version"))

        status_broker = cls(
            active_tokens=active_tokens,
            age_days=age_days,
            broker_id=broker_id,
            file_date=file_date,
            last_diff=last_diff,
            loaded_at=loaded_at,
            refusal=refusal,
            version=version,
        )

        status_broker.additional_properties = d
        return status_broker

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
