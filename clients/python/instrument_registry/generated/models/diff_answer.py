from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker

if TYPE_CHECKING:
    from ..models.change_entry import ChangeEntry
    from ..models.diff_answer_diff_counts import DiffAnswerDiffCounts


T = TypeVar("T", bound="DiffAnswer")


@_attrs_define
class DiffAnswer:
    """The changes of a load.

    Attributes:
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are
            not read.
        changes (list[ChangeEntry]): The changes, sorted by kind, then key.
        correlation_id (str): The correlation id of the request.
        diff_counts (DiffAnswerDiffCounts): The number of changes of the load, by kind.
        has_more (bool): Whether there are more changes that match the request.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        version (int): The version of the catalog that the load created.
    """

    broker_id: Broker
    changes: list[ChangeEntry]
    correlation_id: str
    diff_counts: DiffAnswerDiffCounts
    has_more: bool
    response_time_ms: int
    version: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        broker_id = self.broker_id.value

        changes = []
        for changes_item_data in self.changes:
            changes_item = changes_item_data.to_dict()
            changes.append(changes_item)

        correlation_id = self.correlation_id

        diff_counts = self.diff_counts.to_dict()

        has_more = self.has_more

        response_time_ms = self.response_time_ms

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "broker_id": broker_id,
                "changes": changes,
                "correlation_id": correlation_id,
                "diff_counts": diff_counts,
                "has_more": has_more,
                "response_time_ms": response_time_ms,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.change_entry import ChangeEntry
        from ..models.diff_answer_diff_counts import DiffAnswerDiffCounts

        d = dict(src_dict)
        broker_id = Broker(d.pop("broker_id"))

        changes = []
        _changes = d.pop("changes")
        for changes_item_data in _changes:
            changes_item = ChangeEntry.from_dict(changes_item_data)

            changes.append(changes_item)

        correlation_id = d.pop("correlation_id")

        diff_counts = DiffAnswerDiffCounts.from_dict(d.pop("diff_counts"))

        has_more = d.pop("has_more")

        response_time_ms = d.pop("response_time_ms")

        version = d.pop("version")

        diff_answer = cls(
            broker_id=broker_id,
            changes=changes,
            correlation_id=correlation_id,
            diff_counts=diff_counts,
            has_more=has_more,
            response_time_ms=response_time_ms,
            version=version,
        )

        diff_answer.additional_properties = d
        return diff_answer

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
