from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SearchPagination")


@_attrs_define
class SearchPagination:
    """The position of a page in its list.

    Attributes:
        has_next (bool): Whether there is a next page.
        has_previous (bool): Whether there is a previous page. False if no instrument matches.
        page (int): The page number, from 1.
        page_size (int): The maximum number of entries on the page.
        total_count (int): The number of instruments that match, on all pages.
        total_pages (int): The number of pages. 0 if no instrument matches.
    """

    has_next: bool
    has_previous: bool
    page: int
    page_size: int
    total_count: int
    total_pages: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        has_next = self.has_next

        has_previous = self.has_previous

        page = self.page

        page_size = self.page_size

        total_count = self.total_count

        total_pages = self.total_pages

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "has_next": has_next,
                "has_previous": has_previous,
                "page": page,
                "page_size": page_size,
                "total_count": total_count,
                "total_pages": total_pages,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        has_next = d.pop("has_next")

        has_previous = d.pop("has_previous")

        page = d.pop("page")

        page_size = d.pop("page_size")

        total_count = d.pop("total_count")

        total_pages = d.pop("total_pages")

        search_pagination = cls(
            has_next=has_next,
            has_previous=has_previous,
            page=page,
            page_size=page_size,
            total_count=total_count,
            total_pages=total_pages,
        )

        search_pagination.additional_properties = d
        return search_pagination

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
