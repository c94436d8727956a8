from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.action_kind import ActionKind
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.planned_stream import PlannedStream


T = TypeVar("T", bound="PlanAction")


@_attrs_define
class PlanAction:
    """An instrument whose connection, mode or token differs between two plans.

    Attributes:
        action (ActionKind): The change of an instrument between two plans.
        broker_token (None | str): The broker's token of the same plan. Null if no file of the broker lists the
            instrument.
        connection (int): The number of the connection in the same plan, from 1; of several, that of the market
            endpoint.
        instrument (str): The key of the instrument in the plan; if it is unsubscribed, in the earlier one.
        from_ (PlannedStream | Unset): The stream of an instrument in a plan.
        to (PlannedStream | Unset): The stream of an instrument in a plan.
    """

    action: ActionKind
    broker_token: None | str
    connection: int
    instrument: str
    from_: PlannedStream | Unset = UNSET
    to: PlannedStream | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        action = self.action.value

        broker_token: None | str
        broker_token = self.broker_token

        connection = self.connection

        instrument = self.instrument

        from_: dict[str, Any] | Unset = UNSET
        if not isinstance(self.from_, Unset):
            from_ = self.from_.to_dict()

        to: dict[str, Any] | Unset = UNSET
        if not isinstance(self.to, Unset):
            to = self.to.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "action": action,
                "broker_token": broker_token,
                "connection": connection,
                "instrument": instrument,
            }
        )
        if from_ is not UNSET:
            field_dict["from"] = from_
        if to is not UNSET:
            field_dict["to"] = to

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.planned_stream import PlannedStream

        d = dict(src_dict)
        action = ActionKind(d.pop("action"))

        def _parse_broker_token(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        broker_token = _parse_broker_token(d.pop("broker_token"))

        connection = d.pop("connection")

        instrument = d.pop("instrument")

        _from_ = d.pop("from", UNSET)
        from_: PlannedStream | Unset
        if isinstance(_from_, Unset):
            from_ = UNSET
        else:
            from_ = PlannedStream.from_dict(_from_)

        _to = d.pop("to", UNSET)
        to: PlannedStream | Unset
        if isinstance(_to, Unset):
            to = UNSET
        else:
            to = PlannedStream.from_dict(_to)

        plan_action = cls(
            action=action,
            broker_token=broker_token,
            connection=connection,
            instrument=instrument,
            from_=from_,
            to=to,
        )

        plan_action.additional_properties = d
        return plan_action

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
