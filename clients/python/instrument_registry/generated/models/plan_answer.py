from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.api_version import ApiVersion
from ..models.plan_origin import PlanOrigin
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.plan import Plan
    from ..models.subscription import Subscription


T = TypeVar("T", bound="PlanAnswer")


@_attrs_define
class PlanAnswer:
    """The response to a plan request.

    Attributes:
        api_version (ApiVersion): The version of the API.
        cache_hit (bool): Whether the plan was reused.
        config_driven (bool): Always true: defaults come from the settings.
        correlation_id (str): The correlation id of the request.
        duration_ms (int): The time that it took to create or find the plan, in milliseconds.
        plan_data (Plan): A subscription plan.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        status (PlanOrigin): Whether the plan was created, reused, or only computed.
        plan_id (str | Unset): The id of a plan.
        subscriptions (list[Subscription] | Unset): The subscriptions of the plan, in the order in which they are sent.
            Present if the request
            includes them.
        warnings (list[str] | Unset): Warnings about the response, such as an unavailable database. Absent if nothing is
            to be noted.
    """

    api_version: ApiVersion
    cache_hit: bool
    config_driven: bool
    correlation_id: str
    duration_ms: int
    plan_data: Plan
    response_time_ms: int
    status: PlanOrigin
    plan_id: str | Unset = UNSET
    subscriptions: list[Subscription] | Unset = UNSET
    warnings: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        api_version = self.api_version.value

        cache_hit = self.cache_hit

        config_driven = self.config_driven

        correlation_id = self.correlation_id

        duration_ms = self.duration_ms

        plan_data = self.plan_data.to_dict()

        response_time_ms = self.response_time_ms

        status = self.status.value

        plan_id = self.plan_id

        subscriptions: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.subscriptions, Unset):
            subscriptions = []
            for subscriptions_item_data in self.subscriptions:
                subscriptions_item = subscriptions_item_data.to_dict()
                subscriptions.append(subscriptions_item)

        warnings: list[str] | Unset = UNSET
        if not isinstance(self.warnings, Unset):
            warnings = self.warnings

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "api_version": api_version,
                "cache_hit": cache_hit,
                "config_driven": config_driven,
                "correlation_id": correlation_id,
                "duration_ms": duration_ms,
                "plan_data": plan_data,
                "response_time_ms": response_time_ms,
                "status": status,
            }
        )
        if plan_id is not UNSET:
            field_dict["plan_id"] = plan_id
        if subscriptions is not UNSET:
            field_dict["subscriptions"] = subscriptions
        if warnings is not UNSET:
            field_dict["warnings"] = warnings

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.plan import Plan
        from ..models.subscription import Subscription

        d = dict(src_dict)
        api_version = ApiVersion(d.pop("api_version"))

        cache_hit = d.pop("cache_hit")

        config_driven = d.pop("config_driven")

        correlation_id = d.pop("correlation_id")

        duration_ms = d.pop("duration_ms")

        plan_data = Plan.from_dict(d.pop("plan_data"))

        response_time_ms = d.pop("response_time_ms")

        status = PlanOrigin(d.pop("status"))

        plan_id = d.pop("plan_id", UNSET)

        _subscriptions = d.pop("subscriptions", UNSET)
        subscriptions: list[Subscription] | Unset = UNSET
        if _subscriptions is not UNSET:
            subscriptions = []
            for subscriptions_item_data in _subscriptions:
                subscriptions_item = Subscription.from_dict(subscriptions_item_data)

                subscriptions.append(subscriptions_item)

        warnings = cast(list[str], d.pop("warnings", UNSET))

        plan_answer = cls(
            api_version=api_version,
            cache_hit=cache_hit,
            config_driven=config_driven,
            correlation_id=correlation_id,
            duration_ms=duration_ms,
            plan_data=plan_data,
            response_time_ms=response_time_ms,
            status=status,
            plan_id=plan_id,
            subscriptions=subscriptions,
            warnings=warnings,
        )

        plan_answer.additional_properties = d
        return plan_answer

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
