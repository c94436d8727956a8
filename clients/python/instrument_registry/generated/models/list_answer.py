from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.filters import Filters
    from ..models.pagination import Pagination
    from ..models.plan_entry import PlanEntry


T = TypeVar("T", bound="ListAnswer")


@_attrs_define
class ListAnswer:
    """A page of plans.

    Attributes:
        correlation_id (str): The correlation id of the request.
        filters_applied (Filters): The filters in effect.
        pagination (Pagination): The position of a page in its list.
        plans (list[PlanEntry]): The entries, newest first.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        next_cursor (str | Unset): The `cursor` of the next page. Absent on the last page.
    """

    correlation_id: str
    filters_applied: Filters
    pagination: Pagination
    plans: list[PlanEntry]
    response_time_ms: int
    next_cursor: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        filters_applied = self.filters_applied.to_dict()

        pagination = self.pagination.to_dict()

        plans = []
        for plans_item_data in self.plans:
            plans_item = plans_item_data.to_dict()
            plans.append(plans_item)

        response_time_ms = self.response_time_ms

        next_cursor = self.next_cursor

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "filters_applied": filters_applied,
                "pagination": pagination,
                "plans": plans,
                "response_time_ms": response_time_ms,
            }
        )
        if next_cursor is not UNSET:
            field_dict["next_cursor"] = next_cursor

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.filters import Filters
        from ..models.pagination import Pagination
        from ..models.plan_entry import PlanEntry

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        filters_applied = Filters.from_dict(d.pop("filters_applied"))

        pagination = Pagination.from_dict(d.pop("pagination"))

        plans = []
        _plans = d.pop("plans")
        for plans_item_data in _plans:
            plans_item = PlanEntry.from_dict(plans_item_data)

            plans.append(plans_item)

        response_time_ms = d.pop("response_time_ms")

        next_cursor = d.pop("next_cursor", UNSET)

        list_answer = cls(
            correlation_id=correlation_id,
            filters_applied=filters_applied,
            pagination=pagination,
            plans=plans,
            response_time_ms=response_time_ms,
            next_cursor=next_cursor,
        )

        list_answer.additional_properties = d
        return list_answer

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
