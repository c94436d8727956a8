from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.refresh_outcome import RefreshOutcome

T = TypeVar("T", bound="RefreshAnswer")


@_attrs_define
class RefreshAnswer:
    """The result of a refresh.

    Attributes:
        correlation_id (str): The correlation id of the request.
        detail (str): The reason of the outcome.
        outcome (RefreshOutcome): The outcome of a refresh of the settings. `partial`: some keys were not read.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
    """

    correlation_id: str
    detail: str
    outcome: RefreshOutcome
    response_time_ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        detail = self.detail

        outcome = self.outcome.value

        response_time_ms = self.response_time_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "detail": detail,
                "outcome": outcome,
                "response_time_ms": response_time_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        detail = d.pop("detail")

        outcome = RefreshOutcome(d.pop("outcome"))

        response_time_ms = d.pop("response_time_ms")

        refresh_answer = cls(
            correlation_id=correlation_id,
            detail=detail,
            outcome=outcome,
            response_time_ms=response_time_ms,
        )

        refresh_answer.additional_properties = d
        return refresh_answer

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
