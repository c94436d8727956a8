from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.action_counts import ActionCounts
    from ..models.plan_action import PlanAction


T = TypeVar("T", bound="ReplanDiff")


@_attrs_define
class ReplanDiff:
    """The difference of a new plan to the stored one.

    Attributes:
        actions (list[PlanAction]): The instruments that differ: those of the new plan in its order, then those of the
            stored plan alone in its order.
        counts (ActionCounts): The number of actions of each kind.
        unchanged (int): The number of subscribed instruments of both plans that do not differ.
    """

    actions: list[PlanAction]
    counts: ActionCounts
    unchanged: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        actions = []
        for actions_item_data in self.actions:
            actions_item = actions_item_data.to_dict()
            actions.append(actions_item)

        counts = self.counts.to_dict()

        unchanged = self.unchanged

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "actions": actions,
                "counts": counts,
                "unchanged": unchanged,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.action_counts import ActionCounts
        from ..models.plan_action import PlanAction

        d = dict(src_dict)
        actions = []
        _actions = d.pop("actions")
        for actions_item_data in _actions:
            actions_item = PlanAction.from_dict(actions_item_data)

            actions.append(actions_item)

        counts = ActionCounts.from_dict(d.pop("counts"))

        unchanged = d.pop("unchanged")

        replan_diff = cls(
            actions=actions,
            counts=counts,
            unchanged=unchanged,
        )

        replan_diff.additional_properties = d
        return replan_diff

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
