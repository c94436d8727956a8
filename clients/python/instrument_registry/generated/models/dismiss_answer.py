from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.file_broker import FileBroker

T = TypeVar("T", bound="DismissAnswer")


@_attrs_define
class DismissAnswer:
    """The result of dismissing the rejected files of a broker.

    Attributes:
        broker_id (FileBroker): A broker whose files the service reads.
        correlation_id (str): The correlation id of the request.
        dismissed (int): The number of rejections that were deleted.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
    """

    broker_id: FileBroker
    correlation_id: str
    dismissed: int
    response_time_ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        broker_id = self.broker_id.value

        correlation_id = self.correlation_id

        dismissed = self.dismissed

        response_time_ms = self.response_time_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "broker_id": broker_id,
                "correlation_id": correlation_id,
                "dismissed": dismissed,
                "response_time_ms": response_time_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        broker_id = FileBroker(d.pop("broker_id"))

        correlation_id = d.pop("correlation_id")

        dismissed = d.pop("dismissed")

        response_time_ms = d.pop("response_time_ms")

        dismiss_answer = cls(
            broker_id=broker_id,
            correlation_id=correlation_id,
            dismissed=dismissed,
            response_time_ms=response_time_ms,
        )

        dismiss_answer.additional_properties = d
        return dismiss_answer

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
