from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.broker_entry import BrokerEntry


T = TypeVar("T", bound="BrokersAnswer")


@_attrs_define
class BrokersAnswer:
    """Every broker.

    Attributes:
        brokers (list[BrokerEntry]): The brokers.
        correlation_id (str): The correlation id of the request.
        count (int): The number of brokers.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
    """

    brokers: list[BrokerEntry]
    correlation_id: str
    count: int
    response_time_ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        brokers = []
        for brokers_item_data in self.brokers:
            brokers_item = brokers_item_data.to_dict()
            brokers.append(brokers_item)

        correlation_id = self.correlation_id

        count = self.count

        response_time_ms = self.response_time_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "brokers": brokers,
                "correlation_id": correlation_id,
                "count": count,
                "response_time_ms": response_time_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.broker_entry import BrokerEntry

        d = dict(src_dict)
        brokers = []
        _brokers = d.pop("brokers")
        for brokers_item_data in _brokers:
            brokers_item = BrokerEntry.from_dict(brokers_item_data)

            brokers.append(brokers_item)

        correlation_id = d.pop("correlation_id")

        count = d.pop("count")

        response_time_ms = d.pop("response_time_ms")

        brokers_answer = cls(
            brokers=brokers,
            correlation_id=correlation_id,
            count=count,
            response_time_ms=response_time_ms,
        )

        brokers_answer.additional_properties = d
        return brokers_answer

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
