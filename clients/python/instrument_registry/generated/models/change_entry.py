from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.change_kind import ChangeKind

T = TypeVar("T", bound="ChangeEntry")


@_attrs_define
class ChangeEntry:
    """A change between two loads of a broker.

    Attributes:
        after (str): The new value. For a reused token, the token. Empty if the instrument was removed.
        before (str): The old value. For a reused token, the key that it belonged to. Empty if the instrument was added.
        instrument_key (str): The new key of the instrument, or the old one if it was removed.
        kind (ChangeKind): The kind of a change between two loads of a broker.
    """

    after: str
    before: str
    instrument_key: str
    kind: ChangeKind
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        after = self.after

        before = self.before

        instrument_key = self.instrument_key

        kind = self.kind.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "after": after,
                "before": before,
                "instrument_key": instrument_key,
                "kind": kind,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        after = d.pop("after")

        before = d.pop("before")

        instrument_key = d.pop("instrument_key")

        kind = ChangeKind(d.pop("kind"))

        change_entry = cls(
            after=after,
            before=before,
            instrument_key=instrument_key,
            kind=kind,
        )

        change_entry.additional_properties = d
        return change_entry

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
