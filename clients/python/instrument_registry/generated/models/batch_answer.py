from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.batch_entry import BatchEntry


T = TypeVar("T", bound="BatchAnswer")


@_attrs_define
class BatchAnswer:
    """The result for each key.

    Attributes:
        correlation_id (str): The correlation id of the request.
        count (int): The number of keys in the request.
        resolved (int): The number of keys that were resolved.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        results (list[BatchEntry]): One result for each key, in the order of the request.
        unresolved (int): The number of keys that were not resolved.
    """

    correlation_id: str
    count: int
    resolved: int
    response_time_ms: int
    results: list[BatchEntry]
    unresolved: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        count = self.count

        resolved = self.resolved

        response_time_ms = self.response_time_ms

        results = []
        for results_item_data in self.results:
            results_item = results_item_data.to_dict()
            results.append(results_item)

        unresolved = self.unresolved

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "count": count,
                "resolved": resolved,
                "response_time_ms": response_time_ms,
                "results": results,
                "unresolved": unresolved,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.batch_entry import BatchEntry

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        count = d.pop("count")

        resolved = d.pop("resolved")

        response_time_ms = d.pop("response_time_ms")

        results = []
        _results = d.pop("results")
        for results_item_data in _results:
            results_item = BatchEntry.from_dict(results_item_data)

            results.append(results_item)

        unresolved = d.pop("unresolved")

        batch_answer = cls(
            correlation_id=correlation_id,
            count=count,
            resolved=resolved,
            response_time_ms=response_time_ms,
            results=results,
            unresolved=unresolved,
        )

        batch_answer.additional_properties = d
        return batch_answer

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
