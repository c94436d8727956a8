from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatusLane")


@_attrs_define
class StatusLane:
    """A lane of database calls.

    Attributes:
        in_flight (int): The number of calls in progress.
        lane (str): The name.
        oldest_wait_ms (int): The time for which the oldest call has waited, in milliseconds; 0 if none waits.
        oldest_wait_ms_max (int): The maximum of `oldest_wait_ms` of a lane that is not saturated.
        permits (int): The maximum number of calls in progress. 0 before the database was reached.
        waiting (int): The number of calls, or of plans in batches, that wait.
    """

    in_flight: int
    lane: str
    oldest_wait_ms: int
    oldest_wait_ms_max: int
    permits: int
    waiting: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        in_flight = self.in_flight

        lane = self.lane

        oldest_wait_ms = self.oldest_wait_ms

        oldest_wait_ms_max = self.oldest_wait_ms_max

        permits = self.permits

        waiting = self.waiting

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "in_flight": in_flight,
                "lane": lane,
                "oldest_wait_ms": oldest_wait_ms,
                "oldest_wait_ms_max": oldest_wait_ms_max,
                "permits": permits,
                "waiting": waiting,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        in_flight = d.pop("in_flight")

        lane = d.pop("lane")

        oldest_wait_ms = d.pop("oldest_wait_ms")

        oldest_wait_ms_max = d.pop("oldest_wait_ms_max")

        permits = d.pop("permits")

        waiting = d.pop("waiting")

        status_lane = cls(
            in_flight=in_flight,
            lane=lane,
            oldest_wait_ms=oldest_wait_ms,
            oldest_wait_ms_max=oldest_wait_ms_max,
            permits=permits,
            waiting=waiting,
        )

        status_lane.additional_properties = d
        return status_lane

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
