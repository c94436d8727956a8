from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..models.subscription_format import SubscriptionFormat
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.ready_time import ReadyTime
    from ..models.scheduled_batch import ScheduledBatch


T = TypeVar("T", bound="ScheduleAnswer")


@_attrs_define
class ScheduleAnswer:
    """The messages that lead from one plan to the next.

    Attributes:
        batches (list[ScheduledBatch]): The messages in the order in which they are sent. After each of them the open
            subscriptions exceed no limit.
        broker (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are not
            read.
        correlation_id (str): The correlation id of the request.
        format_ (SubscriptionFormat): The format of subscriptions: a list, or the arguments of the SDK of a broker.
        plan_id (str): The plan.
        ready (list[ReadyTime]): The same for the instruments of each priority: the pinned first, then by descending
            priority.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        time_to_ready_ms (int): The time until the last instrument is subscribed in its mode, in milliseconds.
        warnings (list[str]): Warnings about the schedule.
        from_ (str | Unset): The earlier plan. Absent if nothing is subscribed before.
    """

    batches: list[ScheduledBatch]
    broker: Broker
    correlation_id: str
    format_: SubscriptionFormat
    plan_id: str
    ready: list[ReadyTime]
    response_time_ms: int
    time_to_ready_ms: int
    warnings: list[str]
    from_: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        batches = []
        for batches_item_data in self.batches:
            batches_item = batches_item_data.to_dict()
            batches.append(batches_item)

        broker = self.broker.value

        correlation_id = self.correlation_id

        format_ = self.format_.value

        plan_id = self.plan_id

        ready = []
        for ready_item_data in self.ready:
            ready_item = ready_item_data.to_dict()
            ready.append(ready_item)

        response_time_ms = self.response_time_ms

        time_to_ready_ms = self.time_to_ready_ms

        warnings = self.warnings

        from_ = self.from_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "batches": batches,
                "broker": broker,
                "correlation_id": correlation_id,
                "format": format_,
                "plan_id": plan_id,
                "ready": ready,
                "response_time_ms": response_time_ms,
                "time_to_ready_ms": time_to_ready_ms,
                "warnings": warnings,
            }
        )
        if from_ is not UNSET:
            field_dict["from"] = from_

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.ready_time import ReadyTime
        from ..models.scheduled_batch import ScheduledBatch

        d = dict(src_dict)
        batches = []
        _batches = d.pop("batches")
        for batches_item_data in _batches:
            batches_item = ScheduledBatch.from_dict(batches_item_data)

            batches.append(batches_item)

        broker = Broker(d.pop("broker"))

        correlation_id = d.pop("correlation_id")

        format_ = SubscriptionFormat(d.pop("format"))

        plan_id = d.pop("plan_id")

        ready = []
        _ready = d.pop("ready")
        for ready_item_data in _ready:
            ready_item = ReadyTime.from_dict(ready_item_data)

            ready.append(ready_item)

        response_time_ms = d.pop("response_time_ms")

        time_to_ready_ms = d.pop("time_to_ready_ms")

        warnings = cast(list[str], d.pop("warnings"))

        from_ = d.pop("from", UNSET)

        schedule_answer = cls(
            batches=batches,
            broker=broker,
            correlation_id=correlation_id,
            format_=format_,
            plan_id=plan_id,
            ready=ready,
            response_time_ms=response_time_ms,
            time_to_ready_ms=time_to_ready_ms,
            warnings=warnings,
            from_=from_,
        )

        schedule_answer.additional_properties = d
        return schedule_answer

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
