from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.changed_field import ChangedField

T = TypeVar("T", bound="InstrumentChange")


@_attrs_define
class InstrumentChange:
    """A change of an instrument since the plan was created.

    Attributes:
        field (ChangedField): A property of an instrument that differs from the plan.
        from_ (float | None | str):
        to (float | None | str):
    """

    field: ChangedField
    from_: float | None | str
    to: float | None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        field = self.field.value

        from_: float | None | str
        from_ = self.from_

        to: float | None | str
        to = self.to

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "field": field,
                "from": from_,
                "to": to,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        field = ChangedField(d.pop("field"))

        def _parse_from_(data: object) -> float | None | str:
            if data is None:
                return data
            return cast(float | None | str, data)

        from_ = _parse_from_(d.pop("from"))

        def _parse_to(data: object) -> float | None | str:
            if data is None:
                return data
            return cast(float | None | str, data)

        to = _parse_to(d.pop("to"))

        instrument_change = cls(
            field=field,
            from_=from_,
            to=to,
        )

        instrument_change.additional_properties = d
        return instrument_change

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
