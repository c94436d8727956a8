from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.batch_action import BatchAction
from ..models.mode import Mode
from ..types import UNSET, Unset

T = TypeVar("T", bound="ScheduledBatch")


@_attrs_define
class ScheduledBatch:
    """A message of a schedule.

    Attributes:
        action (BatchAction): The effect of a message.
        at_ms (int): The time at which it is sent, in milliseconds after the schedule starts. A new connection opens at
            the start, or as soon as
            another one has closed if the account has no further connection.
        instruments (list[str]): The keys of the instruments.
        tokens (list[None | str]): The broker's tokens of the instruments; null if no file of the broker lists an
            instrument.
        account (str | Unset): The account of the connection. Absent for historical data.
        connection (int | Unset): The number of the connection, from 1. Absent for historical data.
        endpoint (str | Unset): The endpoint of the connection. Absent for historical data.
        mode (Mode | Unset): The streaming mode of an instrument: the amount of data that the feed sends.
        messages (list[Any] | Unset): The arguments of the calls of the SDK. Absent if the format is `json`.
    """

    action: BatchAction
    at_ms: int
    instruments: list[str]
    tokens: list[None | str]
    account: str | Unset = UNSET
    connection: int | Unset = UNSET
    endpoint: str | Unset = UNSET
    mode: Mode | Unset = UNSET
    messages: list[Any] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        action = self.action.value

        at_ms = self.at_ms

        instruments = self.instruments

        tokens = []
        for tokens_item_data in self.tokens:
            tokens_item: None | str
            tokens_item = tokens_item_data
            tokens.append(tokens_item)

        account = self.account

        connection = self.connection

        endpoint = self.endpoint

        mode: str | Unset = UNSET
        if not isinstance(self.mode, Unset):
            mode = self.mode.value

        messages: list[Any] | Unset = UNSET
        if not isinstance(self.messages, Unset):
            messages = self.messages

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "action": action,
                "at_ms": at_ms,
                "instruments": instruments,
                "tokens": tokens,
            }
        )
        if account is not UNSET:
            field_dict["account"] = account
        if connection is not UNSET:
            field_dict["connection"] = connection
        if endpoint is not UNSET:
            field_dict["endpoint"] = endpoint
        if mode is not UNSET:
            field_dict["mode"] = mode
        if messages is not UNSET:
            field_dict["messages"] = messages

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        action = BatchAction(d.pop("action"))

        at_ms = d.pop("at_ms")

        instruments = cast(list[str], d.pop("instruments"))

        tokens = []
        _tokens = d.pop("tokens")
        for tokens_item_data in _tokens:

            def _parse_tokens_item(data: object) -> None | str:
                if data is None:
                    return data
                return cast(None | str, data)

            tokens_item = _parse_tokens_item(tokens_item_data)

            tokens.append(tokens_item)

        account = d.pop("account", UNSET)

        connection = d.pop("connection", UNSET)

        endpoint = d.pop("endpoint", UNSET)

        _mode = d.pop("mode", UNSET)
        mode: Mode | Unset
        if isinstance(_mode, Unset):
            mode = UNSET
        else:
            mode = Mode(_mode)

        messages = cast(list[Any], d.pop("messages", UNSET))

        scheduled_batch = cls(
            action=action,
            at_ms=at_ms,
            instruments=instruments,
            tokens=tokens,
            account=account,
            connection=connection,
            endpoint=endpoint,
            mode=mode,
            messages=messages,
        )

        scheduled_batch.additional_properties = d
        return scheduled_batch

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
