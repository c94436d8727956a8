from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.breaker_state import BreakerState
from ..models.dependency import Dependency
from ..models.forced_state import ForcedState

T = TypeVar("T", bound="StatusBreaker")


@_attrs_define
class StatusBreaker:
    """A circuit breaker.

    Attributes:
        calls_in_window (int): The number of calls in the window of the breaker. It is empty after an opening.
        dependency (Dependency): A dependency.
        detail (None | str): Additional information, if there is any.
        failure_ratio (float | None): The share of calls that failed, 0 to 1. `null` without calls.
        forced (ForcedState | None):
        next_trial_ms (int | None): The time until the next trial call, in milliseconds, unless the breaker is closed.
        opened_at (datetime.datetime | None): The time of the first opening in a row, unless the breaker is closed.
        slow_ratio (float | None): The share of calls that took too long, 0 to 1. `null` without calls.
        state (BreakerState): The state of a circuit breaker.
    """

    calls_in_window: int
    dependency: Dependency
    detail: None | str
    failure_ratio: float | None
    forced: ForcedState | None
    next_trial_ms: int | None
    opened_at: datetime.datetime | None
    slow_ratio: float | None
    state: BreakerState
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        calls_in_window = self.calls_in_window

        dependency = self.dependency.value

        detail: None | str
        detail = self.detail

        failure_ratio: float | None
        failure_ratio = self.failure_ratio

        forced: None | str
        if isinstance(self.forced, ForcedState):
            forced = self.forced.value
        else:
            forced = self.forced

        next_trial_ms: int | None
        next_trial_ms = self.next_trial_ms

        opened_at: None | str
        if isinstance(self.opened_at, datetime.datetime):
            opened_at = self.opened_at.isoformat()
        else:
            opened_at = self.opened_at

        slow_ratio: float | None
        slow_ratio = self.slow_ratio

        state = self.state.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "calls_in_window": calls_in_window,
                "dependency": dependency,
                "detail": detail,
                "failure_ratio": failure_ratio,
                "forced": forced,
                "next_trial_ms": next_trial_ms,
                "opened_at": opened_at,
                "slow_ratio": slow_ratio,
                "state": state,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        calls_in_window = d.pop("calls_in_window")

        dependency = Dependency(d.pop("dependency"))

        def _parse_detail(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        detail = _parse_detail(d.pop("detail"))

        def _parse_failure_ratio(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        failure_ratio = _parse_failure_ratio(d.pop("failure_ratio"))

        def _parse_forced(data: object) -> ForcedState | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                forced_type_0 = ForcedState(data)

                return forced_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ForcedState | None, data)

        forced = _parse_forced(d.pop("forced"))

        def _parse_next_trial_ms(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        next_trial_ms = _parse_next_trial_ms(d.pop("next_trial_ms"))

        def _parse_opened_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                opened_at_type_0 = datetime.datetime.fromisoformat(data)

                return opened_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        opened_at = _parse_opened_at(d.pop("opened_at"))

        def _parse_slow_ratio(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        slow_ratio = _parse_slow_ratio(d.pop("slow_ratio"))

        state = BreakerState(d.pop("state"))

        status_breaker = cls(
            calls_in_window=calls_in_window,
            dependency=dependency,
            detail=detail,
            failure_ratio=failure_ratio,
            forced=forced,
            next_trial_ms=next_trial_ms,
            opened_at=opened_at,
            slow_ratio=slow_ratio,
            state=state,
        )

        status_breaker.additional_properties = d
        return status_breaker

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
