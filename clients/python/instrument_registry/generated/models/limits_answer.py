from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker

if TYPE_CHECKING:
    from ..models.account_entry import AccountEntry
    from ..models.account_limits import AccountLimits


T = TypeVar("T", bound="LimitsAnswer")


@_attrs_define
class LimitsAnswer:
    """The limits of a broker in effect.

    Attributes:
        accounts (list[AccountEntry]): The accounts of the settings.
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are
            not read.
        correlation_id (str): The correlation id of the request.
        default_tier (str): The default tier.
        limits (AccountLimits): The limits of an account of one tier.
        name (str): The name of the broker in words.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        tier (str): The tier that the limits belong to.
        tiers (list[str]): The names of all tiers, from the lowest to the highest.
    """

    accounts: list[AccountEntry]
    broker_id: Broker
    correlation_id: str
    default_tier: str
    limits: AccountLimits
    name: str
    response_time_ms: int
    tier: str
    tiers: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        accounts = []
        for accounts_item_data in self.accounts:
            accounts_item = accounts_item_data.to_dict()
            accounts.append(accounts_item)

        broker_id = self.broker_id.value

        correlation_id = self.correlation_id

        default_tier = self.default_tier

        limits = self.limits.to_dict()

        name = self.name

        response_time_ms = self.response_time_ms

        tier = self.tier

        tiers = self.tiers

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "accounts": accounts,
                "broker_id": broker_id,
                "correlation_id": correlation_id,
                "default_tier": default_tier,
                "limits": limits,
                "name": name,
                "response_time_ms": response_time_ms,
                "tier": tier,
                "tiers": tiers,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.account_entry import AccountEntry
        from ..models.account_limits import AccountLimits

        d = dict(src_dict)
        accounts = []
        _accounts = d.pop("accounts")
        for accounts_item_data in _accounts:
            accounts_item = AccountEntry.from_dict(accounts_item_data)

            accounts.append(accounts_item)

        broker_id = Broker(d.pop("broker_id"))

        correlation_id = d.pop("correlation_id")

        default_tier = d.pop("default_tier")

        limits = AccountLimits.from_dict(d.pop("limits"))

        name = d.pop("name")

        response_time_ms = d.pop("response_time_ms")

        tier = d.pop("tier")

        tiers = cast(list[str], d.pop("tiers"))

        limits_answer = cls(
            accounts=accounts,
            broker_id=broker_id,
            correlation_id=correlation_id,
            default_tier=default_tier,
            limits=limits,
            name=name,
            response_time_ms=response_time_ms,
            tier=tier,
            tiers=tiers,
        )

        limits_answer.additional_properties = d
        return limits_answer

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
