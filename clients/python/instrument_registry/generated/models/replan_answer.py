from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.api_version import ApiVersion
from ..models.replan_origin import ReplanOrigin
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.plan import Plan
    from ..models.plan_action import PlanAction
    from ..models.plan_diff import PlanDiff


T = TypeVar("T", bound="ReplanAnswer")


@_attrs_define
class ReplanAnswer:
    """A plan that was created from a profile, and its difference from the previous one.

    Attributes:
        api_version (ApiVersion): The version of the API.
        cache_hit (bool): Whether the plan was reused.
        config_driven (bool): Always true: defaults come from the settings.
        correlation_id (str): The correlation id of the request.
        diff (None | PlanDiff):
        duration_ms (int): The time that it took to create or find the plan, in milliseconds.
        plan_data (Plan): A subscription plan.
        plan_id (str): The id of a plan.
        previous_plan_id (None | str):
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        status (ReplanOrigin): Whether the plan was created, or reused because nothing has changed since the previous
            one.
        actions (list[PlanAction] | Unset): One action for each instrument whose connection, mode or token differs from
            the previous plan. Absent if one of the
            plans has no subscriptions, or if they are at different brokers.
    """

    api_version: ApiVersion
    cache_hit: bool
    config_driven: bool
    correlation_id: str
    diff: None | PlanDiff
    duration_ms: int
    plan_data: Plan
    plan_id: str
    previous_plan_id: None | str
    response_time_ms: int
    status: ReplanOrigin
    actions: list[PlanAction] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.plan_diff import PlanDiff

        api_version = self.api_version.value

        cache_hit = self.cache_hit

        config_driven = self.config_driven

        correlation_id = self.correlation_id

        diff: dict[str, Any] | None
        if isinstance(self.diff, PlanDiff):
            diff = self.diff.to_dict()
        else:
            diff = self.diff

        duration_ms = self.duration_ms

        plan_data = self.plan_data.to_dict()

        plan_id = self.plan_id

        previous_plan_id: None | str
        previous_plan_id = self.previous_plan_id

        response_time_ms = self.response_time_ms

        status = self.status.value

        actions: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.actions, Unset):
            actions = []
            for actions_item_data in self.actions:
                actions_item = actions_item_data.to_dict()
                actions.append(actions_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "api_version": api_version,
                "cache_hit": cache_hit,
                "config_driven": config_driven,
                "correlation_id": correlation_id,
                "diff": diff,
                "duration_ms": duration_ms,
                "plan_data": plan_data,
                "plan_id": plan_id,
                "previous_plan_id": previous_plan_id,
                "response_time_ms": response_time_ms,
                "status": status,
            }
        )
        if actions is not UNSET:
            field_dict["actions"] = actions

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.plan import Plan
        from ..models.plan_action import PlanAction
        from ..models.plan_diff import PlanDiff

        d = dict(src_dict)
        api_version = ApiVersion(d.pop("api_version"))

        cache_hit = d.pop("cache_hit")

        config_driven = d.pop("config_driven")

        correlation_id = d.pop("correlation_id")

        def _parse_diff(data: object) -> None | PlanDiff:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                diff_type_0 = PlanDiff.from_dict(data)

                return diff_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PlanDiff, data)

        diff = _parse_diff(d.pop("diff"))

        duration_ms = d.pop("duration_ms")

        plan_data = Plan.from_dict(d.pop("plan_data"))

        plan_id = d.pop("plan_id")

        def _parse_previous_plan_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        previous_plan_id = _parse_previous_plan_id(d.pop("previous_plan_id"))

        response_time_ms = d.pop("response_time_ms")

        status = ReplanOrigin(d.pop("status"))

        _actions = d.pop("actions", UNSET)
        actions: list[PlanAction] | Unset = UNSET
        if _actions is not UNSET:
            actions = []
            for actions_item_data in _actions:
                actions_item = PlanAction.from_dict(actions_item_data)

                actions.append(actions_item)

        replan_answer = cls(
            api_version=api_version,
            cache_hit=cache_hit,
            config_driven=config_driven,
            correlation_id=correlation_id,
            diff=diff,
            duration_ms=duration_ms,
            plan_data=plan_data,
            plan_id=plan_id,
            previous_plan_id=previous_plan_id,
            response_time_ms=response_time_ms,
            status=status,
            actions=actions,
        )

        replan_answer.additional_properties = d
        return replan_answer

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
