from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.contradiction_counts_entry import ContradictionCountsEntry


T = TypeVar("T", bound="QualityEntry")


@_attrs_define
class QualityEntry:
    """The number of active instruments with missing or outdated data, and of contradictions.

    Attributes:
        contradictions (ContradictionCountsEntry): The number of fields on which the files of brokers contradict each
            other.
        expired (int): The number of contracts whose last trading date has passed.
        without_isin (int): The number of cash securities without an ISIN.
        without_lot_size (int): The number of instruments without a lot size, excluding indices.
        without_name (int): The number of instruments without a name.
        without_tick_size (int): The number of instruments without a tick size, excluding indices.
        without_token (int): The number of instruments without a token of any broker.
    """

    contradictions: ContradictionCountsEntry
    expired: int
    without_isin: int
    without_lot_size: int
    without_name: int
    without_tick_size: int
    without_token: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        contradictions = self.contradictions.to_dict()

        expired = self.expired

        without_isin = self.without_isin

        without_lot_size = self.without_lot_size

        without_name = self.without_name

        without_tick_size = self.without_tick_size

        without_token = self.without_token

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "contradictions": contradictions,
                "expired": expired,
                "without_isin": without_isin,
                "without_lot_size": without_lot_size,
                "without_name": without_name,
                "without_tick_size": without_tick_size,
                "without_token": without_token,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.contradiction_counts_entry import ContradictionCountsEntry

        d = dict(src_dict)
        contradictions = ContradictionCountsEntry.from_dict(d.pop("contradictions"))

        expired = d.pop("expired")

        without_isin = d.pop("without_isin")

        without_lot_size = d.pop("without_lot_size")

        without_name = d.pop("without_name")

        without_tick_size = d.pop("without_tick_size")

        without_token = d.pop("without_token")

        quality_entry = cls(
            contradictions=contradictions,
            expired=expired,
            without_isin=without_isin,
            without_lot_size=without_lot_size,
            without_name=without_name,
            without_tick_size=without_tick_size,
            without_token=without_token,
        )

        quality_entry.additional_properties = d
        return quality_entry

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
