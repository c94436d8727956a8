from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="BatchBody")


@_attrs_define
class BatchBody:
    """The keys to resolve.

    Attributes:
        instruments (list[str]): The keys, in general `EXCHANGE:SYMBOL`.
    """

    instruments: list[str]

    def to_dict(self) -> dict[str, Any]:
        instruments = self.instruments

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "instruments": instruments,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        instruments = cast(list[str], d.pop("instruments"))

        batch_body = cls(
            instruments=instruments,
        )

        return batch_body
