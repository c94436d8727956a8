"""Stand-ins for the feeds of Kite, Upstox, Dhan and Angel One, with their limits. Each runs in a thread of the test.

A stand-in keeps the mode of each instrument of each connection, and records everything that exceeds a limit or that the broker
would ignore. It sends packets when the test asks for them: one for each subscribed instrument.
"""

import asyncio
import collections
import contextlib
import json
import struct
import threading
import urllib.parse

import websockets


class Connection:
    """A connection of an account, with the mode of each subscribed instrument."""

    def __init__(self, socket, account):
        self.socket, self.account = socket, account
        self.modes, self.counts = {}, collections.Counter()

    def set(self, instrument, mode):
        """Sets the mode of an instrument. Without a mode, it is not subscribed."""
        before = self.modes.pop(instrument, None)
        if before:
            self.counts[before] -= 1
        if mode:
            self.modes[instrument] = mode
            self.counts[mode] += 1


class Server:
    """A server on a free port."""

    @contextlib.contextmanager
    def running(self):
        """Runs the server in a thread."""
        self.loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self.loop.run_forever)
        thread.start()
        server = self.run(self.listen())
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.run(close(server))
            self.loop.call_soon_threadsafe(self.loop.stop)
            thread.join()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()


async def close(server):
    """Closes a server and its connections."""
    server.close()
    await asyncio.sleep(0)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class StandIn(Server):
    """A stand-in for the feed of a broker. `changed` guards its state."""

    CONNECTIONS_MAX = INSTRUMENTS_MAX = MESSAGE_MAX = 0
    # The status with which one connection too many is refused, or the code with which it closes the oldest one.
    EXCESS = 429
    CLOSES_OLDEST = False

    def __init__(self):
        self.changed = threading.Condition()
        self.connections = collections.defaultdict(list)
        self.violations = collections.defaultdict(list)
        # The connections that the stand-in closed.
        self.closed = collections.defaultdict(list)
        # The number of instruments in all messages that subscribe some.
        self.received = collections.Counter()

    @property
    def address(self):
        return f"ws://127.0.0.1:{self.port}"

    async def listen(self, **options):
        return await websockets.serve(
            self.serve, "127.0.0.1", 0, process_request=self.admit, max_size=None, compression=None, **options)

    def wait_for(self, is_reached, seconds):
        """Waits until a condition holds. Returns whether it does."""
        with self.changed:
            return self.changed.wait_for(is_reached, seconds)

    def modes(self, account):
        """Returns the modes of the instruments of each connection of an account, as a set."""
        return {frozenset(connection.modes.items()) for connection in self.connections[account]}

    def counts(self, account):
        return [dict(connection.counts) for connection in self.connections[account]]

    def drop(self, connection):
        """Ends a connection without a close frame."""
        self.loop.call_soon_threadsafe(connection.socket.transport.abort)

    def tick(self, account):
        """Sends a packet for each subscribed instrument of an account. Returns their number."""
        with self.changed:
            of = [(connection.socket, dict(connection.modes)) for connection in self.connections[account]]
        for socket, modes in of:
            self.run(self.send(socket, list(modes.items())))
        return sum(len(modes) for _, modes in of)

    async def send(self, socket, instruments):
        for packet in self.packets(instruments):
            await socket.send(packet)

    def admit(self, socket, request):
        """Opens a connection, or refuses it if the account has too many."""
        account = self.account(request)
        with self.changed:
            if len(self.connections[account]) >= self.CONNECTIONS_MAX:
                self.violate(account, f"connection {self.CONNECTIONS_MAX + 1}")
                if not self.CLOSES_OLDEST:
                    return socket.respond(self.EXCESS, "too many connections\n")
            socket.connection = Connection(socket, account)
            self.connections[account].append(socket.connection)
            self.changed.notify_all()
        return None

    async def serve(self, socket):
        try:
            async for message in socket:
                with self.changed:
                    self.handle(socket.connection, message)
                    self.changed.notify_all()
        except websockets.ConnectionClosed:
            pass
        finally:
            with self.changed:
                if socket.connection in self.connections[socket.connection.account]:
                    self.connections[socket.connection.account].remove(socket.connection)
                self.changed.notify_all()

    def violate(self, account, text):
        self.violations[account].append(text)
        self.changed.notify_all()

    def subscribe(self, connection, instruments, mode):
        self.received[connection.account] += len(instruments)
        repeated = len(instruments) - len(set(instruments) - connection.modes.keys())
        if repeated:
            self.violate(connection.account, f"{repeated} instruments are subscribed twice")
        self.change(connection, dict.fromkeys(instruments, mode))

    def set_mode(self, connection, instruments, mode):
        subscribed = [instrument for instrument in instruments if instrument in connection.modes]
        if len(subscribed) < len(instruments):
            self.violate(connection.account, f"the mode of {len(instruments) - len(subscribed)} other instruments is changed")
        self.change(connection, dict.fromkeys(subscribed, mode))

    def unsubscribe(self, connection, instruments, mode=None):
        """Unsubscribes instruments. Some brokers require their mode."""
        subscribed = [of for of in instruments if of in connection.modes and mode in (None, connection.modes[of])]
        if len(subscribed) < len(instruments):
            self.violate(connection.account, f"{len(instruments) - len(subscribed)} other instruments are unsubscribed")
        self.change(connection, dict.fromkeys(subscribed))

    def change(self, connection, modes):
        """Applies a message. Assumption: the instruments that exceed a limit are ignored. No document describes it."""
        if len(modes) > self.MESSAGE_MAX:
            self.violate(connection.account, f"{len(modes)} instruments in a message")
        before = {instrument: connection.modes.get(instrument) for instrument in modes}
        for instrument, mode in modes.items():
            connection.set(instrument, mode)
        exceeded = self.exceeded(connection)
        for instrument in reversed(modes):
            if not self.exceeded(connection):
                break
            connection.set(instrument, before[instrument])
        if exceeded:
            self.violate(connection.account, exceeded)

    def exceeded(self, connection):
        """Returns the limit that the subscriptions exceed, if any."""
        if len(connection.modes) > self.INSTRUMENTS_MAX:
            return f"{len(connection.modes)} instruments on a connection"
        return None


def parameter(request, name):
    """Returns a parameter of the URL of a connection."""
    return urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query).get(name, [""])[0]


class Kite(StandIn):
    """The feed of Kite: https://kite.trade/docs/connect/v3/websocket. It refuses a fourth connection."""

    CONNECTIONS_MAX, INSTRUMENTS_MAX = 3, 3000
    # Assumption: no document has a limit. It is the number that clients use.
    MESSAGE_MAX = 200
    PACKETS_PER_MESSAGE = 500
    INDICES = 9
    # The sizes of packets by mode: of an instrument, and of an index.
    BYTES = {"ltp": (8, 8), "quote": (44, 28), "full": (184, 32)}

    @staticmethod
    def account(request):
        return parameter(request, "api_key")

    def handle(self, connection, text):
        message = json.loads(text)
        if message["a"] == "subscribe":
            self.subscribe(connection, message["v"], "quote")
        elif message["a"] == "unsubscribe":
            self.unsubscribe(connection, message["v"])
        elif message["a"] == "mode":
            mode, tokens = message["v"]
            self.set_mode(connection, tokens, mode)

    def packets(self, instruments):
        for start in range(0, len(instruments), self.PACKETS_PER_MESSAGE):
            packets = [self.packet(*instrument) for instrument in instruments[start:start + self.PACKETS_PER_MESSAGE]]
            framed = b"".join(struct.pack(">H", len(packet)) + packet for packet in packets)
            yield struct.pack(">H", len(packets)) + framed

    def packet(self, token, mode):
        """Returns a big-endian packet: the token, the price of 100 rupees, and zeros."""
        return struct.pack(">II", token, 10_000).ljust(self.BYTES[mode][token & 0xFF == self.INDICES], b"\0")


class Dhan(StandIn):
    """The feed of Dhan: https://dhanhq.co/docs/v2/live-market-feed/. It closes the oldest connection if there is one too many."""

    CONNECTIONS_MAX, INSTRUMENTS_MAX, MESSAGE_MAX = 5, 5000, 100
    EXCESS, CLOSES_OLDEST = 805, True
    SEGMENTS = {"IDX_I": 0, "NSE_EQ": 1, "NSE_FNO": 2, "NSE_CURRENCY": 3, "BSE_EQ": 4, "MCX_COMM": 5, "BSE_CURRENCY": 7,
                "BSE_FNO": 8}
    # The modes by the request code that subscribes them. The next code unsubscribes.
    MODES = {15: "ltp", 17: "quote", 21: "full"}
    # The packets by mode: the response code and the format.
    PACKETS = {"ltp": (2, "<BHBIfI"), "quote": (4, "<BHBIfHIfIIIffff"), "full": (8, "<BHBIfHIfIIIIIIffff100s")}

    @staticmethod
    def account(request):
        return parameter(request, "clientId")

    async def serve(self, socket):
        with self.changed:
            connections = self.connections[socket.connection.account]
            oldest = connections.pop(0) if len(connections) > self.CONNECTIONS_MAX else None
            if oldest:
                self.closed[oldest.account].append(oldest)
        if oldest:
            await oldest.socket.send(struct.pack("<BHBIH", 50, 10, 0, 0, self.EXCESS))
            await oldest.socket.close()
        await super().serve(socket)

    def handle(self, connection, text):
        # The SDK ends with a binary message, too.
        message = json.loads(text) if isinstance(text, str) else {}
        instruments = [(self.SEGMENTS[of["ExchangeSegment"]], int(of["SecurityId"])) for of in message.get("InstrumentList", [])]
        code = message.get("RequestCode")
        if code in self.MODES:
            self.subscribe(connection, instruments, self.MODES[code])
        elif code and code - 1 in self.MODES:
            self.unsubscribe(connection, instruments, self.MODES[code - 1])

    def packets(self, instruments):
        """Returns little-endian packets: the header, the price of 100 rupees, and zeros."""
        for (segment, security_id), mode in instruments:
            code, form = self.PACKETS[mode]
            size = struct.calcsize(form)
            yield struct.pack("<BHBIf", code, size, segment, security_id, 100.0).ljust(size, b"\0")


class Angel(StandIn):
    """The feed of Angel One: https://smartapi.angelbroking.com/topic/4391. It refuses a fourth connection (topic 3756)."""

    CONNECTIONS_MAX, INSTRUMENTS_MAX = 3, 1000
    # The number that the SDK uses.
    MESSAGE_MAX = 50
    MODES = {1: "ltp", 2: "quote", 3: "full"}
    # The sizes of packets by mode.
    BYTES = {"ltp": (1, 51), "quote": (2, 123), "full": (3, 379)}

    @staticmethod
    def account(request):
        return request.headers["x-client-code"]

    def handle(self, connection, text):
        message = json.loads(text)
        mode = self.MODES[message["params"]["mode"]]
        instruments = [(of["exchangeType"], token) for of in message["params"]["tokenList"] for token in of["tokens"]]
        if message["action"] == 1:
            self.subscribe(connection, instruments, mode)
        else:
            self.unsubscribe(connection, instruments, mode)

    def packets(self, instruments):
        """Returns little-endian packets: mode, exchange, token, sequence, time, the price of 100 rupees, and zeros."""
        for (exchange_type, token), mode in instruments:
            code, size = self.BYTES[mode]
            yield struct.pack("<BB25sqqq", code, exchange_type, token.encode(), 1, 0, 10_000).ljust(size, b"\0")
