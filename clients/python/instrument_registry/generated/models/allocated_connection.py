from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.allocated_connection_modes import AllocatedConnectionModes


T = TypeVar("T", bound="AllocatedConnection")


@_attrs_define
class AllocatedConnection:
    """A connection of a plan.

    Attributes:
        account (str): The account that opens it.
        bytes_per_second (int): The expected bandwidth, in bytes per second.
        connection (int): Its number, from 1.
        endpoint (str): The endpoint.
        instruments (int): The number of its instruments.
        messages_per_second (float): The expected number of messages in a second.
        modes (AllocatedConnectionModes): The number of its instruments by the mode of their subscription.
    """

    account: str
    bytes_per_second: int
    connection: int
    endpoint: str
    instruments: int
    messages_per_second: float
    modes: AllocatedConnectionModes
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        bytes_per_second = self.bytes_per_second

        connection = self.connection

        endpoint = self.endpoint

        instruments = self.instruments

        messages_per_second = self.messages_per_second

        modes = self.modes.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "account": account,
                "bytes_per_second": bytes_per_second,
                "connection": connection,
                "endpoint": endpoint,
                "instruments": instruments,
                "messages_per_second": messages_per_second,
                "modes": modes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.allocated_connection_modes import AllocatedConnectionModes

        d = dict(src_dict)
        account = d.pop("account")

        bytes_per_second = d.pop("bytes_per_second")

        connection = d.pop("connection")

        endpoint = d.pop("endpoint")

        instruments = d.pop("instruments")

        messages_per_second = d.pop("messages_per_second")

        modes = AllocatedConnectionModes.from_dict(d.pop("modes"))

        allocated_connection = cls(
            account=account,
            bytes_per_second=bytes_per_second,
            connection=connection,
            endpoint=endpoint,
            instruments=instruments,
            messages_per_second=messages_per_second,
            modes=modes,
        )

        allocated_connection.additional_properties = d
        return allocated_connection

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
