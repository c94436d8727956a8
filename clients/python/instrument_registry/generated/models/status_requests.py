from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.status_minute import StatusMinute


T = TypeVar("T", bound="StatusRequests")


@_attrs_define
class StatusRequests:
    """The requests to the API.

    Attributes:
        in_flight (int): The number of requests without a response.
        last_minute (StatusMinute): The requests of the last minute.
        permits (int): The maximum of `in_flight`. A request beyond it is rejected.
    """

    in_flight: int
    last_minute: StatusMinute
    permits: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        in_flight = self.in_flight

        last_minute = self.last_minute.to_dict()

        permits = self.permits

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "in_flight": in_flight,
                "last_minute": last_minute,
                "permits": permits,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.status_minute import StatusMinute

        d = dict(src_dict)
        in_flight = d.pop("in_flight")

        last_minute = StatusMinute.from_dict(d.pop("last_minute"))

        permits = d.pop("permits")

        status_requests = cls(
            in_flight=in_flight,
            last_minute=last_minute,
            permits=permits,
        )

        status_requests.additional_properties = d
        return status_requests

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
