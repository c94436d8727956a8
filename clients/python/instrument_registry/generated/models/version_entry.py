from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.overruled import Overruled
    from ..models.version_entry_diff_counts_type_0 import VersionEntryDiffCountsType0
    from ..models.version_entry_rejected import VersionEntryRejected
    from ..models.version_entry_skipped import VersionEntrySkipped


T = TypeVar("T", bound="VersionEntry")


@_attrs_define
class VersionEntry:
    """An accepted load.

    Attributes:
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are
            not read.
        content_hash (str): A SHA-256 digest in hexadecimal digits.
        diff_counts (None | VersionEntryDiffCountsType0): The number of changes since the previous load of the broker,
            by kind. Kinds without a change are absent. Null if the
            load was accepted before changes were recorded.
        duplicates (int): The number of rows that were dropped because they are equal to an earlier row.
        instruments (int): The number of instruments in the file.
        loaded_at (datetime.datetime): The time when the service started to read the file.
        rows_read (int): The number of rows of the file, without the header.
        source (str): The path or URL of the file.
        version (int): The version of the catalog that the load created.
        file_date (datetime.date | Unset): The trading date of the file, if known.
        overruled (list[Overruled] | Unset): The gates that rejected the file and that an operator overruled. Absent if
            empty.
        rejected (VersionEntryRejected | Unset): The number of rows that were rejected, by reason. Absent if empty.
        skipped (VersionEntrySkipped | Unset): The number of rows that were skipped because the service does not carry
            them, by reason. Absent if empty.
        warnings (list[Overruled] | Unset): Unusual properties of the file that did not reject it. Absent if empty.
    """

    broker_id: Broker
    content_hash: str
    diff_counts: None | VersionEntryDiffCountsType0
    duplicates: int
    instruments: int
    loaded_at: datetime.datetime
    rows_read: int
    source: str
    version: int
    file_date: datetime.date | Unset = UNSET
    overruled: list[Overruled] | Unset = UNSET
    rejected: VersionEntryRejected | Unset = UNSET
    skipped: VersionEntrySkipped | Unset = UNSET
    warnings: list[Overruled] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.version_entry_diff_counts_type_0 import (
            VersionEntryDiffCountsType0,
        )

        broker_id = self.broker_id.value

        content_hash = self.content_hash

        diff_counts: dict[str, Any] | None
        if isinstance(self.diff_counts, VersionEntryDiffCountsType0):
            diff_counts = self.diff_counts.to_dict()
        else:
            diff_counts = self.diff_counts

        duplicates = self.duplicates

        instruments = self.instruments

        loaded_at = self.loaded_at.isoformat()

        rows_read = self.rows_read

        source = self.source

        version = self.version

        file_date: str | Unset = UNSET
        if not isinstance(self.file_date, Unset):
            file_date = self.file_date.isoformat()

        overruled: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.overruled, Unset):
            overruled = []
            for overruled_item_data in self.overruled:
                overruled_item = overruled_item_data.to_dict()
                overruled.append(overruled_item)

        rejected: dict[str, Any] | Unset = UNSET
        if not isinstance(self.rejected, Unset):
            rejected = self.rejected.to_dict()

        skipped: dict[str, Any] | Unset = UNSET
        if not isinstance(self.skipped, Unset):
            skipped = self.skipped.to_dict()

        warnings: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.warnings, Unset):
            warnings = []
            for warnings_item_data in self.warnings:
                warnings_item = warnings_item_data.to_dict()
                warnings.append(warnings_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "broker_id": broker_id,
                "content_hash": content_hash,
                "diff_counts": diff_counts,
                "duplicates": duplicates,
                "instruments": instruments,
                "loaded_at": loaded_at,
                "rows_read": rows_read,
                "source": source,
                "version": version,
            }
        )
        if file_date is not UNSET:
            field_dict["file_date"] = file_date
        if overruled is not UNSET:
            field_dict["overruled"] = overruled
        if rejected is not UNSET:
            field_dict["rejected"] = rejected
        if skipped is not UNSET:
            field_dict["skipped"] = skipped
        if warnings is not UNSET:
            field_dict["warnings"] = warnings

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.overruled import Overruled
        from ..models.version_entry_diff_counts_type_0 import (
            VersionEntryDiffCountsType0,
        )
        from ..models.version_entry_rejected import VersionEntryRejected
        from ..models.version_entry_skipped import VersionEntrySkipped

        d = dict(src_dict)
        broker_id = Broker(d.pop("broker_id"))

        content_hash = d.pop("content_hash")

        def _parse_diff_counts(data: object) -> None | VersionEntryDiffCountsType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                diff_counts_type_0 = VersionEntryDiffCountsType0.from_dict(data)

                return diff_counts_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | VersionEntryDiffCountsType0, data)

        diff_counts = _parse_diff_counts(d.pop("diff_counts"))

        duplicates = d.pop("duplicates")

        instruments = d.pop("instruments")

        loaded_at = datetime.datetime.fromisoformat(d.pop("loaded_at"))

        rows_read = d.pop("rows_read")

        source = d.pop("source")

        version = d.pop("version")

        _file_date = d.pop("file_date", UNSET)
        file_date: datetime.date | Unset
        if isinstance(_file_date, Unset):
            file_date = UNSET
        else:
            file_date = datetime.date.fromisoformat(_file_date)

        _overruled = d.pop("overruled", UNSET)
        overruled: list[Overruled] | Unset = UNSET
        if _overruled is not UNSET:
            overruled = []
            for overruled_item_data in _overruled:
                overruled_item = Overruled.from_dict(overruled_item_data)

                overruled.append(overruled_item)

        _rejected = d.pop("rejected", UNSET)
        rejected: VersionEntryRejected | Unset
        if isinstance(_rejected, Unset):
            rejected = UNSET
        else:
            rejected = VersionEntryRejected.from_dict(_rejected)

        _skipped = d.pop("skipped", UNSET)
        skipped: VersionEntrySkipped | Unset
        if isinstance(_skipped, Unset):
            skipped = UNSET
        else:
            skipped = VersionEntrySkipped.from_dict(_skipped)

        _warnings = d.pop("warnings", UNSET)
        warnings: list[Overruled] | Unset = UNSET
        if _warnings is not UNSET:
            warnings = []
            for warnings_item_data in _warnings:
                warnings_item = Overruled.from_dict(warnings_item_data)

                warnings.append(warnings_item)

        version_entry = cls(
            broker_id=broker_id,
            content_hash=content_hash,
            diff_counts=diff_counts,
            duplicates=duplicates,
            instruments=instruments,
            loaded_at=loaded_at,
            rows_read=rows_read,
            source=source,
            version=version,
            file_date=file_date,
            overruled=overruled,
            rejected=rejected,
            skipped=skipped,
            warnings=warnings,
        )

        version_entry.additional_properties = d
        return version_entry

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
