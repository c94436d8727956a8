from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.mode import Mode

T = TypeVar("T", bound="PlannedStream")


@_attrs_define
class PlannedStream:
    """The stream of an instrument in a plan.

    Attributes:
        account (str): The account of the connection to the market endpoint.
        broker_token (None | str): The broker's token. Null if no file of the broker lists the instrument.
        connections (list[int]): The numbers of the connections that carry it: several if the mode has subscriptions at
            several endpoints.
        mode (Mode): The streaming mode of an instrument: the amount of data that the feed sends.
    """

    account: str
    broker_token: None | str
    connections: list[int]
    mode: Mode
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        broker_token: None | str
        broker_token = self.broker_token

        connections = self.connections

        mode = self.mode.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "account": account,
                "broker_token": broker_token,
                "connections": connections,
                "mode": mode,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        account = d.pop("account")

        def _parse_broker_token(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        broker_token = _parse_broker_token(d.pop("broker_token"))

        connections = cast(list[int], d.pop("connections"))

        mode = Mode(d.pop("mode"))

        planned_stream = cls(
            account=account,
            broker_token=broker_token,
            connections=connections,
            mode=mode,
        )

        planned_stream.additional_properties = d
        return planned_stream

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
