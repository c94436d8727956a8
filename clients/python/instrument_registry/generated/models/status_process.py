from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatusProcess")


@_attrs_define
class StatusProcess:
    """The process.

    Attributes:
        backend (str): The kind of database.
        cpu_cores_used (float | None): The average number of busy processor cores over the last minute, if known.
        log_level (str): The filter of the log.
        memory_limit_bytes (int | None): The maximum of the memory, if known.
        resident_memory_bytes (int | None): The resident memory, if known.
        started_at (datetime.datetime): The time at which the service started.
        threads (int | None): The number of threads, if known.
        uptime_seconds (int): The time since then, in seconds.
        version (str): The version of the service.
    """

    backend: str
    cpu_cores_used: float | None
    log_level: str
    memory_limit_bytes: int | None
    resident_memory_bytes: int | None
    started_at: datetime.datetime
    threads: int | None
    uptime_seconds: int
    version: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        backend = self.backend

        cpu_cores_used: float | None
        cpu_cores_used = self.cpu_cores_used

        log_level = self.log_level

        memory_limit_bytes: int | None
        memory_limit_bytes = self.memory_limit_bytes

        resident_memory_bytes: int | None
        resident_memory_bytes = self.resident_memory_bytes

        started_at = self.started_at.isoformat()

        threads: int | None
        threads = self.threads

        uptime_seconds = self.uptime_seconds

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "backend": backend,
                "cpu_cores_used": cpu_cores_used,
                "log_level": log_level,
                "memory_limit_bytes": memory_limit_bytes,
                "resident_memory_bytes": resident_memory_bytes,
                "started_at": started_at,
                "threads": threads,
                "uptime_seconds": uptime_seconds,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        backend = d.pop("backend")

        def _parse_cpu_cores_used(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        cpu_cores_used = _parse_cpu_cores_used(d.pop("cpu_cores_used"))

        log_level = d.pop("log_level")

        def _parse_memory_limit_bytes(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        memory_limit_bytes = _parse_memory_limit_bytes(d.pop("memory_limit_bytes"))

        def _parse_resident_memory_bytes(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        resident_memory_bytes = _parse_resident_memory_bytes(
            d.pop("resident_memory_bytes")
        )

        started_at = datetime.datetime.fromisoformat(d.pop("started_at"))

        def _parse_threads(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        threads = _parse_threads(d.pop("threads"))

        uptime_seconds = d.pop("uptime_seconds")

        version = d.pop("version")

        status_process = cls(
            backend=backend,
            cpu_cores_used=cpu_cores_used,
            log_level=log_level,
            memory_limit_bytes=memory_limit_bytes,
            resident_memory_bytes=resident_memory_bytes,
            started_at=started_at,
            threads=threads,
            uptime_seconds=uptime_seconds,
            version=version,
        )

        status_process.additional_properties = d
        return status_process

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
