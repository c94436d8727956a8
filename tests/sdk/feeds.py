"""Subscribes through the official SDKs with the code of docs/subscriptions.md. Only the address of the feed differs."""

import pathlib
import re
import struct
import threading

from dhanhq import MarketFeed
from kiteconnect import KiteTicker
from twisted.internet import reactor

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "subscriptions.md"
DHAN_MODES = {"Ticker Data": "ltp", "Quote Data": "quote", "Full Data": "full"}


def sample(heading):
    """Returns the names that the Python code below a heading of the document defines."""
    section = DOCUMENT.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names = {}
    exec(compile(code, f"{DOCUMENT.name}, {heading}", "exec"), names)
    return names


KITE, DHAN = sample("Subscribe at Kite"), sample("Subscribe at Dhan")


class Ticks:
    """The last mode in which each instrument ticked, on all connections."""

    def __init__(self):
        self.modes, self.changed = {}, threading.Condition()

    def add(self, ticked):
        with self.changed:
            self.modes.update(ticked)
            self.changed.notify_all()

    def wait_for(self, is_complete, seconds):
        """Waits until the condition holds for the modes, and returns them."""
        with self.changed:
            self.changed.wait_for(lambda: is_complete(self.modes), timeout=seconds)
            return dict(self.modes)


def open_kite(port, key, ticks, messages, on_close=None):
    """Opens a connection to Kite and subscribes with the messages. Returns the connection."""

    def ticker_of(api_key, access_token):
        ticker = KiteTicker(api_key, access_token, root=f"ws://127.0.0.1:{port}", reconnect=False)
        if on_close:
            ticker.on_close = lambda _, code, reason: on_close(reason)
        return ticker

    def on_ticks(_, packets):
        ticks.add({packet["instrument_token"]: packet["mode"] for packet in packets})

    KITE["KiteTicker"] = ticker_of
    return KITE["open_connection"](key, "token", messages, on_ticks)


def close_kite(tickers):
    for ticker in tickers:
        reactor.callFromThread(ticker.close)


def stop_kite():
    reactor.callFromThread(reactor.stop)


class DhanFeed(MarketFeed):
    """The feed of the SDK, which only prints the code with which the server closes a connection."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.closed_with = []

    def server_disconnection(self, data):
        self.closed_with.append(struct.unpack("<BHBIH", data[:10])[4])
        super().server_disconnection(data)


def open_dhan(port, client, ticks, messages):
    """Opens a connection to Dhan and subscribes with the messages. Returns the connection."""

    def on_ticks(_, packet):
        if packet and packet["type"] in DHAN_MODES:
            ticks.add({(packet["exchange_segment"], packet["security_id"]): DHAN_MODES[packet["type"]]})

    MarketFeed.market_feed_wss = f"ws://127.0.0.1:{port}"
    DHAN["MarketFeed"] = DhanFeed
    return DHAN["open_connection"](client, "token", messages, on_ticks)


def close_dhan(feeds):
    for feed in feeds:
        feed.close_connection()
