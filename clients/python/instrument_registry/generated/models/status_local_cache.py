from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatusLocalCache")


@_attrs_define
class StatusLocalCache:
    """The cache of the process.

    Attributes:
        bytes_ (int): The size, in bytes.
        bytes_max (int): The maximum size, in bytes.
        entries (int): The number of plans.
        hit_ratio (float | None): The share of requests for plans over the last 15 minutes that it served, 0 to 1.
            `null` without requests.
    """

    bytes_: int
    bytes_max: int
    entries: int
    hit_ratio: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        bytes_ = self.bytes_

        bytes_max = self.bytes_max

        entries = self.entries

        hit_ratio: float | None
        hit_ratio = self.hit_ratio

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "bytes": bytes_,
                "bytes_max": bytes_max,
                "entries": entries,
                "hit_ratio": hit_ratio,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        bytes_ = d.pop("bytes")

        bytes_max = d.pop("bytes_max")

        entries = d.pop("entries")

        def _parse_hit_ratio(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        hit_ratio = _parse_hit_ratio(d.pop("hit_ratio"))

        status_local_cache = cls(
            bytes_=bytes_,
            bytes_max=bytes_max,
            entries=entries,
            hit_ratio=hit_ratio,
        )

        status_local_cache.additional_properties = d
        return status_local_cache

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
