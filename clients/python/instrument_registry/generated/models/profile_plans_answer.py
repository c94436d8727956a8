from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.pagination import Pagination
    from ..models.profile_plan_entry import ProfilePlanEntry


T = TypeVar("T", bound="ProfilePlansAnswer")


@_attrs_define
class ProfilePlansAnswer:
    """A page of plans.

    Attributes:
        correlation_id (str): The correlation id of the request.
        pagination (Pagination): The position of a page in its list.
        plans (list[ProfilePlanEntry]): The entries, newest first.
        profile_version (int): The current version of the profile.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        next_cursor (str | Unset): The `cursor` of the next page. Absent on the last page.
    """

    correlation_id: str
    pagination: Pagination
    plans: list[ProfilePlanEntry]
    profile_version: int
    response_time_ms: int
    next_cursor: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        pagination = self.pagination.to_dict()

        plans = []
        for plans_item_data in self.plans:
            plans_item = plans_item_data.to_dict()
            plans.append(plans_item)

        profile_version = self.profile_version

        response_time_ms = self.response_time_ms

        next_cursor = self.next_cursor

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "pagination": pagination,
                "plans": plans,
                "profile_version": profile_version,
                "response_time_ms": response_time_ms,
            }
        )
        if next_cursor is not UNSET:
            field_dict["next_cursor"] = next_cursor

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.pagination import Pagination
        from ..models.profile_plan_entry import ProfilePlanEntry

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        pagination = Pagination.from_dict(d.pop("pagination"))

        plans = []
        _plans = d.pop("plans")
        for plans_item_data in _plans:
            plans_item = ProfilePlanEntry.from_dict(plans_item_data)

            plans.append(plans_item)

        profile_version = d.pop("profile_version")

        response_time_ms = d.pop("response_time_ms")

        next_cursor = d.pop("next_cursor", UNSET)

        profile_plans_answer = cls(
            correlation_id=correlation_id,
            pagination=pagination,
            plans=plans,
            profile_version=profile_version,
            response_time_ms=response_time_ms,
            next_cursor=next_cursor,
        )

        profile_plans_answer.additional_properties = d
        return profile_plans_answer

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
