from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.allocated_connection import AllocatedConnection
    from ..models.lowered_mode import LoweredMode
    from ..models.needed import Needed
    from ..models.substituted_mode import SubstitutedMode
    from ..models.used_limit import UsedLimit


T = TypeVar("T", bound="Allocation")


@_attrs_define
class Allocation:
    """The allocation of a plan at a broker.

    Attributes:
        accounts (list[str]): The names of the accounts that the plan may use.
        assumed (list[str]): The names of the figures that rest on assumptions.
        broker (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are not
            read.
        limits (list[UsedLimit]): The limits that apply to the plan, and their use.
        lowered (list[LoweredMode]): The instruments whose mode is lower than the requested one, because a limit would
            be exceeded.
        substituted (list[SubstitutedMode]): The instruments whose requested mode the broker does not offer.
        tier (str): The tier of the accounts; of several, the lowest.
        connections (list[AllocatedConnection] | Unset): The connections, by number. The numbers start at 1, and have
            gaps if connections of the previous plan carry nothing any more.
            Absent for historical data.
        days_per_request (int | Unset): The number of days that one historical request covers. Present only for
            historical data.
        needed (Needed | Unset): The smallest addition of one kind of capacity that admits as much as this kind can.
        requests (int | Unset): The number of historical requests for one period of `days_per_request` days. Present
            only for historical data.
        requests_per_second (int | Unset): The maximum number of historical requests in a second. Present only for
            historical data.
        time_to_complete_ms (int | Unset): The estimated time until the last historical request is sent, in
            milliseconds. Present only for historical data.
        time_to_ready_ms (int | Unset): The estimated time until the last instrument is subscribed, in milliseconds.
            Absent for historical data.
        unchanged_placement (int | Unset): The number of instruments all of whose subscriptions are on the same
            connection, at the same account and endpoint, as in the
            previous plan. Absent if the request names no previous plan.
    """

    accounts: list[str]
    assumed: list[str]
    broker: Broker
    limits: list[UsedLimit]
    lowered: list[LoweredMode]
    substituted: list[SubstitutedMode]
    tier: str
    connections: list[AllocatedConnection] | Unset = UNSET
    days_per_request: int | Unset = UNSET
    needed: Needed | Unset = UNSET
    requests: int | Unset = UNSET
    requests_per_second: int | Unset = UNSET
    time_to_complete_ms: int | Unset = UNSET
    time_to_ready_ms: int | Unset = UNSET
    unchanged_placement: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        accounts = self.accounts

        assumed = self.assumed

        broker = self.broker.value

        limits = []
        for limits_item_data in self.limits:
            limits_item = limits_item_data.to_dict()
            limits.append(limits_item)

        lowered = []
        for lowered_item_data in self.lowered:
            lowered_item = lowered_item_data.to_dict()
            lowered.append(lowered_item)

        substituted = []
        for substituted_item_data in self.substituted:
            substituted_item = substituted_item_data.to_dict()
            substituted.append(substituted_item)

        tier = self.tier

        connections: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.connections, Unset):
            connections = []
            for connections_item_data in self.connections:
                connections_item = connections_item_data.to_dict()
                connections.append(connections_item)

        days_per_request = self.days_per_request

        needed: dict[str, Any] | Unset = UNSET
        if not isinstance(self.needed, Unset):
            needed = self.needed.to_dict()

        requests = self.requests

        requests_per_second = self.requests_per_second

        time_to_complete_ms = self.time_to_complete_ms

        time_to_ready_ms = self.time_to_ready_ms

        unchanged_placement = self.unchanged_placement

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "accounts": accounts,
                "assumed": assumed,
                "broker": broker,
                "limits": limits,
                "lowered": lowered,
                "substituted": substituted,
                "tier": tier,
            }
        )
        if connections is not UNSET:
            field_dict["connections"] = connections
        if days_per_request is not UNSET:
            field_dict["days_per_request"] = days_per_request
        if needed is not UNSET:
            field_dict["needed"] = needed
        if requests is not UNSET:
            field_dict["requests"] = requests
        if requests_per_second is not UNSET:
            field_dict["requests_per_second"] = requests_per_second
        if time_to_complete_ms is not UNSET:
            field_dict["time_to_complete_ms"] = time_to_complete_ms
        if time_to_ready_ms is not UNSET:
            field_dict["time_to_ready_ms"] = time_to_ready_ms
        if unchanged_placement is not UNSET:
            field_dict["unchanged_placement"] = unchanged_placement

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.allocated_connection import AllocatedConnection
        from ..models.lowered_mode import LoweredMode
        from ..models.needed import Needed
        from ..models.substituted_mode import SubstitutedMode
        from ..models.used_limit import UsedLimit

        d = dict(src_dict)
        accounts = cast(list[str], d.pop("accounts"))

        assumed = cast(list[str], d.pop("assumed"))

        broker = Broker(d.pop("broker"))

        limits = []
        _limits = d.pop("limits")
        for limits_item_data in _limits:
            limits_item = UsedLimit.from_dict(limits_item_data)

            limits.append(limits_item)

        lowered = []
        _lowered = d.pop("lowered")
        for lowered_item_data in _lowered:
            lowered_item = LoweredMode.from_dict(lowered_item_data)

            lowered.append(lowered_item)

        substituted = []
        _substituted = d.pop("substituted")
        for substituted_item_data in _substituted:
            substituted_item = SubstitutedMode.from_dict(substituted_item_data)

            substituted.append(substituted_item)

        tier = d.pop("tier")

        _connections = d.pop("connections", UNSET)
        connections: list[AllocatedConnection] | Unset = UNSET
        if _connections is not UNSET:
            connections = []
            for connections_item_data in _connections:
                connections_item = AllocatedConnection.from_dict(connections_item_data)

                connections.append(connections_item)

        days_per_request = d.pop("days_per_request", UNSET)

        _needed = d.pop("needed", UNSET)
        needed: Needed | Unset
        if isinstance(_needed, Unset):
            needed = UNSET
        else:
            needed = Needed.from_dict(_needed)

        requests = d.pop("requests", UNSET)

        requests_per_second = d.pop("requests_per_second", UNSET)

        time_to_complete_ms = d.pop("time_to_complete_ms", UNSET)

        time_to_ready_ms = d.pop("time_to_ready_ms", UNSET)

        unchanged_placement = d.pop("unchanged_placement", UNSET)

        allocation = cls(
            accounts=accounts,
            assumed=assumed,
            broker=broker,
            limits=limits,
            lowered=lowered,
            substituted=substituted,
            tier=tier,
            connections=connections,
            days_per_request=days_per_request,
            needed=needed,
            requests=requests,
            requests_per_second=requests_per_second,
            time_to_complete_ms=time_to_complete_ms,
            time_to_ready_ms=time_to_ready_ms,
            unchanged_placement=unchanged_placement,
        )

        allocation.additional_properties = d
        return allocation

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
