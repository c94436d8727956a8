from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatusSharedCache")


@_attrs_define
class StatusSharedCache:
    """The cache that replicas share.

    Attributes:
        failed_per_minute (float): The number of failed lookups per minute over the last 15 minutes.
        hit_ratio (float | None): The share of completed lookups over the last 15 minutes that found a plan, 0 to 1.
            `null` without lookups.
        skipped_per_minute (float): The number of lookups per minute over the last 15 minutes that were not sent.
    """

    failed_per_minute: float
    hit_ratio: float | None
    skipped_per_minute: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        failed_per_minute = self.failed_per_minute

        hit_ratio: float | None
        hit_ratio = self.hit_ratio

        skipped_per_minute = self.skipped_per_minute

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "failed_per_minute": failed_per_minute,
                "hit_ratio": hit_ratio,
                "skipped_per_minute": skipped_per_minute,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        failed_per_minute = d.pop("failed_per_minute")

        def _parse_hit_ratio(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        hit_ratio = _parse_hit_ratio(d.pop("hit_ratio"))

        skipped_per_minute = d.pop("skipped_per_minute")

        status_shared_cache = cls(
            failed_per_minute=failed_per_minute,
            hit_ratio=hit_ratio,
            skipped_per_minute=skipped_per_minute,
        )

        status_shared_cache.additional_properties = d
        return status_shared_cache

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
