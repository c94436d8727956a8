from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.attention import Attention


T = TypeVar("T", bound="AttentionAnswer")


@_attrs_define
class AttentionAnswer:
    """The profiles that need attention.

    Attributes:
        as_of (datetime.date): The trading date that expiries were compared with.
        catalogue_version (str): The version of the catalog that the profiles were compared with.
        correlation_id (str): The correlation id of the request.
        looked_at (int): The number of active profiles that the request checked.
        profiles (list[Attention]): The entries, newest first.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        next_cursor (str | Unset): The `cursor` of the next page. Absent if all profiles were checked. Even an empty
            page may have one.
    """

    as_of: datetime.date
    catalogue_version: str
    correlation_id: str
    looked_at: int
    profiles: list[Attention]
    response_time_ms: int
    next_cursor: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        as_of = self.as_of.isoformat()

        catalogue_version = self.catalogue_version

        correlation_id = self.correlation_id

        looked_at = self.looked_at

        profiles = []
        for profiles_item_data in self.profiles:
            profiles_item = profiles_item_data.to_dict()
            profiles.append(profiles_item)

        response_time_ms = self.response_time_ms

        next_cursor = self.next_cursor

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "as_of": as_of,
                "catalogue_version": catalogue_version,
                "correlation_id": correlation_id,
                "looked_at": looked_at,
                "profiles": profiles,
                "response_time_ms": response_time_ms,
            }
        )
        if next_cursor is not UNSET:
            field_dict["next_cursor"] = next_cursor

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.attention import Attention

        d = dict(src_dict)
        as_of = datetime.date.fromisoformat(d.pop("as_of"))

        catalogue_version = d.pop("catalogue_version")

        correlation_id = d.pop("correlation_id")

        looked_at = d.pop("looked_at")

        profiles = []
        _profiles = d.pop("profiles")
        for profiles_item_data in _profiles:
            profiles_item = Attention.from_dict(profiles_item_data)

            profiles.append(profiles_item)

        response_time_ms = d.pop("response_time_ms")

        next_cursor = d.pop("next_cursor", UNSET)

        attention_answer = cls(
            as_of=as_of,
            catalogue_version=catalogue_version,
            correlation_id=correlation_id,
            looked_at=looked_at,
            profiles=profiles,
            response_time_ms=response_time_ms,
            next_cursor=next_cursor,
        )

        attention_answer.additional_properties = d
        return attention_answer

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
