"""Subscribes plans through kiteconnect."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any

from kiteconnect import KiteTicker
from twisted.internet import reactor

from ..client import Client
from ..generated.models import BatchAction
from . import feed

_starting = Lock()


def run_reactor() -> None:
    """Starts Twisted's reactor in a thread, unless it runs already."""
    with _starting:
        if not reactor.running:
            Thread(target=reactor.run, kwargs={"installSignalHandlers": False}, daemon=True).start()
            # It is running when it calls this.
            started = Event()
            reactor.callFromThread(started.set)
            started.wait()


class Feed(feed.Feed):
    """`on_ticks` receives lists of ticks, in the thread of Twisted's reactor."""

    sdk = "kite"

    def __init__(
        self,
        registry: Client,
        api_key: str,
        access_token: str,
        on_ticks: Callable[[list[dict[str, Any]]], object],
        *,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(registry, (api_key, access_token), allow_empty=allow_empty)
        self.on_ticks = on_ticks
        run_reactor()

    def new_connection(
        self, credentials: feed.Credentials, on_open: Callable[[], None], on_error: Callable[[object], None]
    ) -> Any:
        ticker = KiteTicker(*credentials)
        ticker.on_ticks = lambda _, ticks: self.on_ticks(ticks)
        # After a reconnect, the SDK would subscribe all its tokens again, in one message for each mode.
        ticker.on_connect = lambda *_: ticker.subscribed_tokens.clear()
        ticker.on_error = lambda _, code, reason: on_error(f"{code} {reason}")
        ticker.on_open = lambda _: on_open()
        return ticker

    # The SDK is not thread-safe: only the thread of the reactor uses it.

    def start(self, connection: Any) -> None:
        reactor.callFromThread(connection.connect, threaded=True)

    def call(self, connection: Any, action: BatchAction, message: Any) -> None:
        if action != BatchAction.CHANGE_MODE:
            reactor.callFromThread(getattr(connection, action), message[action])
        # The SDK subscribes in the mode `quote`.
        for mode, tokens in message.get("modes", {}).items():
            reactor.callFromThread(connection.set_mode, mode, tokens)

    def disconnect(self, connection: Any) -> None:
        reactor.callFromThread(connection.close)
