from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.breaker_state import BreakerState
from ..models.check_status import CheckStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.check_lanes import CheckLanes


T = TypeVar("T", bound="Check")


@_attrs_define
class Check:
    """The state of a dependency or an actor.

    Attributes:
        status (CheckStatus): The state of a dependency or an actor.
        age_seconds (int | Unset): Config service only: the age of the settings, in seconds.
        breaker (BreakerState | Unset): The state of a circuit breaker.
        bytes_ (int | Unset): `list_memory` only: the size of the documents that responses have in memory, in bytes.
        bytes_max (int | Unset): The maximum of `bytes`. A list beyond it waits, and is rejected at its deadline.
        detail (str | Unset): Additional information for operators.
        in_flight (int | Unset): Actors: the number of calls without a reply. `requests`: the number of requests to the
            API without a response.
        lanes (CheckLanes | Unset): Database only: the load of each lane. Calls of one lane do not wait for calls of
            another one.
        oldest_wait_ms (int | Unset): `list_memory` only: the time for which the first list has waited, in milliseconds;
            0 if none waits.
        oldest_wait_ms_max (int | Unset): The maximum of `oldest_wait_ms`. Above it the check is `degraded`.
        permits (int | Unset): The maximum of `in_flight`. A call or request beyond it is rejected.
        response_time_ms (float | Unset): The time that the check took, in milliseconds.
        waiting (int | Unset): Actors: the number of messages that wait. `list_memory`: the number of lists that wait
            for memory.
    """

    status: CheckStatus
    age_seconds: int | Unset = UNSET
    breaker: BreakerState | Unset = UNSET
    bytes_: int | Unset = UNSET
    bytes_max: int | Unset = UNSET
    detail: str | Unset = UNSET
    in_flight: int | Unset = UNSET
    lanes: CheckLanes | Unset = UNSET
    oldest_wait_ms: int | Unset = UNSET
    oldest_wait_ms_max: int | Unset = UNSET
    permits: int | Unset = UNSET
    response_time_ms: float | Unset = UNSET
    waiting: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status.value

        age_seconds = self.age_seconds

        breaker: str | Unset = UNSET
        if not isinstance(self.breaker, Unset):
            breaker = self.breaker.value

        bytes_ = self.bytes_

        bytes_max = self.bytes_max

        detail = self.detail

        in_flight = self.in_flight

        lanes: dict[str, Any] | Unset = UNSET
        if not isinstance(self.lanes, Unset):
            lanes = self.lanes.to_dict()

        oldest_wait_ms = self.oldest_wait_ms

        oldest_wait_ms_max = self.oldest_wait_ms_max

        permits = self.permits

        response_time_ms = self.response_time_ms

        waiting = self.waiting

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
            }
        )
        if age_seconds is not UNSET:
            field_dict["age_seconds"] = age_seconds
        if breaker is not UNSET:
            field_dict["breaker"] = breaker
        if bytes_ is not UNSET:
            field_dict["bytes"] = bytes_
        if bytes_max is not UNSET:
            field_dict["bytes_max"] = bytes_max
        if detail is not UNSET:
            field_dict["detail"] = detail
        if in_flight is not UNSET:
            field_dict["in_flight"] = in_flight
        if lanes is not UNSET:
            field_dict["lanes"] = lanes
        if oldest_wait_ms is not UNSET:
            field_dict["oldest_wait_ms"] = oldest_wait_ms
        if oldest_wait_ms_max is not UNSET:
            field_dict["oldest_wait_ms_max"] = oldest_wait_ms_max
        if permits is not UNSET:
            field_dict["permits"] = permits
        if response_time_ms is not UNSET:
            field_dict["response_time_ms"] = response_time_ms
        if waiting is not UNSET:
            field_dict["waiting"] = waiting

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.check_lanes import CheckLanes

        d = dict(src_dict)
        status = CheckStatus(d.pop("status"))

        age_seconds = d.pop("age_seconds", UNSET)

        _breaker = d.pop("breaker", UNSET)
        breaker: BreakerState | Unset
        if isinstance(_breaker, Unset):
            breaker = UNSET
        else:
            breaker = BreakerState(_breaker)

        bytes_ = d.pop("bytes", UNSET)

        bytes_max = d.pop("bytes_max", UNSET)

        detail = d.pop("detail", UNSET)

        in_flight = d.pop("in_flight", UNSET)

        _lanes = d.pop("lanes", UNSET)
        lanes: CheckLanes | Unset
        if isinstance(_lanes, Unset):
            lanes = UNSET
        else:
            lanes = CheckLanes.from_dict(_lanes)

        oldest_wait_ms = d.pop("oldest_wait_ms", UNSET)

        oldest_wait_ms_max = d.pop("oldest_wait_ms_max", UNSET)

        permits = d.pop("permits", UNSET)

        response_time_ms = d.pop("response_time_ms", UNSET)

        waiting = d.pop("waiting", UNSET)

        check = cls(
            status=status,
            age_seconds=age_seconds,
            breaker=breaker,
            bytes_=bytes_,
            bytes_max=bytes_max,
            detail=detail,
            in_flight=in_flight,
            lanes=lanes,
            oldest_wait_ms=oldest_wait_ms,
            oldest_wait_ms_max=oldest_wait_ms_max,
            permits=permits,
            response_time_ms=response_time_ms,
            waiting=waiting,
        )

        check.additional_properties = d
        return check

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
