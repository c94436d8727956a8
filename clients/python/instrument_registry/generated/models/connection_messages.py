from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ConnectionMessages")


@_attrs_define
class ConnectionMessages:
    """A connection, and the messages that subscribe its instruments.

    Attributes:
        account (str): The account that opens the connection.
        connection (int): The number of the connection, from 1.
        endpoint (str): The endpoint of the connection.
        messages (list[Any]): The arguments of the calls of the SDK, in the order of the calls. Their form depends on
            the broker.
    """

    account: str
    connection: int
    endpoint: str
    messages: list[Any]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        connection = self.connection

        endpoint = self.endpoint

        messages = self.messages

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "account": account,
                "connection": connection,
                "endpoint": endpoint,
                "messages": messages,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        account = d.pop("account")

        connection = d.pop("connection")

        endpoint = d.pop("endpoint")

        messages = cast(list[Any], d.pop("messages"))

        connection_messages = cls(
            account=account,
            connection=connection,
            endpoint=endpoint,
            messages=messages,
        )

        connection_messages.additional_properties = d
        return connection_messages

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
