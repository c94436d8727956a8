from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.verdict import Verdict

if TYPE_CHECKING:
    from ..models.instrument_change import InstrumentChange


T = TypeVar("T", bound="VerifiedInstrument")


@_attrs_define
class VerifiedInstrument:
    """An instrument of a plan, compared with the current catalog.

    Attributes:
        changes (list[InstrumentChange]): Everything that changed, the most important change first.
        instrument (str): The key of the instrument in the plan.
        verdict (Verdict): The state of an instrument of a plan in the current catalog. The first one that applies
            counts.
    """

    changes: list[InstrumentChange]
    instrument: str
    verdict: Verdict
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        changes = []
        for changes_item_data in self.changes:
            changes_item = changes_item_data.to_dict()
            changes.append(changes_item)

        instrument = self.instrument

        verdict = self.verdict.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "changes": changes,
                "instrument": instrument,
                "verdict": verdict,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.instrument_change import InstrumentChange

        d = dict(src_dict)
        changes = []
        _changes = d.pop("changes")
        for changes_item_data in _changes:
            changes_item = InstrumentChange.from_dict(changes_item_data)

            changes.append(changes_item)

        instrument = d.pop("instrument")

        verdict = Verdict(d.pop("verdict"))

        verified_instrument = cls(
            changes=changes,
            instrument=instrument,
            verdict=verdict,
        )

        verified_instrument.additional_properties = d
        return verified_instrument

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
