from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.sort_by import SortBy
from ..models.sort_order import SortOrder
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.search_filters import SearchFilters


T = TypeVar("T", bound="SearchBody")


@_attrs_define
class SearchBody:
    """The query and its filters. Every field may be absent or null.

    Attributes:
        filters (None | SearchFilters | Unset):
        fuzzy_search (bool | None | Unset): Whether mistyped words match. If it is absent or null, it is true.
        include_metadata (bool | None | Unset): Whether to highlight and count matches. If it is absent or null, it is
            true.
        query (None | str | Unset): A part of a symbol, name, ISIN or underlying. If it is absent, null or empty, every
            instrument matches.
        sort_by (None | SortBy | Unset):
        sort_order (None | SortOrder | Unset):
    """

    filters: None | SearchFilters | Unset = UNSET
    fuzzy_search: bool | None | Unset = UNSET
    include_metadata: bool | None | Unset = UNSET
    query: None | str | Unset = UNSET
    sort_by: None | SortBy | Unset = UNSET
    sort_order: None | SortOrder | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.search_filters import SearchFilters

        filters: dict[str, Any] | None | Unset
        if isinstance(self.filters, Unset):
            filters = UNSET
        elif isinstance(self.filters, SearchFilters):
            filters = self.filters.to_dict()
        else:
            filters = self.filters

        fuzzy_search: bool | None | Unset
        if isinstance(self.fuzzy_search, Unset):
            fuzzy_search = UNSET
        else:
            fuzzy_search = self.fuzzy_search

        include_metadata: bool | None | Unset
        if isinstance(self.include_metadata, Unset):
            include_metadata = UNSET
        else:
            include_metadata = self.include_metadata

        query: None | str | Unset
        if isinstance(self.query, Unset):
            query = UNSET
        else:
            query = self.query

        sort_by: None | str | Unset
        if isinstance(self.sort_by, Unset):
            sort_by = UNSET
        elif isinstance(self.sort_by, SortBy):
            sort_by = self.sort_by.value
        else:
            sort_by = self.sort_by

        sort_order: None | str | Unset
        if isinstance(self.sort_order, Unset):
            sort_order = UNSET
        elif isinstance(self.sort_order, SortOrder):
            sort_order = self.sort_order.value
        else:
            sort_order = self.sort_order

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if filters is not UNSET:
            field_dict["filters"] = filters
        if fuzzy_search is not UNSET:
            field_dict["fuzzy_search"] = fuzzy_search
        if include_metadata is not UNSET:
            field_dict["include_metadata"] = include_metadata
        if query is not UNSET:
            field_dict["query"] = query
        if sort_by is not UNSET:
            field_dict["sort_by"] = sort_by
        if sort_order is not UNSET:
            field_dict["sort_order"] = sort_order

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.search_filters import SearchFilters

        d = dict(src_dict)

        def _parse_filters(data: object) -> None | SearchFilters | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                filters_type_0 = SearchFilters.from_dict(data)

                return filters_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SearchFilters | Unset, data)

        filters = _parse_filters(d.pop("filters", UNSET))

        def _parse_fuzzy_search(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        fuzzy_search = _parse_fuzzy_search(d.pop("fuzzy_search", UNSET))

        def _parse_include_metadata(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        include_metadata = _parse_include_metadata(d.pop("include_metadata", UNSET))

        def _parse_query(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        query = _parse_query(d.pop("query", UNSET))

        def _parse_sort_by(data: object) -> None | SortBy | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                sort_by_type_0 = SortBy(data)

                return sort_by_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SortBy | Unset, data)

        sort_by = _parse_sort_by(d.pop("sort_by", UNSET))

        def _parse_sort_order(data: object) -> None | SortOrder | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                sort_order_type_0 = SortOrder(data)

                return sort_order_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SortOrder | Unset, data)

        sort_order = _parse_sort_order(d.pop("sort_order", UNSET))

        search_body = cls(
            filters=filters,
            fuzzy_search=fuzzy_search,
            include_metadata=include_metadata,
            query=query,
            sort_by=sort_by,
            sort_order=sort_order,
        )

        return search_body
