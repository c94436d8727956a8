from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..models.subscription_format import SubscriptionFormat
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.connection_messages import ConnectionMessages
    from ..models.subscription import Subscription


T = TypeVar("T", bound="SubscriptionsAnswer")


@_attrs_define
class SubscriptionsAnswer:
    """The subscriptions of a plan.

    Attributes:
        broker (Broker): A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are not
            read.
        correlation_id (str): The correlation id of the request.
        format_ (SubscriptionFormat): The format of subscriptions: a list, or the arguments of the SDK of a broker.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        connections (list[ConnectionMessages] | Unset): The connections with their messages. Absent if the format is
            `json`.
        subscriptions (list[Subscription] | Unset): The subscriptions in the order in which they are sent. Absent if the
            format is that of an SDK.
        without_token (list[str] | Unset): The instruments that no message subscribes, because no file of the broker
            lists them or because the SDK has no word for
            their segment. Absent if the format is `json`.
    """

    broker: Broker
    correlation_id: str
    format_: SubscriptionFormat
    response_time_ms: int
    connections: list[ConnectionMessages] | Unset = UNSET
    subscriptions: list[Subscription] | Unset = UNSET
    without_token: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        broker = self.broker.value

        correlation_id = self.correlation_id

        format_ = self.format_.value

        response_time_ms = self.response_time_ms

        connections: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.connections, Unset):
            connections = []
            for connections_item_data in self.connections:
                connections_item = connections_item_data.to_dict()
                connections.append(connections_item)

        subscriptions: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.subscriptions, Unset):
            subscriptions = []
            for subscriptions_item_data in self.subscriptions:
                subscriptions_item = subscriptions_item_data.to_dict()
                subscriptions.append(subscriptions_item)

        without_token: list[str] | Unset = UNSET
        if not isinstance(self.without_token, Unset):
            without_token = self.without_token

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "broker": broker,
                "correlation_id": correlation_id,
                "format": format_,
                "response_time_ms": response_time_ms,
            }
        )
        if connections is not UNSET:
            field_dict["connections"] = connections
        if subscriptions is not UNSET:
            field_dict["subscriptions"] = subscriptions
        if without_token is not UNSET:
            field_dict["without_token"] = without_token

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.connection_messages import ConnectionMessages
        from ..models.subscription import Subscription

        d = dict(src_dict)
        broker = Broker(d.pop("broker"))

        correlation_id = d.pop("correlation_id")

        format_ = SubscriptionFormat(d.pop("format"))

        response_time_ms = d.pop("response_time_ms")

        _connections = d.pop("connections", UNSET)
        connections: list[ConnectionMessages] | Unset = UNSET
        if _connections is not UNSET:
            connections = []
            for connections_item_data in _connections:
                connections_item = ConnectionMessages.from_dict(connections_item_data)

                connections.append(connections_item)

        _subscriptions = d.pop("subscriptions", UNSET)
        subscriptions: list[Subscription] | Unset = UNSET
        if _subscriptions is not UNSET:
            subscriptions = []
            for subscriptions_item_data in _subscriptions:
                subscriptions_item = Subscription.from_dict(subscriptions_item_data)

                subscriptions.append(subscriptions_item)

        without_token = cast(list[str], d.pop("without_token", UNSET))

        subscriptions_answer = cls(
            broker=broker,
            correlation_id=correlation_id,
            format_=format_,
            response_time_ms=response_time_ms,
            connections=connections,
            subscriptions=subscriptions,
            without_token=without_token,
        )

        subscriptions_answer.additional_properties = d
        return subscriptions_answer

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
