"""Subscribes through the official SDKs with the feeds of the Python client. Only the addresses of the feeds differ."""

import functools
import importlib
import pathlib
import re
import struct
import threading

from instrument_registry import Client
from twisted.internet import reactor

import standins

DOCUMENTS = pathlib.Path(__file__).parents[2] / "docs" / "sdk"
# The address and the instruments of the examples.
SERVICE, KEYS = "http://127.0.0.1:8901", ("NSE:TCS", "NSE:INFY")


def example(broker, url, keys):
    """Returns the code of the example of a document, for a service that has these instruments."""
    (code,) = re.findall(r"```python\n(.*?)```", (DOCUMENTS / f"{broker}.md").read_text(), re.DOTALL)
    for shown, actual in ((SERVICE, url), *zip(KEYS, keys)):
        assert shown in code, f"{broker}.md: expected {shown}"
        code = code.replace(shown, actual)
    return compile(code, f"{broker}.md", "exec")


class Ticks:
    """The mode in which each instrument ticked on any connection, and the number of ticks."""

    def __init__(self):
        self.changed = threading.Condition()
        self.clear()

    def clear(self):
        with self.changed:
            self.modes, self.count = {}, 0

    def add(self, ticked):
        with self.changed:
            self.modes.update(ticked)
            self.count += len(ticked)
            self.changed.notify_all()

    def wait_for(self, count, seconds):
        """Waits for this number of ticks. Returns whether there are as many."""
        with self.changed:
            self.changed.wait_for(lambda: self.count >= count, seconds)
            return self.count == count


class Sdk:
    """The SDK of a broker with the feed of the Python client, as the test uses them."""

    # The access token of the example. If it is None, the token is the name of the account.
    ACCESS_TOKEN = "token"

    def __init__(self, address):
        self.module, self.address = importlib.import_module(f"instrument_registry.sdk.{self.broker}"), address
        self.errors, self.sent, self.changed = [], 0, threading.Condition()

    def feed(self, registry, account, ticks):
        """Returns a feed. `sent` counts its schedules that are sent completely."""
        feed, self.sent = self.new_feed(registry, account, ticks), 0
        send = feed.send
        feed.send = lambda batches, **options: (send(batches, **options), self.after_last_message(self.count))
        return feed

    def after_last_message(self, call):
        call()

    def count(self):
        with self.changed:
            self.sent += 1
            self.changed.notify_all()

    def wait_for_sent(self, count, seconds):
        """Waits until this number of schedules is sent. Returns whether they are."""
        with self.changed:
            return self.changed.wait_for(lambda: self.sent >= count, seconds)

    def fail(self, text):
        """Keeps an error that the SDK reports."""
        with self.changed:
            self.errors.append(text)
            self.changed.notify_all()

    def wait_for_error(self, text, seconds):
        """Waits for an error with this text. Returns whether there is one."""
        with self.changed:
            return self.changed.wait_for(lambda: any(text in error for error in self.errors), seconds)


class Kite(Sdk):
    broker = "kite"

    def __init__(self, address):
        super().__init__(address)
        sdk = self.module.KiteTicker
        self.module.KiteTicker = functools.partial(sdk, root=address)
        sdk._on_close = lambda _, ticker, code, reason: self.fail(str(reason))

    def new_feed(self, registry, account, ticks):
        def on_ticks(packets):
            ticks.add({packet["instrument_token"]: packet["mode"] for packet in packets})

        return self.module.Feed(registry, account, "token", on_ticks)

    def after_last_message(self, call):
        # `send` returns before the reactor sends the last message.
        reactor.callFromThread(call)

    @staticmethod
    def token(entry):
        return int(entry["broker_token"])

    @staticmethod
    def naive(tokens):
        """Returns one message for all instruments."""
        return {"subscribe": tokens, "modes": {"full": tokens}}


class Dhan(Sdk):
    broker = "dhan"
    MODES = {"Ticker Data": "ltp", "Quote Data": "quote", "Full Data": "full"}

    def __init__(self, address):
        super().__init__(address)
        sdk = self.module.MarketFeed
        sdk.market_feed_wss = address
        # The SDK only prints the code with which the server closes a connection.
        sdk.server_disconnection = lambda _, data: self.fail(str(struct.unpack("<BHBIH", data[:10])[4]))

    def new_feed(self, registry, account, ticks):
        def on_tick(packet):
            if packet and packet["type"] in self.MODES:
                ticks.add({(packet["exchange_segment"], packet["security_id"]): self.MODES[packet["type"]]})

        return self.module.Feed(registry, account, "token", on_tick)

    @staticmethod
    def token(entry):
        segment, security_id = entry["broker_token"].split("|")
        return standins.Dhan.SEGMENTS[segment], int(security_id)

    @staticmethod
    def naive(tokens):
        """Returns one message for all instruments. The SDK cuts it into messages of 100."""
        return [(segment, str(security_id), 21) for segment, security_id in tokens]


class Upstox(Sdk):
    """The address is literal: the environment has a proxy for it."""

    broker = "upstox"
    ACCESS_TOKEN = None
    MODES = {"ltpc": "ltp", "firstLevelWithGreeks": "greeks", "fullFeed": "full"}

    def __init__(self, address):
        super().__init__(address)
        sdk = self.module.upstox_client.MarketDataStreamerV3
        handle_error = sdk.handle_error
        sdk.handle_error = lambda streamer, ws, error: (self.fail(str(error)), handle_error(streamer, ws, error))

    def new_feed(self, registry, account, ticks):
        def on_ticks(feeds):
            ticks.add({token: self.MODES[next(name for name in self.MODES if name in of)] for token, of in feeds.items()})

        return self.module.Feed(registry, account, on_ticks)

    @staticmethod
    def token(entry):
        return entry["broker_token"]

    @staticmethod
    def naive(tokens):
        """Returns one message for all instruments."""
        return {"mode": "full", "instrumentKeys": tokens}


class Angel(Sdk):
    broker = "angel"
    MODES = {1: "ltp", 2: "quote", 3: "full"}
    EXCHANGE_TYPES = {"NSE_EQ": 1, "NSE_FO": 2, "BSE_EQ": 3, "BSE_FO": 4}

    def __init__(self, address):
        super().__init__(address)
        sdk = self.module.SmartWebSocketV2
        sdk.ROOT_URI = address
        handle_error = sdk._on_error
        sdk._on_error = lambda socket, app, error: (self.fail(str(error)), handle_error(socket, app, error))

    def new_feed(self, registry, account, ticks):
        def on_tick(packet):
            ticks.add({(packet["exchange_type"], packet["token"]): self.MODES[packet["subscription_mode"]]})

        return self.module.Feed(registry, "token", "key", account, "token", on_tick)

    @classmethod
    def token(cls, entry):
        return cls.EXCHANGE_TYPES[entry["segment"]], entry["broker_token"].split("|")[1]

    @staticmethod
    def naive(tokens):
        """Returns one message for all instruments."""
        of = {}
        for exchange_type, token in tokens:
            of.setdefault(exchange_type, []).append(token)
        lists = [{"exchangeType": exchange_type, "tokens": tokens} for exchange_type, tokens in of.items()]
        return {"correlation_id": "naive", "mode": 3, "tokenList": lists}


def stop_reactor():
    """Stops the thread that serves all connections to Kite."""
    reactor.callFromThread(reactor.stop)
