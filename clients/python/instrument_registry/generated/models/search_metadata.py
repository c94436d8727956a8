from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.sort_by import SortBy
from ..models.sort_order import SortOrder

if TYPE_CHECKING:
    from ..models.search_metadata_matches import SearchMetadataMatches


T = TypeVar("T", bound="SearchMetadata")


@_attrs_define
class SearchMetadata:
    """Information about the search.

    Attributes:
        catalogue_version (str): The version of the catalog. Pages are consistent with each other only if they have the
            same version.
        fuzzy_search (bool): Whether mistyped words match.
        matches (SearchMetadataMatches): The number of instruments by the way in which they match.
        query (str): The query without surrounding whitespace.
        search_time_us (int): The time that the search took, in microseconds.
        sort_by (SortBy): The sort key of search results.
        sort_order (SortOrder): The sort order of search results.
    """

    catalogue_version: str
    fuzzy_search: bool
    matches: SearchMetadataMatches
    query: str
    search_time_us: int
    sort_by: SortBy
    sort_order: SortOrder
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        catalogue_version = self.catalogue_version

        fuzzy_search = self.fuzzy_search

        matches = self.matches.to_dict()

        query = self.query

        search_time_us = self.search_time_us

        sort_by = self.sort_by.value

        sort_order = self.sort_order.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "catalogue_version": catalogue_version,
                "fuzzy_search": fuzzy_search,
                "matches": matches,
                "query": query,
                "search_time_us": search_time_us,
                "sort_by": sort_by,
                "sort_order": sort_order,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.search_metadata_matches import SearchMetadataMatches

        d = dict(src_dict)
        catalogue_version = d.pop("catalogue_version")

        fuzzy_search = d.pop("fuzzy_search")

        matches = SearchMetadataMatches.from_dict(d.pop("matches"))

        query = d.pop("query")

        search_time_us = d.pop("search_time_us")

        sort_by = SortBy(d.pop("sort_by"))

        sort_order = SortOrder(d.pop("sort_order"))

        search_metadata = cls(
            catalogue_version=catalogue_version,
            fuzzy_search=fuzzy_search,
            matches=matches,
            query=query,
            search_time_us=search_time_us,
            sort_by=sort_by,
            sort_order=sort_order,
        )

        search_metadata.additional_properties = d
        return search_metadata

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
