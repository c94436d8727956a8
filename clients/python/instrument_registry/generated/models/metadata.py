from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.catalogue_reference import CatalogueReference
    from ..models.optimization_result import OptimizationResult
    from ..models.planned_feed import PlannedFeed
    from ..models.profile_reference import ProfileReference


T = TypeVar("T", bound="Metadata")


@_attrs_define
class Metadata:
    """The data that a plan was created from.

    Attributes:
        as_of (datetime.date): The trading date that the plan was created for.
        catalogue (CatalogueReference): The catalog that a plan was created from.
        content_hash (str): The SHA-256 of the cache key, the instruments, the price, and the keys that were left out
            with their reasons, except
            duplicates.
        cost_per_instrument (float): The configured cost of one instrument for a trading day, in USD.
        estimated_bandwidth_bytes_per_second (int): The estimated bandwidth of the feed, in bytes per second.
        max_instruments (int): The maximum number of instruments that was applied.
        optimization_result (OptimizationResult): The result of the optimization.
        original_instrument_count (int): The number of keys in the request, duplicates included.
        warnings (list[str]): Warnings about the plan.
        feed (PlannedFeed | Unset): The broker and the modes of the stream of a plan.
        profile (ProfileReference | Unset): The profile that a plan was created from.
    """

    as_of: datetime.date
    catalogue: CatalogueReference
    content_hash: str
    cost_per_instrument: float
    estimated_bandwidth_bytes_per_second: int
    max_instruments: int
    optimization_result: OptimizationResult
    original_instrument_count: int
    warnings: list[str]
    feed: PlannedFeed | Unset = UNSET
    profile: ProfileReference | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        as_of = self.as_of.isoformat()

        catalogue = self.catalogue.to_dict()

        content_hash = self.content_hash

        cost_per_instrument = self.cost_per_instrument

        estimated_bandwidth_bytes_per_second = self.estimated_bandwidth_bytes_per_second

        max_instruments = self.max_instruments

        optimization_result = self.optimization_result.to_dict()

        original_instrument_count = self.original_instrument_count

        warnings = self.warnings

        feed: dict[str, Any] | Unset = UNSET
        if not isinstance(self.feed, Unset):
            feed = self.feed.to_dict()

        profile: dict[str, Any] | Unset = UNSET
        if not isinstance(self.profile, Unset):
            profile = self.profile.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "as_of": as_of,
                "catalogue": catalogue,
                "content_hash": content_hash,
                "cost_per_instrument": cost_per_instrument,
                "estimated_bandwidth_bytes_per_second": estimated_bandwidth_bytes_per_second,
                "max_instruments": max_instruments,
                "optimization_result": optimization_result,
                "original_instrument_count": original_instrument_count,
                "warnings": warnings,
            }
        )
        if feed is not UNSET:
            field_dict["feed"] = feed
        if profile is not UNSET:
            field_dict["profile"] = profile

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.catalogue_reference import CatalogueReference
        from ..models.optimization_result import OptimizationResult
        from ..models.planned_feed import PlannedFeed
        from ..models.profile_reference import ProfileReference

        d = dict(src_dict)
        as_of = datetime.date.fromisoformat(d.pop("as_of"))

        catalogue = CatalogueReference.from_dict(d.pop("catalogue"))

        content_hash = d.pop("content_hash")

        cost_per_instrument = d.pop("cost_per_instrument")

        estimated_bandwidth_bytes_per_second = d.pop(
            "estimated_bandwidth_bytes_per_second"
        )

        max_instruments = d.pop("max_instruments")

        optimization_result = OptimizationResult.from_dict(d.pop("optimization_result"))

        original_instrument_count = d.pop("original_instrument_count")

        warnings = cast(list[str], d.pop("warnings"))

        _feed = d.pop("feed", UNSET)
        feed: PlannedFeed | Unset
        if isinstance(_feed, Unset):
            feed = UNSET
        else:
            feed = PlannedFeed.from_dict(_feed)

        _profile = d.pop("profile", UNSET)
        profile: ProfileReference | Unset
        if isinstance(_profile, Unset):
            profile = UNSET
        else:
            profile = ProfileReference.from_dict(_profile)

        metadata = cls(
            as_of=as_of,
            catalogue=catalogue,
            content_hash=content_hash,
            cost_per_instrument=cost_per_instrument,
            estimated_bandwidth_bytes_per_second=estimated_bandwidth_bytes_per_second,
            max_instruments=max_instruments,
            optimization_result=optimization_result,
            original_instrument_count=original_instrument_count,
            warnings=warnings,
            feed=feed,
            profile=profile,
        )

        metadata.additional_properties = d
        return metadata

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
