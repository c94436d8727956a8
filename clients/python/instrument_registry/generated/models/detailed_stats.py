from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.detailed_stats_by_exchange import DetailedStatsByExchange
    from ..models.detailed_stats_by_type import DetailedStatsByType
    from ..models.quality_entry import QualityEntry


T = TypeVar("T", bound="DetailedStats")


@_attrs_define
class DetailedStats:
    """Detailed figures of the catalog.

    Attributes:
        by_exchange (DetailedStatsByExchange): The number of instruments by exchange: all, active and inactive ones.
        by_type (DetailedStatsByType): The number of instruments by type: all, active and inactive ones.
        quality_metrics (QualityEntry): The number of active instruments with missing or outdated data, and of
            contradictions.
    """

    by_exchange: DetailedStatsByExchange
    by_type: DetailedStatsByType
    quality_metrics: QualityEntry
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        by_exchange = self.by_exchange.to_dict()

        by_type = self.by_type.to_dict()

        quality_metrics = self.quality_metrics.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "by_exchange": by_exchange,
                "by_type": by_type,
                "quality_metrics": quality_metrics,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.detailed_stats_by_exchange import DetailedStatsByExchange
        from ..models.detailed_stats_by_type import DetailedStatsByType
        from ..models.quality_entry import QualityEntry

        d = dict(src_dict)
        by_exchange = DetailedStatsByExchange.from_dict(d.pop("by_exchange"))

        by_type = DetailedStatsByType.from_dict(d.pop("by_type"))

        quality_metrics = QualityEntry.from_dict(d.pop("quality_metrics"))

        detailed_stats = cls(
            by_exchange=by_exchange,
            by_type=by_type,
            quality_metrics=quality_metrics,
        )

        detailed_stats.additional_properties = d
        return detailed_stats

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
