from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.description_level import DescriptionLevel
from ..types import UNSET, Unset

T = TypeVar("T", bound="DescribeBody")


@_attrs_define
class DescribeBody:
    """The options of a description. The body may be empty.

    Attributes:
        description_level (DescriptionLevel | None | Unset):
    """

    description_level: DescriptionLevel | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        description_level: None | str | Unset
        if isinstance(self.description_level, Unset):
            description_level = UNSET
        elif isinstance(self.description_level, DescriptionLevel):
            description_level = self.description_level.value
        else:
            description_level = self.description_level

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if description_level is not UNSET:
            field_dict["description_level"] = description_level

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_description_level(data: object) -> DescriptionLevel | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                description_level_type_0 = DescriptionLevel(data)

                return description_level_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DescriptionLevel | None | Unset, data)

        description_level = _parse_description_level(d.pop("description_level", UNSET))

        describe_body = cls(
            description_level=description_level,
        )

        return describe_body
