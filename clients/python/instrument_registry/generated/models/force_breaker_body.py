from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..models.breaker_action import BreakerAction

T = TypeVar("T", bound="ForceBreakerBody")


@_attrs_define
class ForceBreakerBody:
    """A request to force a circuit breaker.

    Attributes:
        action (BreakerAction): An action on a circuit breaker.
    """

    action: BreakerAction

    def to_dict(self) -> dict[str, Any]:
        action = self.action.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "action": action,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        action = BreakerAction(d.pop("action"))

        force_breaker_body = cls(
            action=action,
        )

        return force_breaker_body
