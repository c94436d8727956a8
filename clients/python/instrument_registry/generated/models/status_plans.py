from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.status_plans_active import StatusPlansActive
    from ..models.status_plans_created_by_broker import StatusPlansCreatedByBroker


T = TypeVar("T", bound="StatusPlans")


@_attrs_define
class StatusPlans:
    """The plans.

    Attributes:
        active (StatusPlansActive): The number of stored plans that have not expired, by subscription type.
        created_by_broker (StatusPlansCreatedByBroker): The number of plans that this process has created since its
            start, by broker; `none` without a broker.
    """

    active: StatusPlansActive
    created_by_broker: StatusPlansCreatedByBroker
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        active = self.active.to_dict()

        created_by_broker = self.created_by_broker.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "active": active,
                "created_by_broker": created_by_broker,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.status_plans_active import StatusPlansActive
        from ..models.status_plans_created_by_broker import StatusPlansCreatedByBroker

        d = dict(src_dict)
        active = StatusPlansActive.from_dict(d.pop("active"))

        created_by_broker = StatusPlansCreatedByBroker.from_dict(
            d.pop("created_by_broker")
        )

        status_plans = cls(
            active=active,
            created_by_broker=created_by_broker,
        )

        status_plans.additional_properties = d
        return status_plans

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
