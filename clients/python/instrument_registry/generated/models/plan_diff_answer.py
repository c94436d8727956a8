from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.action_counts import ActionCounts
    from ..models.plan_action import PlanAction


T = TypeVar("T", bound="PlanDiffAnswer")


@_attrs_define
class PlanDiffAnswer:
    """The difference between two plans.

    Attributes:
        actions (list[PlanAction]): The instruments that differ: those of the plan in its order, then those of the
            earlier plan alone in its order.
        broker (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are not
            read.
        correlation_id (str): The correlation id of the request.
        counts (ActionCounts): The number of actions of each kind.
        plan_id (str): The plan.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        unchanged (int): The number of subscribed instruments of both plans that do not differ.
        from_ (str | Unset): The earlier plan. Absent if the difference is to an empty plan.
    """

    actions: list[PlanAction]
    broker: Broker
    correlation_id: str
    counts: ActionCounts
    plan_id: str
    response_time_ms: int
    unchanged: int
    from_: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        actions = []
        for actions_item_data in self.actions:
            actions_item = actions_item_data.to_dict()
            actions.append(actions_item)

        broker = self.broker.value

        correlation_id = self.correlation_id

        counts = self.counts.to_dict()

        plan_id = self.plan_id

        response_time_ms = self.response_time_ms

        unchanged = self.unchanged

        from_ = self.from_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "actions": actions,
                "broker": broker,
                "correlation_id": correlation_id,
                "counts": counts,
                "plan_id": plan_id,
                "response_time_ms": response_time_ms,
                "unchanged": unchanged,
            }
        )
        if from_ is not UNSET:
            field_dict["from"] = from_

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.action_counts import ActionCounts
        from ..models.plan_action import PlanAction

        d = dict(src_dict)
        actions = []
        _actions = d.pop("actions")
        for actions_item_data in _actions:
            actions_item = PlanAction.from_dict(actions_item_data)

            actions.append(actions_item)

        broker = Broker(d.pop("broker"))

        correlation_id = d.pop("correlation_id")

        counts = ActionCounts.from_dict(d.pop("counts"))

        plan_id = d.pop("plan_id")

        response_time_ms = d.pop("response_time_ms")

        unchanged = d.pop("unchanged")

        from_ = d.pop("from", UNSET)

        plan_diff_answer = cls(
            actions=actions,
            broker=broker,
            correlation_id=correlation_id,
            counts=counts,
            plan_id=plan_id,
            response_time_ms=response_time_ms,
            unchanged=unchanged,
            from_=from_,
        )

        plan_diff_answer.additional_properties = d
        return plan_diff_answer

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
