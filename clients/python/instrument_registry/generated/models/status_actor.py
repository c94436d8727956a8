from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.actor_state import ActorState

T = TypeVar("T", bound="StatusActor")


@_attrs_define
class StatusActor:
    """An actor.

    Attributes:
        detail (None | str): Additional information, if there is any.
        handle_p99_ms (float | None): The 99th percentile of the time to handle a message over the last 1 to 2 minutes,
            in milliseconds.
        handled_per_second (float): The number of handled messages per second over the last 1 to 2 minutes.
        in_flight (int | None): The number of calls without a reply, if known.
        name (str): The name.
        parent (str): The actor that restarts it.
        permits (int | None): The maximum of `in_flight`, if known.
        response_time_ms (float): The time until the actor reported its state, or until the deadline, in milliseconds.
        restarts (int): The number of restarts since the start of the service.
        state (ActorState): The state of an actor.
        wait_p99_ms (float | None): The 99th percentile of the time of a message in the mailbox over the last 1 to 2
            minutes, in milliseconds.
        waiting (int | None): The number of messages that wait, if known.
    """

    detail: None | str
    handle_p99_ms: float | None
    handled_per_second: float
    in_flight: int | None
    name: str
    parent: str
    permits: int | None
    response_time_ms: float
    restarts: int
    state: ActorState
    wait_p99_ms: float | None
    waiting: int | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        detail: None | str
        detail = self.detail

        handle_p99_ms: float | None
        handle_p99_ms = self.handle_p99_ms

        handled_per_second = self.handled_per_second

        in_flight: int | None
        in_flight = self.in_flight

        name = self.name

        parent = self.parent

        permits: int | None
        permits = self.permits

        response_time_ms = self.response_time_ms

        restarts = self.restarts

        state = self.state.value

        wait_p99_ms: float | None
        wait_p99_ms = self.wait_p99_ms

        waiting: int | None
        waiting = self.waiting

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "detail": detail,
                "handle_p99_ms": handle_p99_ms,
                "handled_per_second": handled_per_second,
                "in_flight": in_flight,
                "name": name,
                "parent": parent,
                "permits": permits,
                "response_time_ms": response_time_ms,
                "restarts": restarts,
                "state": state,
                "wait_p99_ms": wait_p99_ms,
                "waiting": waiting,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_detail(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        detail = _parse_detail(d.pop("detail"))

        def _parse_handle_p99_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        handle_p99_ms = _parse_handle_p99_ms(d.pop("handle_p99_ms"))

        handled_per_second = d.pop("handled_per_second")

        def _parse_in_flight(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        in_flight = _parse_in_flight(d.pop("in_flight"))

        name = d.pop("name")

        parent = d.pop("parent")

        def _parse_permits(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        permits = _parse_permits(d.pop("permits"))

        response_time_ms = d.pop("response_time_ms")

        restarts = d.pop("restarts")

        state = ActorState(d.pop("state"))

        def _parse_wait_p99_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        wait_p99_ms = _parse_wait_p99_ms(d.pop("wait_p99_ms"))

        def _parse_waiting(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        waiting = _parse_waiting(d.pop("waiting"))

        status_actor = cls(
            detail=detail,
            handle_p99_ms=handle_p99_ms,
            handled_per_second=handled_per_second,
            in_flight=in_flight,
            name=name,
            parent=parent,
            permits=permits,
            response_time_ms=response_time_ms,
            restarts=restarts,
            state=state,
            wait_p99_ms=wait_p99_ms,
            waiting=waiting,
        )

        status_actor.additional_properties = d
        return status_actor

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
