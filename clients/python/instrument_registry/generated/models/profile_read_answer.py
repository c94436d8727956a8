from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.subscription_profile import SubscriptionProfile


T = TypeVar("T", bound="ProfileReadAnswer")


@_attrs_define
class ProfileReadAnswer:
    """A profile.

    Attributes:
        correlation_id (str): The correlation id of the request.
        profile (SubscriptionProfile): A profile.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
    """

    correlation_id: str
    profile: SubscriptionProfile
    response_time_ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        profile = self.profile.to_dict()

        response_time_ms = self.response_time_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "profile": profile,
                "response_time_ms": response_time_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.subscription_profile import SubscriptionProfile

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        profile = SubscriptionProfile.from_dict(d.pop("profile"))

        response_time_ms = d.pop("response_time_ms")

        profile_read_answer = cls(
            correlation_id=correlation_id,
            profile=profile,
            response_time_ms=response_time_ms,
        )

        profile_read_answer.additional_properties = d
        return profile_read_answer

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
