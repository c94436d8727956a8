from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.mode import Mode
from ..models.segment import Segment

T = TypeVar("T", bound="Subscription")


@_attrs_define
class Subscription:
    """A subscription of an instrument.

    Attributes:
        account (str): The account that opens the connection.
        broker_token (None | str): The broker's token of the instrument. Null if no file of the broker lists the
            instrument.
        connection (int): The number of the connection, from 1.
        endpoint (str): The endpoint of the connection.
        instrument (str): The key of the instrument.
        mode (Mode): The streaming mode of an instrument: the amount of data that the feed sends.
        segment (None | Segment):
    """

    account: str
    broker_token: None | str
    connection: int
    endpoint: str
    instrument: str
    mode: Mode
    segment: None | Segment
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        broker_token: None | str
        broker_token = self.broker_token

        connection = self.connection

        endpoint = self.endpoint

        instrument = self.instrument

        mode = self.mode.value

        segment: None | str
        if isinstance(self.segment, Segment):
            segment = self.segment.value
        else:
            segment = self.segment

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "account": account,
                "broker_token": broker_token,
                "connection": connection,
                "endpoint": endpoint,
                "instrument": instrument,
                "mode": mode,
                "segment": segment,
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

        connection = d.pop("connection")

        endpoint = d.pop("endpoint")

        instrument = d.pop("instrument")

        mode = Mode(d.pop("mode"))

        def _parse_segment(data: object) -> None | Segment:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                segment_type_0 = Segment(data)

                return segment_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Segment, data)

        segment = _parse_segment(d.pop("segment"))

        subscription = cls(
            account=account,
            broker_token=broker_token,
            connection=connection,
            endpoint=endpoint,
            instrument=instrument,
            mode=mode,
            segment=segment,
        )

        subscription.additional_properties = d
        return subscription

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
