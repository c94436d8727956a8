from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.status_local_cache import StatusLocalCache
    from ..models.status_shared_cache import StatusSharedCache


T = TypeVar("T", bound="StatusCaches")


@_attrs_define
class StatusCaches:
    """The caches.

    Attributes:
        l1 (StatusLocalCache): The cache of the process.
        l2 (None | StatusSharedCache):
    """

    l1: StatusLocalCache
    l2: None | StatusSharedCache
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.status_shared_cache import StatusSharedCache

        l1 = self.l1.to_dict()

        l2: dict[str, Any] | None
        if isinstance(self.l2, StatusSharedCache):
            l2 = self.l2.to_dict()
        else:
            l2 = self.l2

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "l1": l1,
                "l2": l2,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.status_local_cache import StatusLocalCache
        from ..models.status_shared_cache import StatusSharedCache

        d = dict(src_dict)
        l1 = StatusLocalCache.from_dict(d.pop("l1"))

        def _parse_l2(data: object) -> None | StatusSharedCache:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                l2_type_0 = StatusSharedCache.from_dict(data)

                return l2_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StatusSharedCache, data)

        l2 = _parse_l2(d.pop("l2"))

        status_caches = cls(
            l1=l1,
            l2=l2,
        )

        status_caches.additional_properties = d
        return status_caches

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
