"""Subscribes through the official SDKs. Only the address of the feed differs from the code of a handler."""

import threading

from dhanhq import DhanContext, MarketFeed
from kiteconnect import KiteTicker
from twisted.internet import reactor

DHAN_MODES = {"Ticker Data": "ltp", "Quote Data": "quote", "Full Data": "full"}


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

    def on_connect(ticker, _response):
        for message in messages:
            ticker.subscribe(message["subscribe"])
            for mode, tokens in message["modes"].items():
                ticker.set_mode(mode, tokens)

    ticker = KiteTicker(key, "token", root=f"ws://127.0.0.1:{port}", reconnect=False)
    ticker.on_connect = on_connect
    ticker.on_ticks = lambda _, packets: ticks.add({packet["instrument_token"]: packet["mode"] for packet in packets})
    if on_close:
        ticker.on_close = lambda _, code, reason: on_close(reason)
    if reactor.running:
        reactor.callFromThread(ticker.connect, threaded=True)
    else:
        running = threading.Event()
        reactor.callWhenRunning(running.set)
        ticker.connect(threaded=True)
        assert running.wait(30), "Twisted's reactor did not start within 30 s"
    return ticker


def close_kite(tickers):
    for ticker in tickers:
        reactor.callFromThread(ticker.close)


def stop_kite():
    reactor.callFromThread(reactor.stop)


def open_dhan(port, client, ticks, messages, on_close=None):
    """Opens a connection to Dhan and subscribes with the messages. Returns the connection."""

    def on_connect(feed):
        for message in messages:
            feed.subscribe_symbols([tuple(entry) for entry in message])

    def on_ticks(_, packet):
        if packet and packet["type"] in DHAN_MODES:
            ticks.add({(packet["exchange_segment"], packet["security_id"]): DHAN_MODES[packet["type"]]})

    MarketFeed.market_feed_wss = f"ws://127.0.0.1:{port}"
    feed = MarketFeed(DhanContext(client, "token"), [], on_connect=on_connect, on_ticks=on_ticks, on_close=on_close)
    feed.start()
    return feed


def close_dhan(feeds):
    for feed in feeds:
        feed.close_connection()
