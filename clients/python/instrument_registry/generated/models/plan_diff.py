from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.broker_change import BrokerChange
    from ..models.mode_change import ModeChange


T = TypeVar("T", bound="PlanDiff")


@_attrs_define
class PlanDiff:
    """The difference between two plans.

    Attributes:
        added (list[str]): The instruments that only the new plan contains, in the order of the new plan.
        estimated_cost_change (float): The cost of the new plan minus the cost of the old plan, in USD.
        removed (list[str]): The instruments that only the old plan contains, in the order of the old plan.
        unchanged_count (int): The number of instruments that both plans contain, in any mode.
        broker_change (BrokerChange | Unset): A change of the broker.
        mode_changes (list[ModeChange] | Unset): The instruments of both plans that change their mode, in the order of
            the new plan. Absent if no mode changes.
    """

    added: list[str]
    estimated_cost_change: float
    removed: list[str]
    unchanged_count: int
    broker_change: BrokerChange | Unset = UNSET
    mode_changes: list[ModeChange] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        added = self.added

        estimated_cost_change = self.estimated_cost_change

        removed = self.removed

        unchanged_count = self.unchanged_count

        broker_change: dict[str, Any] | Unset = UNSET
        if not isinstance(self.broker_change, Unset):
            broker_change = self.broker_change.to_dict()

        mode_changes: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.mode_changes, Unset):
            mode_changes = []
            for mode_changes_item_data in self.mode_changes:
                mode_changes_item = mode_changes_item_data.to_dict()
                mode_changes.append(mode_changes_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "added": added,
                "estimated_cost_change": estimated_cost_change,
                "removed": removed,
                "unchanged_count": unchanged_count,
            }
        )
        if broker_change is not UNSET:
            field_dict["broker_change"] = broker_change
        if mode_changes is not UNSET:
            field_dict["mode_changes"] = mode_changes

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.broker_change import BrokerChange
        from ..models.mode_change import ModeChange

        d = dict(src_dict)
        added = cast(list[str], d.pop("added"))

        estimated_cost_change = d.pop("estimated_cost_change")

        removed = cast(list[str], d.pop("removed"))

        unchanged_count = d.pop("unchanged_count")

        _broker_change = d.pop("broker_change", UNSET)
        broker_change: BrokerChange | Unset
        if isinstance(_broker_change, Unset):
            broker_change = UNSET
        else:
            broker_change = BrokerChange.from_dict(_broker_change)

        _mode_changes = d.pop("mode_changes", UNSET)
        mode_changes: list[ModeChange] | Unset = UNSET
        if _mode_changes is not UNSET:
            mode_changes = []
            for mode_changes_item_data in _mode_changes:
                mode_changes_item = ModeChange.from_dict(mode_changes_item_data)

                mode_changes.append(mode_changes_item)

        plan_diff = cls(
            added=added,
            estimated_cost_change=estimated_cost_change,
            removed=removed,
            unchanged_count=unchanged_count,
            broker_change=broker_change,
            mode_changes=mode_changes,
        )

        plan_diff.additional_properties = d
        return plan_diff

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
