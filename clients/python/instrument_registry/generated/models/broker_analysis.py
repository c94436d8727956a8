from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.expiry_share import ExpiryShare
    from ..models.limit_utilization import LimitUtilization
    from ..models.mode_cost import ModeCost
    from ..models.underlying_share import UnderlyingShare


T = TypeVar("T", bound="BrokerAnalysis")


@_attrs_define
class BrokerAnalysis:
    """The allocation of a plan at its broker.

    Attributes:
        broker (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are not
            read.
        bytes_per_second (int): The expected bandwidth of all connections, in bytes per second.
        limits (list[LimitUtilization]): The limits that apply to the plan, the most used first.
        messages_per_second (float): The expected number of messages in a second on all connections.
        tier (str): The tier of the accounts.
        time_to_ready_ms (int): The estimated time until the last instrument is subscribed or requested, in
            milliseconds.
        costs (list[ModeCost] | Unset): The price by exchange and mode. Included in `detailed` and `comprehensive`.
        expiries (list[ExpiryShare] | Unset): The expiries of the contracts of the plan, the nearest first. Included in
            `detailed` and `comprehensive`.
        underlyings (list[UnderlyingShare] | Unset): The underlyings with their number of instruments, largest first; at
            most 20. An instrument that is no contract counts as
            its own underlying. Included in `detailed` and `comprehensive`.
    """

    broker: Broker
    bytes_per_second: int
    limits: list[LimitUtilization]
    messages_per_second: float
    tier: str
    time_to_ready_ms: int
    costs: list[ModeCost] | Unset = UNSET
    expiries: list[ExpiryShare] | Unset = UNSET
    underlyings: list[UnderlyingShare] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        broker = self.broker.value

        bytes_per_second = self.bytes_per_second

        limits = []
        for limits_item_data in self.limits:
            limits_item = limits_item_data.to_dict()
            limits.append(limits_item)

        messages_per_second = self.messages_per_second

        tier = self.tier

        time_to_ready_ms = self.time_to_ready_ms

        costs: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.costs, Unset):
            costs = []
            for costs_item_data in self.costs:
                costs_item = costs_item_data.to_dict()
                costs.append(costs_item)

        expiries: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.expiries, Unset):
            expiries = []
            for expiries_item_data in self.expiries:
                expiries_item = expiries_item_data.to_dict()
                expiries.append(expiries_item)

        underlyings: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.underlyings, Unset):
            underlyings = []
            for underlyings_item_data in self.underlyings:
                underlyings_item = underlyings_item_data.to_dict()
                underlyings.append(underlyings_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "broker": broker,
                "bytes_per_second": bytes_per_second,
                "limits": limits,
                "messages_per_second": messages_per_second,
                "tier": tier,
                "time_to_ready_ms": time_to_ready_ms,
            }
        )
        if costs is not UNSET:
            field_dict["costs"] = costs
        if expiries is not UNSET:
            field_dict["expiries"] = expiries
        if underlyings is not UNSET:
            field_dict["underlyings"] = underlyings

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.expiry_share import ExpiryShare
        from ..models.limit_utilization import LimitUtilization
        from ..models.mode_cost import ModeCost
        from ..models.underlying_share import UnderlyingShare

        d = dict(src_dict)
        broker = Broker(d.pop("broker"))

        bytes_per_second = d.pop("bytes_per_second")

        limits = []
        _limits = d.pop("limits")
        for limits_item_data in _limits:
            limits_item = LimitUtilization.from_dict(limits_item_data)

            limits.append(limits_item)

        messages_per_second = d.pop("messages_per_second")

        tier = d.pop("tier")

        time_to_ready_ms = d.pop("time_to_ready_ms")

        _costs = d.pop("costs", UNSET)
        costs: list[ModeCost] | Unset = UNSET
        if _costs is not UNSET:
            costs = []
            for costs_item_data in _costs:
                costs_item = ModeCost.from_dict(costs_item_data)

                costs.append(costs_item)

        _expiries = d.pop("expiries", UNSET)
        expiries: list[ExpiryShare] | Unset = UNSET
        if _expiries is not UNSET:
            expiries = []
            for expiries_item_data in _expiries:
                expiries_item = ExpiryShare.from_dict(expiries_item_data)

                expiries.append(expiries_item)

        _underlyings = d.pop("underlyings", UNSET)
        underlyings: list[UnderlyingShare] | Unset = UNSET
        if _underlyings is not UNSET:
            underlyings = []
            for underlyings_item_data in _underlyings:
                underlyings_item = UnderlyingShare.from_dict(underlyings_item_data)

                underlyings.append(underlyings_item)

        broker_analysis = cls(
            broker=broker,
            bytes_per_second=bytes_per_second,
            limits=limits,
            messages_per_second=messages_per_second,
            tier=tier,
            time_to_ready_ms=time_to_ready_ms,
            costs=costs,
            expiries=expiries,
            underlyings=underlyings,
        )

        broker_analysis.additional_properties = d
        return broker_analysis

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
