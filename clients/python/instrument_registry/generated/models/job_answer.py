from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..models.ingest_mode import IngestMode
from ..models.job_state import JobState
from ..types import UNSET, Unset

T = TypeVar("T", bound="JobAnswer")


@_attrs_define
class JobAnswer:
    """The status and progress of a job.

    Attributes:
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are
            not read.
        correlation_id (str): The correlation id of the request.
        created_at (datetime.datetime): The time when the job was queued.
        duplicate_rows (int): The number of rows that were dropped because they are equal to an earlier row.
        errors (list[str]): The reasons why the job failed: every gate that rejected the file, with its figure, the
            remedy if there is one, and
            the place of the kept file.
        job_id (str): The id of a job.
        mode (IngestMode): The way in which a file replaces the last load of a broker. `full_catalog`: instruments that
            the file lacks become inactive. `incremental`: the file adds and updates instruments. `on_demand`: as
            `full_catalog`, limited to the instruments that the filters select.
        new_instruments (int): The number of instruments that the previous load did not have.
        priority (int): The priority. The queued job with the highest priority runs first.
        processed_instruments (int): The number of rows that were read.
        progress (int): The progress in percent.
        rejected_rows (int): The number of rows that were rejected because they cannot be read, or because nothing
            distinguishes them.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        skipped_rows (int): The number of rows that were skipped because they belong to an exchange that the service
            does not carry.
        source (str): The path or URL of the file.
        status (JobState): The status of a job.
        updated_instruments (int): The number of instruments that differ from the previous load.
        warnings (list[str]): Unusual properties of an accepted file, for example a small segment that is missing.
        finished_at (datetime.datetime | Unset): The time when the job completed, failed or was canceled. Absent until
            then.
        started_at (datetime.datetime | Unset): The time when the job started to run. Absent if it has not started.
        version (int | Unset): The version of the catalog that the job created. Absent if the job did not create one.
    """

    broker_id: Broker
    correlation_id: str
    created_at: datetime.datetime
    duplicate_rows: int
    errors: list[str]
    job_id: str
    mode: IngestMode
    new_instruments: int
    priority: int
    processed_instruments: int
    progress: int
    rejected_rows: int
    response_time_ms: int
    skipped_rows: int
    source: str
    status: JobState
    updated_instruments: int
    warnings: list[str]
    finished_at: datetime.datetime | Unset = UNSET
    started_at: datetime.datetime | Unset = UNSET
    version: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        broker_id = self.broker_id.value

        correlation_id = self.correlation_id

        created_at = self.created_at.isoformat()

        duplicate_rows = self.duplicate_rows

        errors = self.errors

        job_id = self.job_id

        mode = self.mode.value

        new_instruments = self.new_instruments

        priority = self.priority

        processed_instruments = self.processed_instruments

        progress = self.progress

        rejected_rows = self.rejected_rows

        response_time_ms = self.response_time_ms

        skipped_rows = self.skipped_rows

        source = self.source

        status = self.status.value

        updated_instruments = self.updated_instruments

        warnings = self.warnings

        finished_at: str | Unset = UNSET
        if not isinstance(self.finished_at, Unset):
            finished_at = self.finished_at.isoformat()

        started_at: str | Unset = UNSET
        if not isinstance(self.started_at, Unset):
            started_at = self.started_at.isoformat()

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "broker_id": broker_id,
                "correlation_id": correlation_id,
                "created_at": created_at,
                "duplicate_rows": duplicate_rows,
                "errors": errors,
                "job_id": job_id,
                "mode": mode,
                "new_instruments": new_instruments,
                "priority": priority,
                "processed_instruments": processed_instruments,
                "progress": progress,
                "rejected_rows": rejected_rows,
                "response_time_ms": response_time_ms,
                "skipped_rows": skipped_rows,
                "source": source,
                "status": status,
                "updated_instruments": updated_instruments,
                "warnings": warnings,
            }
        )
        if finished_at is not UNSET:
            field_dict["finished_at"] = finished_at
        if started_at is not UNSET:
            field_dict["started_at"] = started_at
        if version is not UNSET:
            field_dict["version"] = version

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        broker_id = Broker(d.pop("broker_id"))

        correlation_id = d.pop("correlation_id")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        duplicate_rows = d.pop("duplicate_rows")

        errors = cast(list[str], d.pop("errors"))

        job_id = d.pop("job_id")

        mode = IngestMode(d.pop("mode"))

        new_instruments = d.pop("new_instruments")

        priority = d.pop("priority")

        processed_instruments = d.pop("processed_instruments")

        progress = d.pop("progress")

        rejected_rows = d.pop("rejected_rows")

        response_time_ms = d.pop("response_time_ms")

        skipped_rows = d.pop("skipped_rows")

        source = d.pop("source")

        status = JobState(d.pop("status"))

        updated_instruments = d.pop("updated_instruments")

        warnings = cast(list[str], d.pop("warnings"))

        _finished_at = d.pop("finished_at", UNSET)
        finished_at: datetime.datetime | Unset
        if isinstance(_finished_at, Unset):
            finished_at = UNSET
        else:
            finished_at = datetime.datetime.fromisoformat(_finished_at)

        _started_at = d.pop("started_at", UNSET)
        started_at: datetime.datetime | Unset
        if isinstance(_started_at, Unset):
            started_at = UNSET
        else:
            started_at = datetime.datetime.fromisoformat(_started_at)

        version = d.pop("version", UNSET)

        job_answer = cls(
            broker_id=broker_id,
            correlation_id=correlation_id,
            created_at=created_at,
            duplicate_rows=duplicate_rows,
            errors=errors,
            job_id=job_id,
            mode=mode,
            new_instruments=new_instruments,
            priority=priority,
            processed_instruments=processed_instruments,
            progress=progress,
            rejected_rows=rejected_rows,
            response_time_ms=response_time_ms,
            skipped_rows=skipped_rows,
            source=source,
            status=status,
            updated_instruments=updated_instruments,
            warnings=warnings,
            finished_at=finished_at,
            started_at=started_at,
            version=version,
        )

        job_answer.additional_properties = d
        return job_answer

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
