from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ListPagination")


@_attrs_define
class ListPagination:
    """The position of a page in its list.

    Attributes:
        has_next (bool): Whether there is a next page.
        limit (int): The maximum number of entries on the page.
        offset (int): The `offset` of the request. 0 if it is absent.
        total (int): The number of instruments that match the filters.
    """

    has_next: bool
    limit: int
    offset: int
    total: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        has_next = self.has_next

        limit = self.limit

        offset = self.offset

        total = self.total

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "has_next": has_next,
                "limit": limit,
                "offset": offset,
                "total": total,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        has_next = d.pop("has_next")

        limit = d.pop("limit")

        offset = d.pop("offset")

        total = d.pop("total")

        list_pagination = cls(
            has_next=has_next,
            limit=limit,
            offset=offset,
            total=total,
        )

        list_pagination.additional_properties = d
        return list_pagination

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
