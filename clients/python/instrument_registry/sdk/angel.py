"""Subscribes plans through smartapi-python.

When the SDK is imported, it asks an external service for the IP address of the computer. It writes logs to the folder
`logs`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread
from typing import Any

from SmartApi.smartWebSocketV2 import SmartWebSocketV2

from ..client import Client
from ..generated.models import BatchAction
from . import feed


class Feed(feed.Feed):
    """`on_tick` receives ticks, in a thread for each connection."""

    sdk = "angel"

    def __init__(
        self,
        registry: Client,
        auth_token: str,
        api_key: str,
        client_code: str,
        feed_token: str,
        on_tick: Callable[[dict[str, Any]], object],
        *,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(registry, (auth_token, api_key, client_code, feed_token), allow_empty=allow_empty)
        self.on_tick = on_tick

    def new_connection(
        self, credentials: feed.Credentials, on_open: Callable[[], None], on_error: Callable[[object], None]
    ) -> Any:
        socket = SmartWebSocketV2(*credentials, max_retry_attempt=0)
        socket.on_open = lambda _: on_open()
        socket.on_data = lambda _, tick: self.on_tick(tick)
        socket.on_error = lambda *_: None
        # The SDK calls `on_error` without the cause.
        handle_error = socket._on_error

        def keep_error(app: Any, fault: Any) -> None:
            # After each close, the SDK fails because its own `_on_close` takes too few arguments.
            if not isinstance(fault, TypeError):
                on_error(fault)
            handle_error(app, fault)

        socket._on_error = keep_error
        return socket

    def start(self, connection: Any) -> None:
        Thread(target=self.run, args=[connection], daemon=True).start()

    def run(self, socket: Any) -> None:
        # The SDK would give up a connection after `max_retry_attempt` retries with long pauses.
        while socket in self.connections.values():
            socket.connect()
            time.sleep(1)

    def call(self, connection: Any, action: BatchAction, message: Any) -> None:
        getattr(connection, action)(*message.values())

    def disconnect(self, connection: Any) -> None:
        connection.close_connection()
