from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.reason import Reason
from ..types import UNSET, Unset

T = TypeVar("T", bound="Rejection")


@_attrs_define
class Rejection:
    """A key that was left out of a plan.

    Attributes:
        detail (str): The description of the reason.
        instrument (str): The key as the caller sent it.
        reason (Reason): The reason why a key was left out.
        suggestions (list[str]): Suggested keys, or the key that represents the instrument in the plan.
        limit (str | Unset): The name of the limit of the broker that leaves no capacity. Present only for
            `over_capacity`.
    """

    detail: str
    instrument: str
    reason: Reason
    suggestions: list[str]
    limit: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        detail = self.detail

        instrument = self.instrument

        reason = self.reason.value

        suggestions = self.suggestions

        limit = self.limit

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "detail": detail,
                "instrument": instrument,
                "reason": reason,
                "suggestions": suggestions,
            }
        )
        if limit is not UNSET:
            field_dict["limit"] = limit

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        detail = d.pop("detail")

        instrument = d.pop("instrument")

        reason = Reason(d.pop("reason"))

        suggestions = cast(list[str], d.pop("suggestions"))

        limit = d.pop("limit", UNSET)

        rejection = cls(
            detail=detail,
            instrument=instrument,
            reason=reason,
            suggestions=suggestions,
            limit=limit,
        )

        rejection.additional_properties = d
        return rejection

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
