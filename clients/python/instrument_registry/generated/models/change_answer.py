from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.change_status import ChangeStatus
from ..models.strategy import Strategy

if TYPE_CHECKING:
    from ..models.profile_conflict import ProfileConflict
    from ..models.subscription_profile import SubscriptionProfile


T = TypeVar("T", bound="ChangeAnswer")


@_attrs_define
class ChangeAnswer:
    """The result of a change of a profile.

    Attributes:
        conflicts (list[ProfileConflict]): The conflicts that were resolved.
        conflicts_resolved (int): The number of conflicts that were resolved.
        correlation_id (str): The correlation id of the request.
        deactivated_profiles (list[str]): The profiles that were deactivated to resolve conflicts.
        duration_ms (int): The time that the operation took, in milliseconds.
        profile (SubscriptionProfile): A profile.
        profile_id (str): The id of a profile.
        resolution_strategy (Strategy): The strategy for resolving conflicts.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        status (ChangeStatus): The change of the profile.
        user_id (str): The user that the profile belongs to.
    """

    conflicts: list[ProfileConflict]
    conflicts_resolved: int
    correlation_id: str
    deactivated_profiles: list[str]
    duration_ms: int
    profile: SubscriptionProfile
    profile_id: str
    resolution_strategy: Strategy
    response_time_ms: int
    status: ChangeStatus
    user_id: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        conflicts = []
        for conflicts_item_data in self.conflicts:
            conflicts_item = conflicts_item_data.to_dict()
            conflicts.append(conflicts_item)

        conflicts_resolved = self.conflicts_resolved

        correlation_id = self.correlation_id

        deactivated_profiles = self.deactivated_profiles

        duration_ms = self.duration_ms

        profile = self.profile.to_dict()

        profile_id = self.profile_id

        resolution_strategy = self.resolution_strategy.value

        response_time_ms = self.response_time_ms

        status = self.status.value

        user_id = self.user_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "conflicts": conflicts,
                "conflicts_resolved": conflicts_resolved,
                "correlation_id": correlation_id,
                "deactivated_profiles": deactivated_profiles,
                "duration_ms": duration_ms,
                "profile": profile,
                "profile_id": profile_id,
                "resolution_strategy": resolution_strategy,
                "response_time_ms": response_time_ms,
                "status": status,
                "user_id": user_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.profile_conflict import ProfileConflict
        from ..models.subscription_profile import SubscriptionProfile

        d = dict(src_dict)
        conflicts = []
        _conflicts = d.pop("conflicts")
        for conflicts_item_data in _conflicts:
            conflicts_item = ProfileConflict.from_dict(conflicts_item_data)

            conflicts.append(conflicts_item)

        conflicts_resolved = d.pop("conflicts_resolved")

        correlation_id = d.pop("correlation_id")

        deactivated_profiles = cast(list[str], d.pop("deactivated_profiles"))

        duration_ms = d.pop("duration_ms")

        profile = SubscriptionProfile.from_dict(d.pop("profile"))

        profile_id = d.pop("profile_id")

        resolution_strategy = Strategy(d.pop("resolution_strategy"))

        response_time_ms = d.pop("response_time_ms")

        status = ChangeStatus(d.pop("status"))

        user_id = d.pop("user_id")

        change_answer = cls(
            conflicts=conflicts,
            conflicts_resolved=conflicts_resolved,
            correlation_id=correlation_id,
            deactivated_profiles=deactivated_profiles,
            duration_ms=duration_ms,
            profile=profile,
            profile_id=profile_id,
            resolution_strategy=resolution_strategy,
            response_time_ms=response_time_ms,
            status=status,
            user_id=user_id,
        )

        change_answer.additional_properties = d
        return change_answer

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
