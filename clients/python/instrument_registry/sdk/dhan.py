"""Subscribes plans through dhanhq. The subscriptions are those of the endpoint `market`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dhanhq import DhanContext, MarketFeed

from ..client import Client
from ..generated.models import BatchAction
from . import feed


class Feed(feed.Feed):
    """`on_tick` receives ticks, in a thread for each connection."""

    sdk = "dhan"

    def __init__(
        self,
        registry: Client,
        client_id: str,
        access_token: str,
        on_tick: Callable[[dict[str, Any]], object],
        *,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(registry, (client_id, access_token), allow_empty=allow_empty)
        self.on_tick = on_tick

    def new_connection(
        self, credentials: feed.Credentials, on_open: Callable[[], None], on_error: Callable[[object], None]
    ) -> Any:
        connection = MarketFeed(DhanContext(*credentials), [])
        connection.on_message = lambda _, tick: self.on_tick(tick)
        connection.on_error = lambda _, fault: on_error(fault)
        connection.on_connect = lambda _: on_open()
        return connection

    def start(self, connection: Any) -> None:
        connection.start()

    def call(self, connection: Any, action: BatchAction, message: Any) -> None:
        # The SDK requires tuples.
        getattr(connection, f"{action}_symbols")([tuple(entry) for entry in message])
        # After a reconnect, the SDK would subscribe these again, in an arbitrary order.
        connection.instruments = []

    def disconnect(self, connection: Any) -> None:
        connection.close_connection()
