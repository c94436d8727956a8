from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..models.ingest_mode import IngestMode
from ..models.queued_status import QueuedStatus

T = TypeVar("T", bound="IngestAnswer")


@_attrs_define
class IngestAnswer:
    """A job that was queued.

    Attributes:
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are
            not read.
        correlation_id (str): The correlation id of the request.
        job_id (str): The id of a job.
        mode (IngestMode): The way in which a file replaces the last load of a broker. `full_catalog`: instruments that
            the file lacks become inactive. `incremental`: the file adds and updates instruments. `on_demand`: as
            `full_catalog`, limited to the instruments that the filters select.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        status (QueuedStatus): The status of a new job.
        tracking_url (str): The path for reading the job.
    """

    broker_id: Broker
    correlation_id: str
    job_id: str
    mode: IngestMode
    response_time_ms: int
    status: QueuedStatus
    tracking_url: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        broker_id = self.broker_id.value

        correlation_id = self.correlation_id

        job_id = self.job_id

        mode = self.mode.value

        response_time_ms = self.response_time_ms

        status = self.status.value

        tracking_url = self.tracking_url

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "broker_id": broker_id,
                "correlation_id": correlation_id,
                "job_id": job_id,
                "mode": mode,
                "response_time_ms": response_time_ms,
                "status": status,
                "tracking_url": tracking_url,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        broker_id = Broker(d.pop("broker_id"))

        correlation_id = d.pop("correlation_id")

        job_id = d.pop("job_id")

        mode = IngestMode(d.pop("mode"))

        response_time_ms = d.pop("response_time_ms")

        status = QueuedStatus(d.pop("status"))

        tracking_url = d.pop("tracking_url")

        ingest_answer = cls(
            broker_id=broker_id,
            correlation_id=correlation_id,
            job_id=job_id,
            mode=mode,
            response_time_ms=response_time_ms,
            status=status,
            tracking_url=tracking_url,
        )

        ingest_answer.additional_properties = d
        return ingest_answer

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
