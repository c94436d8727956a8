from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.api_version import ApiVersion
from ..models.replan_origin import ReplanOrigin

if TYPE_CHECKING:
    from ..models.placement_move import PlacementMove
    from ..models.plan import Plan


T = TypeVar("T", bound="RebalanceAnswer")


@_attrs_define
class RebalanceAnswer:
    """A plan with balanced connections, and the moves that lead to it.

    Attributes:
        api_version (ApiVersion): The version of the API.
        cache_hit (bool): Whether the plan was reused.
        config_driven (bool): Always true: defaults come from the settings.
        correlation_id (str): The correlation id of the request.
        duration_ms (int): The time that it took to create or find the plan, in milliseconds.
        moves (list[PlacementMove]): The subscriptions that have another connection than before, in the order of the new
            plan.
        plan_data (Plan): A subscription plan.
        plan_id (str): The id of a plan.
        previous_plan_id (str): The id of a plan.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        status (ReplanOrigin): Whether the plan was created, or reused because nothing has changed since the previous
            one.
    """

    api_version: ApiVersion
    cache_hit: bool
    config_driven: bool
    correlation_id: str
    duration_ms: int
    moves: list[PlacementMove]
    plan_data: Plan
    plan_id: str
    previous_plan_id: str
    response_time_ms: int
    status: ReplanOrigin
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        api_version = self.api_version.value

        cache_hit = self.cache_hit

        config_driven = self.config_driven

        correlation_id = self.correlation_id

        duration_ms = self.duration_ms

        moves = []
        for moves_item_data in self.moves:
            moves_item = moves_item_data.to_dict()
            moves.append(moves_item)

        plan_data = self.plan_data.to_dict()

        plan_id = self.plan_id

        previous_plan_id = self.previous_plan_id

        response_time_ms = self.response_time_ms

        status = self.status.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "api_version": api_version,
                "cache_hit": cache_hit,
                "config_driven": config_driven,
                "correlation_id": correlation_id,
                "duration_ms": duration_ms,
                "moves": moves,
                "plan_data": plan_data,
                "plan_id": plan_id,
                "previous_plan_id": previous_plan_id,
                "response_time_ms": response_time_ms,
                "status": status,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.placement_move import PlacementMove
        from ..models.plan import Plan

        d = dict(src_dict)
        api_version = ApiVersion(d.pop("api_version"))

        cache_hit = d.pop("cache_hit")

        config_driven = d.pop("config_driven")

        correlation_id = d.pop("correlation_id")

        duration_ms = d.pop("duration_ms")

        moves = []
        _moves = d.pop("moves")
        for moves_item_data in _moves:
            moves_item = PlacementMove.from_dict(moves_item_data)

            moves.append(moves_item)

        plan_data = Plan.from_dict(d.pop("plan_data"))

        plan_id = d.pop("plan_id")

        previous_plan_id = d.pop("previous_plan_id")

        response_time_ms = d.pop("response_time_ms")

        status = ReplanOrigin(d.pop("status"))

        rebalance_answer = cls(
            api_version=api_version,
            cache_hit=cache_hit,
            config_driven=config_driven,
            correlation_id=correlation_id,
            duration_ms=duration_ms,
            moves=moves,
            plan_data=plan_data,
            plan_id=plan_id,
            previous_plan_id=previous_plan_id,
            response_time_ms=response_time_ms,
            status=status,
        )

        rebalance_answer.additional_properties = d
        return rebalance_answer

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
