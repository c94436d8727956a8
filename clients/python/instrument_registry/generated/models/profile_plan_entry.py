from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.plan_status import PlanStatus
from ..models.subscription_type import SubscriptionType

T = TypeVar("T", bound="ProfilePlanEntry")


@_attrs_define
class ProfilePlanEntry:
    """A plan of a profile.

    Attributes:
        created_at (datetime.datetime): The time when the plan was created.
        estimated_cost (float): The configured cost of all instruments for a trading day, in USD.
        expires_at (datetime.datetime): The time when the plan expires. An expired plan is not reused, but it can still
            be read.
        is_live (bool): Whether the plan can still be reused.
        is_stale (bool): Whether the plan can still be reused although the profile has changed since then, is inactive
            or has expired.
        plan_id (str): The id of a plan.
        plan_name (str): The name of the plan.
        profile_version (int | None): The version of the profile that the plan was created from.
        status (PlanStatus): The status of a plan.
        subscription_type (SubscriptionType): The use of the instruments.
        user_id (str): The user that the plan is for.
    """

    created_at: datetime.datetime
    estimated_cost: float
    expires_at: datetime.datetime
    is_live: bool
    is_stale: bool
    plan_id: str
    plan_name: str
    profile_version: int | None
    status: PlanStatus
    subscription_type: SubscriptionType
    user_id: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        created_at = self.created_at.isoformat()

        estimated_cost = self.estimated_cost

        expires_at = self.expires_at.isoformat()

        is_live = self.is_live

        is_stale = self.is_stale

        plan_id = self.plan_id

        plan_name = self.plan_name

        profile_version: int | None
        profile_version = self.profile_version

        status = self.status.value

        subscription_type = self.subscription_type.value

        user_id = self.user_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "created_at": created_at,
                "estimated_cost": estimated_cost,
                "expires_at": expires_at,
                "is_live": is_live,
                "is_stale": is_stale,
                "plan_id": plan_id,
                "plan_name": plan_name,
                "profile_version": profile_version,
                "status": status,
                "subscription_type": subscription_type,
                "user_id": user_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        estimated_cost = d.pop("estimated_cost")

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        is_live = d.pop("is_live")

        is_stale = d.pop("is_stale")

        plan_id = d.pop("plan_id")

        plan_name = d.pop("plan_name")

        def _parse_profile_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        profile_version = _parse_profile_version(d.pop("profile_version"))

        status = PlanStatus(d.pop("status"))

        subscription_type = SubscriptionType(d.pop("subscription_type"))

        user_id = d.pop("user_id")

        profile_plan_entry = cls(
            created_at=created_at,
            estimated_cost=estimated_cost,
            expires_at=expires_at,
            is_live=is_live,
            is_stale=is_stale,
            plan_id=plan_id,
            plan_name=plan_name,
            profile_version=profile_version,
            status=status,
            subscription_type=subscription_type,
            user_id=user_id,
        )

        profile_plan_entry.additional_properties = d
        return profile_plan_entry

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
