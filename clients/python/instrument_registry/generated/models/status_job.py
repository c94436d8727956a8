from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..models.ingest_mode import IngestMode
from ..models.job_state import JobState

T = TypeVar("T", bound="StatusJob")


@_attrs_define
class StatusJob:
    """A job.

    Attributes:
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are
            not read.
        created_at (datetime.datetime): The time of the request.
        errors (list[str]): The reasons of a failure.
        finished_at (datetime.datetime | None): The time at which the job finished.
        job_id (str): The id of a job.
        mode (IngestMode): The way in which a file replaces the last load of a broker. `full_catalog`: instruments that
            the file lacks become inactive. `incremental`: the file adds and updates instruments. `on_demand`: as
            `full_catalog`, limited to the instruments that the filters select.
        processed_instruments (int): The number of rows read.
        progress (int): The progress in percent.
        status (JobState): The status of a job.
    """

    broker_id: Broker
    created_at: datetime.datetime
    errors: list[str]
    finished_at: datetime.datetime | None
    job_id: str
    mode: IngestMode
    processed_instruments: int
    progress: int
    status: JobState
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        broker_id = self.broker_id.value

        created_at = self.created_at.isoformat()

        errors = self.errors

        finished_at: None | str
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        job_id = self.job_id

        mode = self.mode.value

        processed_instruments = self.processed_instruments

        progress = self.progress

        status = self.status.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "broker_id": broker_id,
                "created_at": created_at,
                "errors": errors,
                "finished_at": finished_at,
                "job_id": job_id,
                "mode": mode,
                "processed_instruments": processed_instruments,
                "progress": progress,
                "status": status,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        broker_id = Broker(d.pop("broker_id"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        errors = cast(list[str], d.pop("errors"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        job_id = d.pop("job_id")

        mode = IngestMode(d.pop("mode"))

        processed_instruments = d.pop("processed_instruments")

        progress = d.pop("progress")

        status = JobState(d.pop("status"))

        status_job = cls(
            broker_id=broker_id,
            created_at=created_at,
            errors=errors,
            finished_at=finished_at,
            job_id=job_id,
            mode=mode,
            processed_instruments=processed_instruments,
            progress=progress,
            status=status,
        )

        status_job.additional_properties = d
        return status_job

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
