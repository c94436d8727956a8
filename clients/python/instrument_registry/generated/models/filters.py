from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.plan_status import PlanStatus
from ..models.subscription_type import SubscriptionType
from ..types import UNSET, Unset

T = TypeVar("T", bound="Filters")


@_attrs_define
class Filters:
    """The filters in effect.

    Attributes:
        status (PlanStatus | Unset): The status of a plan.
        subscription_type (SubscriptionType | Unset): The use of the instruments.
        user_id (str | Unset): The user whose plans are listed. Absent if the request does not select a user.
    """

    status: PlanStatus | Unset = UNSET
    subscription_type: SubscriptionType | Unset = UNSET
    user_id: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status: str | Unset = UNSET
        if not isinstance(self.status, Unset):
            status = self.status.value

        subscription_type: str | Unset = UNSET
        if not isinstance(self.subscription_type, Unset):
            subscription_type = self.subscription_type.value

        user_id = self.user_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if status is not UNSET:
            field_dict["status"] = status
        if subscription_type is not UNSET:
            field_dict["subscription_type"] = subscription_type
        if user_id is not UNSET:
            field_dict["user_id"] = user_id

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        _status = d.pop("status", UNSET)
        status: PlanStatus | Unset
        if isinstance(_status, Unset):
            status = UNSET
        else:
            status = PlanStatus(_status)

        _subscription_type = d.pop("subscription_type", UNSET)
        subscription_type: SubscriptionType | Unset
        if isinstance(_subscription_type, Unset):
            subscription_type = UNSET
        else:
            subscription_type = SubscriptionType(_subscription_type)

        user_id = d.pop("user_id", UNSET)

        filters = cls(
            status=status,
            subscription_type=subscription_type,
            user_id=user_id,
        )

        filters.additional_properties = d
        return filters

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
