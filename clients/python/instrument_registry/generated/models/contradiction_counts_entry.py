from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.contradiction_counts_entry_by_broker import (
        ContradictionCountsEntryByBroker,
    )
    from ..models.contradiction_counts_entry_by_field import (
        ContradictionCountsEntryByField,
    )


T = TypeVar("T", bound="ContradictionCountsEntry")


@_attrs_define
class ContradictionCountsEntry:
    """The number of fields on which the files of brokers contradict each other.

    Attributes:
        by_broker (ContradictionCountsEntryByBroker): The number of contradictions by broker whose value is not used.
        by_field (ContradictionCountsEntryByField): The number of contradictions by field.
        total (int): The number of contradictions: one for each field of an instrument.
    """

    by_broker: ContradictionCountsEntryByBroker
    by_field: ContradictionCountsEntryByField
    total: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        by_broker = self.by_broker.to_dict()

        by_field = self.by_field.to_dict()

        total = self.total

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "by_broker": by_broker,
                "by_field": by_field,
                "total": total,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.contradiction_counts_entry_by_broker import (
            ContradictionCountsEntryByBroker,
        )
        from ..models.contradiction_counts_entry_by_field import (
            ContradictionCountsEntryByField,
        )

        d = dict(src_dict)
        by_broker = ContradictionCountsEntryByBroker.from_dict(d.pop("by_broker"))

        by_field = ContradictionCountsEntryByField.from_dict(d.pop("by_field"))

        total = d.pop("total")

        contradiction_counts_entry = cls(
            by_broker=by_broker,
            by_field=by_field,
            total=total,
        )

        contradiction_counts_entry.additional_properties = d
        return contradiction_counts_entry

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
