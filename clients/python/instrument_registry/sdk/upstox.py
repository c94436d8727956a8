"""Subscribes plans through upstox-python-sdk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import upstox_client

from ..client import Client
from ..generated.models import BatchAction
from . import feed


class Feed(feed.Feed):
    """`on_feeds` receives the part `feeds` of messages, in a thread for each connection."""

    sdk = "upstox"

    def __init__(
        self,
        registry: Client,
        access_token: str,
        on_feeds: Callable[[dict[str, Any]], object],
        *,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(registry, (access_token,), allow_empty=allow_empty)
        self.on_feeds = on_feeds

    def new_connection(
        self, credentials: feed.Credentials, on_open: Callable[[], None], on_error: Callable[[object], None]
    ) -> Any:
        configuration = upstox_client.Configuration()
        (configuration.access_token,) = credentials
        streamer = upstox_client.MarketDataStreamerV3(upstox_client.ApiClient(configuration))
        streamer.on("message", lambda message: self.on_feeds(message.get("feeds", {})))
        # After a reconnect, the SDK would subscribe all its keys again, in one message for each mode.
        streamer.on("reconnecting", lambda _: streamer.clear_subscriptions())
        streamer.on("error", on_error)
        streamer.on("open", on_open)
        return streamer

    def start(self, connection: Any) -> None:
        connection.connect()

    def call(self, connection: Any, action: BatchAction, message: Any) -> None:
        arguments = message["instrumentKeys"], message["mode"]
        count = 1 if action == BatchAction.UNSUBSCRIBE else 2
        getattr(connection, action)(*arguments[:count])

    def disconnect(self, connection: Any) -> None:
        connection.auto_reconnect(False)
        connection.disconnect()
        # Otherwise the SDK reports an error when the program ends.
        connection.api_client.pool.terminate()
