from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.filtering_strictness import FilteringStrictness
from ..models.optimization_level import OptimizationLevel
from ..models.plan_status import PlanStatus
from ..models.subscription_type import SubscriptionType
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.allocation import Allocation
    from ..models.metadata import Metadata
    from ..models.performance_metrics import PerformanceMetrics
    from ..models.rejection import Rejection
    from ..models.validation_results import ValidationResults


T = TypeVar("T", bound="Plan")


@_attrs_define
class Plan:
    """A subscription plan.

    Attributes:
        cache_key (str): The SHA-256 of everything that the plan depends on.
        created_at (datetime.datetime): The time when the plan was created.
        description (str): The description of the plan, from the caller or created from the subscription type.
        estimated_cost (float): The configured cost of all instruments for a trading day, in USD.
        expires_at (datetime.datetime): The time when the plan expires. An expired plan is not reused, but it can still
            be read.
        filtering_strictness (FilteringStrictness): The condition that a key must meet to be kept.
        instruments (list[str]): The keys of the instruments that were kept.
        metadata (Metadata): The data that a plan was created from.
        optimization_level (OptimizationLevel): The optimization level of a plan.
        performance_metrics (PerformanceMetrics): The performance figures of a plan.
        plan_name (str): The name of the plan.
        rejected (list[Rejection]): One entry for every key that was left out.
        status (PlanStatus): The status of a plan.
        subscription_type (SubscriptionType): The use of the instruments.
        user_id (str): The user that requested the plan.
        validation_results (ValidationResults): The result of the checks of a plan.
        allocation (Allocation | Unset): The allocation of a plan at a broker.
        plan_id (str | Unset): The id of the plan: `plan_` followed by the 32 hexadecimal digits of a UUID v7. Absent in
            a dry run.
    """

    cache_key: str
    created_at: datetime.datetime
    description: str
    estimated_cost: float
    expires_at: datetime.datetime
    filtering_strictness: FilteringStrictness
    instruments: list[str]
    metadata: Metadata
    optimization_level: OptimizationLevel
    performance_metrics: PerformanceMetrics
    plan_name: str
    rejected: list[Rejection]
    status: PlanStatus
    subscription_type: SubscriptionType
    user_id: str
    validation_results: ValidationResults
    allocation: Allocation | Unset = UNSET
    plan_id: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        cache_key = self.cache_key

        created_at = self.created_at.isoformat()

        description = self.description

        estimated_cost = self.estimated_cost

        expires_at = self.expires_at.isoformat()

        filtering_strictness = self.filtering_strictness.value

        instruments = self.instruments

        metadata = self.metadata.to_dict()

        optimization_level = self.optimization_level.value

        performance_metrics = self.performance_metrics.to_dict()

        plan_name = self.plan_name

        rejected = []
        for rejected_item_data in self.rejected:
            rejected_item = rejected_item_data.to_dict()
            rejected.append(rejected_item)

        status = self.status.value

        subscription_type = self.subscription_type.value

        user_id = self.user_id

        validation_results = self.validation_results.to_dict()

        allocation: dict[str, Any] | Unset = UNSET
        if not isinstance(self.allocation, Unset):
            allocation = self.allocation.to_dict()

        plan_id = self.plan_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "cache_key": cache_key,
                "created_at": created_at,
                "description": description,
                "estimated_cost": estimated_cost,
                "expires_at": expires_at,
                "filtering_strictness": filtering_strictness,
                "instruments": instruments,
                "metadata": metadata,
                "optimization_level": optimization_level,
                "performance_metrics": performance_metrics,
                "plan_name": plan_name,
                "rejected": rejected,
                "status": status,
                "subscription_type": subscription_type,
                "user_id": user_id,
                "validation_results": validation_results,
            }
        )
        if allocation is not UNSET:
            field_dict["allocation"] = allocation
        if plan_id is not UNSET:
            field_dict["plan_id"] = plan_id

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.allocation import Allocation
        from ..models.metadata import Metadata
        from ..models.performance_metrics import PerformanceMetrics
        from ..models.rejection import Rejection
        from ..models.validation_results import ValidationResults

        d = dict(src_dict)
        cache_key = d.pop("cache_key")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        description = d.pop("description")

        estimated_cost = d.pop("estimated_cost")

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        filtering_strictness = FilteringStrictness(d.pop("filtering_strictness"))

        instruments = cast(list[str], d.pop("instruments"))

        metadata = Metadata.from_dict(d.pop("metadata"))

        optimization_level = OptimizationLevel(d.pop("optimization_level"))

        performance_metrics = PerformanceMetrics.from_dict(d.pop("performance_metrics"))

        plan_name = d.pop("plan_name")

        rejected = []
        _rejected = d.pop("rejected")
        for rejected_item_data in _rejected:
            rejected_item = Rejection.from_dict(rejected_item_data)

            rejected.append(rejected_item)

        status = PlanStatus(d.pop("status"))

        subscription_type = SubscriptionType(d.pop("subscription_type"))

        user_id = d.pop("user_id")

        validation_results = ValidationResults.from_dict(d.pop("validation_results"))

        _allocation = d.pop("allocation", UNSET)
        allocation: Allocation | Unset
        if isinstance(_allocation, Unset):
            allocation = UNSET
        else:
            allocation = Allocation.from_dict(_allocation)

        plan_id = d.pop("plan_id", UNSET)

        plan = cls(
            cache_key=cache_key,
            created_at=created_at,
            description=description,
            estimated_cost=estimated_cost,
            expires_at=expires_at,
            filtering_strictness=filtering_strictness,
            instruments=instruments,
            metadata=metadata,
            optimization_level=optimization_level,
            performance_metrics=performance_metrics,
            plan_name=plan_name,
            rejected=rejected,
            status=status,
            subscription_type=subscription_type,
            user_id=user_id,
            validation_results=validation_results,
            allocation=allocation,
            plan_id=plan_id,
        )

        plan.additional_properties = d
        return plan

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
