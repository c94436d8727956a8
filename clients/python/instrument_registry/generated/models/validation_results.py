from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ValidationResults")


@_attrs_define
class ValidationResults:
    """The result of the checks of a plan.

    Attributes:
        invalid_instruments (int): The number of keys that are malformed, unknown, inactive or expired, that the
            requested broker does not list, or that
            the rules of the profile do not allow.
        optimization_applied (str): The optimization strategy that was applied.
        valid_instruments (int): The number of keys that were kept.
        within_limits (bool): Whether all valid instruments fit into the maximum and into the limits of the requested
            broker.
        unknown_instruments (list[str] | Unset): The kept keys that the catalog does not contain. Present only if the
            strictness is `lenient`.
    """

    invalid_instruments: int
    optimization_applied: str
    valid_instruments: int
    within_limits: bool
    unknown_instruments: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        invalid_instruments = self.invalid_instruments

        optimization_applied = self.optimization_applied

        valid_instruments = self.valid_instruments

        within_limits = self.within_limits

        unknown_instruments: list[str] | Unset = UNSET
        if not isinstance(self.unknown_instruments, Unset):
            unknown_instruments = self.unknown_instruments

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "invalid_instruments": invalid_instruments,
                "optimization_applied": optimization_applied,
                "valid_instruments": valid_instruments,
                "within_limits": within_limits,
            }
        )
        if unknown_instruments is not UNSET:
            field_dict["unknown_instruments"] = unknown_instruments

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        invalid_instruments = d.pop("invalid_instruments")

        optimization_applied = d.pop("optimization_applied")

        valid_instruments = d.pop("valid_instruments")

        within_limits = d.pop("within_limits")

        unknown_instruments = cast(list[str], d.pop("unknown_instruments", UNSET))

        validation_results = cls(
            invalid_instruments=invalid_instruments,
            optimization_applied=optimization_applied,
            valid_instruments=valid_instruments,
            within_limits=within_limits,
            unknown_instruments=unknown_instruments,
        )

        validation_results.additional_properties = d
        return validation_results

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
