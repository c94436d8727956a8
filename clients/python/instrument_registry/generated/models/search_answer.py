from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.search_hit import SearchHit
    from ..models.search_metadata import SearchMetadata
    from ..models.search_pagination import SearchPagination


T = TypeVar("T", bound="SearchAnswer")


@_attrs_define
class SearchAnswer:
    """A page of hits.

    Attributes:
        correlation_id (str): The correlation id of the request.
        instruments (list[SearchHit]): The instruments that match, in the requested order.
        pagination (SearchPagination): The position of a page in its list.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        search_metadata (SearchMetadata | Unset): Information about the search.
    """

    correlation_id: str
    instruments: list[SearchHit]
    pagination: SearchPagination
    response_time_ms: int
    search_metadata: SearchMetadata | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        instruments = []
        for instruments_item_data in self.instruments:
            instruments_item = instruments_item_data.to_dict()
            instruments.append(instruments_item)

        pagination = self.pagination.to_dict()

        response_time_ms = self.response_time_ms

        search_metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.search_metadata, Unset):
            search_metadata = self.search_metadata.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "instruments": instruments,
                "pagination": pagination,
                "response_time_ms": response_time_ms,
            }
        )
        if search_metadata is not UNSET:
            field_dict["search_metadata"] = search_metadata

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.search_hit import SearchHit
        from ..models.search_metadata import SearchMetadata
        from ..models.search_pagination import SearchPagination

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        instruments = []
        _instruments = d.pop("instruments")
        for instruments_item_data in _instruments:
            instruments_item = SearchHit.from_dict(instruments_item_data)

            instruments.append(instruments_item)

        pagination = SearchPagination.from_dict(d.pop("pagination"))

        response_time_ms = d.pop("response_time_ms")

        _search_metadata = d.pop("search_metadata", UNSET)
        search_metadata: SearchMetadata | Unset
        if isinstance(_search_metadata, Unset):
            search_metadata = UNSET
        else:
            search_metadata = SearchMetadata.from_dict(_search_metadata)

        search_answer = cls(
            correlation_id=correlation_id,
            instruments=instruments,
            pagination=pagination,
            response_time_ms=response_time_ms,
            search_metadata=search_metadata,
        )

        search_answer.additional_properties = d
        return search_answer

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
