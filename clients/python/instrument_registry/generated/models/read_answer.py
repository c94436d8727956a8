from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.plan import Plan
    from ..models.subscription import Subscription


T = TypeVar("T", bound="ReadAnswer")


@_attrs_define
class ReadAnswer:
    """A stored plan.

    Attributes:
        correlation_id (str): The correlation id of the request.
        plan (Plan): A subscription plan.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        subscriptions (list[Subscription] | Unset): The subscriptions of the plan, in the order in which they are sent.
            Present if the request
            includes them.
    """

    correlation_id: str
    plan: Plan
    response_time_ms: int
    subscriptions: list[Subscription] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        plan = self.plan.to_dict()

        response_time_ms = self.response_time_ms

        subscriptions: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.subscriptions, Unset):
            subscriptions = []
            for subscriptions_item_data in self.subscriptions:
                subscriptions_item = subscriptions_item_data.to_dict()
                subscriptions.append(subscriptions_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "plan": plan,
                "response_time_ms": response_time_ms,
            }
        )
        if subscriptions is not UNSET:
            field_dict["subscriptions"] = subscriptions

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.plan import Plan
        from ..models.subscription import Subscription

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        plan = Plan.from_dict(d.pop("plan"))

        response_time_ms = d.pop("response_time_ms")

        _subscriptions = d.pop("subscriptions", UNSET)
        subscriptions: list[Subscription] | Unset = UNSET
        if _subscriptions is not UNSET:
            subscriptions = []
            for subscriptions_item_data in _subscriptions:
                subscriptions_item = Subscription.from_dict(subscriptions_item_data)

                subscriptions.append(subscriptions_item)

        read_answer = cls(
            correlation_id=correlation_id,
            plan=plan,
            response_time_ms=response_time_ms,
            subscriptions=subscriptions,
        )

        read_answer.additional_properties = d
        return read_answer

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
