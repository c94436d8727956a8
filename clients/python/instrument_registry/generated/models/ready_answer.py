from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.ready_status import ReadyStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.ready_answer_checks import ReadyAnswerChecks


T = TypeVar("T", bound="ReadyAnswer")


@_attrs_define
class ReadyAnswer:
    """Whether the service is ready to handle requests.

    Attributes:
        checks (ReadyAnswerChecks): The state of each dependency and actor.
        degraded (bool): Whether a dependency or an actor is unavailable or degraded while the service still works.
        status (ReadyStatus): Whether the service is ready to handle requests.
        timestamp (datetime.datetime): The time of the response.
        reason (str | Unset): Why the service is not ready.
    """

    checks: ReadyAnswerChecks
    degraded: bool
    status: ReadyStatus
    timestamp: datetime.datetime
    reason: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        checks = self.checks.to_dict()

        degraded = self.degraded

        status = self.status.value

        timestamp = self.timestamp.isoformat()

        reason = self.reason

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "checks": checks,
                "degraded": degraded,
                "status": status,
                "timestamp": timestamp,
            }
        )
        if reason is not UNSET:
            field_dict["reason"] = reason

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.ready_answer_checks import ReadyAnswerChecks

        d = dict(src_dict)
        checks = ReadyAnswerChecks.from_dict(d.pop("checks"))

        degraded = d.pop("degraded")

        status = ReadyStatus(d.pop("status"))

        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

        reason = d.pop("reason", UNSET)

        ready_answer = cls(
            checks=checks,
            degraded=degraded,
            status=status,
            timestamp=timestamp,
            reason=reason,
        )

        ready_answer.additional_properties = d
        return ready_answer

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
