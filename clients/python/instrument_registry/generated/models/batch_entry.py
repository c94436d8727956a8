from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.unresolved_reason import UnresolvedReason
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.instrument_entry import InstrumentEntry


T = TypeVar("T", bound="BatchEntry")


@_attrs_define
class BatchEntry:
    """The result for one key.

    Attributes:
        requested (str): The key as the caller sent it.
        detail (str | Unset): The description of the reason. Absent if the key was resolved.
        instrument (InstrumentEntry | Unset): An instrument. A property that it does not have is null.
        reason (UnresolvedReason | Unset): The reason why a key was not resolved.
        suggestions (list[str] | Unset): Suggested keys. Absent if the key was resolved.
    """

    requested: str
    detail: str | Unset = UNSET
    instrument: InstrumentEntry | Unset = UNSET
    reason: UnresolvedReason | Unset = UNSET
    suggestions: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        requested = self.requested

        detail = self.detail

        instrument: dict[str, Any] | Unset = UNSET
        if not isinstance(self.instrument, Unset):
            instrument = self.instrument.to_dict()

        reason: str | Unset = UNSET
        if not isinstance(self.reason, Unset):
            reason = self.reason.value

        suggestions: list[str] | Unset = UNSET
        if not isinstance(self.suggestions, Unset):
            suggestions = self.suggestions

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "requested": requested,
            }
        )
        if detail is not UNSET:
            field_dict["detail"] = detail
        if instrument is not UNSET:
            field_dict["instrument"] = instrument
        if reason is not UNSET:
            field_dict["reason"] = reason
        if suggestions is not UNSET:
            field_dict["suggestions"] = suggestions

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.instrument_entry import InstrumentEntry

        d = dict(src_dict)
        requested = d.pop("requested")

        detail = d.pop("detail", UNSET)

        _instrument = d.pop("instrument", UNSET)
        instrument: InstrumentEntry | Unset
        if isinstance(_instrument, Unset):
            instrument = UNSET
        else:
            instrument = InstrumentEntry.from_dict(_instrument)

        _reason = d.pop("reason", UNSET)
        reason: UnresolvedReason | Unset
        if isinstance(_reason, Unset):
            reason = UNSET
        else:
            reason = UnresolvedReason(_reason)

        suggestions = cast(list[str], d.pop("suggestions", UNSET))

        batch_entry = cls(
            requested=requested,
            detail=detail,
            instrument=instrument,
            reason=reason,
            suggestions=suggestions,
        )

        batch_entry.additional_properties = d
        return batch_entry

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
