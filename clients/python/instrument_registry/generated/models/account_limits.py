from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.mode import Mode
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.account_limits_endpoints import AccountLimitsEndpoints
    from ..models.account_limits_index_packet_bytes import AccountLimitsIndexPacketBytes
    from ..models.account_limits_modes import AccountLimitsModes
    from ..models.account_limits_packet_bytes import AccountLimitsPacketBytes
    from ..models.change_mode_figure import ChangeModeFigure
    from ..models.fee_figure import FeeFigure
    from ..models.flag_figure import FlagFigure
    from ..models.historical_limits import HistoricalLimits
    from ..models.number_figure import NumberFigure
    from ..models.on_excess_figure import OnExcessFigure
    from ..models.subscribe_limits import SubscribeLimits
    from ..models.text_figure import TextFigure


T = TypeVar("T", bound="AccountLimits")


@_attrs_define
class AccountLimits:
    """The limits of an account of one tier.

    Attributes:
        change_mode (ChangeModeFigure): A figure with its source.
        connections (NumberFigure): A figure with its source.
        counts_duplicates (FlagFigure): A figure with its source.
        endpoints (AccountLimitsEndpoints): The limits of the endpoints other than the market endpoint. Each serves one
            mode, and its connections count towards
            `connections`. The figure is the maximum number of instruments on one connection.
        historical (HistoricalLimits): The pace of historical requests.
        index_packet_bytes (AccountLimitsIndexPacketBytes): Bytes of one packet of an index, if they differ.
        lowering (list[Mode]): The modes of the market endpoint from the highest to the lowest: an instrument is lowered
            to the next one.
        modes (AccountLimitsModes): The modes that the broker offers.
        on_excess (OnExcessFigure): A figure with its source.
        packet_bytes (AccountLimitsPacketBytes): Bytes of one packet of a subscription in each mode.
        subscribe (SubscribeLimits): The subscribe messages of one connection.
        fee (FeeFigure | Unset): A figure with its source.
        instruments_per_account (NumberFigure | Unset): A figure with its source.
        instruments_per_connection (NumberFigure | Unset): A figure with its source.
        lifetime_hours (NumberFigure | Unset): A figure with its source.
        session_ends_at (TextFigure | Unset): A figure with its source.
    """

    change_mode: ChangeModeFigure
    connections: NumberFigure
    counts_duplicates: FlagFigure
    endpoints: AccountLimitsEndpoints
    historical: HistoricalLimits
    index_packet_bytes: AccountLimitsIndexPacketBytes
    lowering: list[Mode]
    modes: AccountLimitsModes
    on_excess: OnExcessFigure
    packet_bytes: AccountLimitsPacketBytes
    subscribe: SubscribeLimits
    fee: FeeFigure | Unset = UNSET
    instruments_per_account: NumberFigure | Unset = UNSET
    instruments_per_connection: NumberFigure | Unset = UNSET
    lifetime_hours: NumberFigure | Unset = UNSET
    session_ends_at: TextFigure | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        change_mode = self.change_mode.to_dict()

        connections = self.connections.to_dict()

        counts_duplicates = self.counts_duplicates.to_dict()

        endpoints = self.endpoints.to_dict()

        historical = self.historical.to_dict()

        index_packet_bytes = self.index_packet_bytes.to_dict()

        lowering = []
        for lowering_item_data in self.lowering:
            lowering_item = lowering_item_data.value
            lowering.append(lowering_item)

        modes = self.modes.to_dict()

        on_excess = self.on_excess.to_dict()

        packet_bytes = self.packet_bytes.to_dict()

        subscribe = self.subscribe.to_dict()

        fee: dict[str, Any] | Unset = UNSET
        if not isinstance(self.fee, Unset):
            fee = self.fee.to_dict()

        instruments_per_account: dict[str, Any] | Unset = UNSET
        if not isinstance(self.instruments_per_account, Unset):
            instruments_per_account = self.instruments_per_account.to_dict()

        instruments_per_connection: dict[str, Any] | Unset = UNSET
        if not isinstance(self.instruments_per_connection, Unset):
            instruments_per_connection = self.instruments_per_connection.to_dict()

        lifetime_hours: dict[str, Any] | Unset = UNSET
        if not isinstance(self.lifetime_hours, Unset):
            lifetime_hours = self.lifetime_hours.to_dict()

        session_ends_at: dict[str, Any] | Unset = UNSET
        if not isinstance(self.session_ends_at, Unset):
            session_ends_at = self.session_ends_at.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "change_mode": change_mode,
                "connections": connections,
                "counts_duplicates": counts_duplicates,
                "endpoints": endpoints,
                "historical": historical,
                "index_packet_bytes": index_packet_bytes,
                "lowering": lowering,
                "modes": modes,
                "on_excess": on_excess,
                "packet_bytes": packet_bytes,
                "subscribe": subscribe,
            }
        )
        if fee is not UNSET:
            field_dict["fee"] = fee
        if instruments_per_account is not UNSET:
            field_dict["instruments_per_account"] = instruments_per_account
        if instruments_per_connection is not UNSET:
            field_dict["instruments_per_connection"] = instruments_per_connection
        if lifetime_hours is not UNSET:
            field_dict["lifetime_hours"] = lifetime_hours
        if session_ends_at is not UNSET:
            field_dict["session_ends_at"] = session_ends_at

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.account_limits_endpoints import AccountLimitsEndpoints
        from ..models.account_limits_index_packet_bytes import (
            AccountLimitsIndexPacketBytes,
        )
        from ..models.account_limits_modes import AccountLimitsModes
        from ..models.account_limits_packet_bytes import AccountLimitsPacketBytes
        from ..models.change_mode_figure import ChangeModeFigure
        from ..models.fee_figure import FeeFigure
        from ..models.flag_figure import FlagFigure
        from ..models.historical_limits import HistoricalLimits
        from ..models.number_figure import NumberFigure
        from ..models.on_excess_figure import OnExcessFigure
        from ..models.subscribe_limits import SubscribeLimits
        from ..models.text_figure import TextFigure

        d = dict(src_dict)
        change_mode = ChangeModeFigure.from_dict(d.pop("change_mode"))

        connections = NumberFigure.from_dict(d.pop("connections"))

        counts_duplicates = FlagFigure.from_dict(d.pop("counts_duplicates"))

        endpoints = AccountLimitsEndpoints.from_dict(d.pop("endpoints"))

        historical = HistoricalLimits.from_dict(d.pop("historical"))

        index_packet_bytes = AccountLimitsIndexPacketBytes.from_dict(
            d.pop("index_packet_bytes")
        )

        lowering = []
        _lowering = d.pop("lowering")
        for lowering_item_data in _lowering:
            lowering_item = Mode(lowering_item_data)

            lowering.append(lowering_item)

        modes = AccountLimitsModes.from_dict(d.pop("modes"))

        on_excess = OnExcessFigure.from_dict(d.pop("on_excess"))

        packet_bytes = AccountLimitsPacketBytes.from_dict(d.pop("packet_bytes"))

        subscribe = SubscribeLimits.from_dict(d.pop("subscribe"))

        _fee = d.pop("fee", UNSET)
        fee: FeeFigure | Unset
        if isinstance(_fee, Unset):
            fee = UNSET
        else:
            fee = FeeFigure.from_dict(_fee)

        _instruments_per_account = d.pop("instruments_per_account", UNSET)
        instruments_per_account: NumberFigure | Unset
        if isinstance(_instruments_per_account, Unset):
            instruments_per_account = UNSET
        else:
            instruments_per_account = NumberFigure.from_dict(_instruments_per_account)

        _instruments_per_connection = d.pop("instruments_per_connection", UNSET)
        instruments_per_connection: NumberFigure | Unset
        if isinstance(_instruments_per_connection, Unset):
            instruments_per_connection = UNSET
        else:
            instruments_per_connection = NumberFigure.from_dict(
                _instruments_per_connection
            )

        _lifetime_hours = d.pop("lifetime_hours", UNSET)
        lifetime_hours: NumberFigure | Unset
        if isinstance(_lifetime_hours, Unset):
            lifetime_hours = UNSET
        else:
            lifetime_hours = NumberFigure.from_dict(_lifetime_hours)

        _session_ends_at = d.pop("session_ends_at", UNSET)
        session_ends_at: TextFigure | Unset
        if isinstance(_session_ends_at, Unset):
            session_ends_at = UNSET
        else:
            session_ends_at = TextFigure.from_dict(_session_ends_at)

        account_limits = cls(
            change_mode=change_mode,
            connections=connections,
            counts_duplicates=counts_duplicates,
            endpoints=endpoints,
            historical=historical,
            index_packet_bytes=index_packet_bytes,
            lowering=lowering,
            modes=modes,
            on_excess=on_excess,
            packet_bytes=packet_bytes,
            subscribe=subscribe,
            fee=fee,
            instruments_per_account=instruments_per_account,
            instruments_per_connection=instruments_per_connection,
            lifetime_hours=lifetime_hours,
            session_ends_at=session_ends_at,
        )

        account_limits.additional_properties = d
        return account_limits

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
