"""Stand-ins for the feeds of Kite and Dhan, with their limits. Each prints its port and serves one broker until it is killed.

Usage: standins.py kite|dhan

A stand-in sends one packet for an instrument whenever a message subscribes it or changes its mode. A client therefore sees the
current mode of an instrument in its last packet.
"""

import asyncio
import json
import struct
import sys
import urllib.parse

import websockets

# Kite: https://kite.trade/docs/connect/v3/websocket
KITE_CONNECTIONS_MAX = 3
KITE_INSTRUMENTS_MAX = 3000
KITE_PACKETS_PER_MESSAGE = 500
KITE_INDICES = 9
# The sizes of packets by mode: of an instrument, and of an index.
KITE_BYTES = {"ltp": (8, 8), "quote": (44, 28), "full": (184, 32)}

# Dhan: https://dhanhq.co/docs/v2/live-market-feed/
DHAN_CONNECTIONS_MAX = 5
DHAN_INSTRUMENTS_MAX = 5000
DHAN_INSTRUMENTS_PER_MESSAGE = 100
DHAN_SEGMENTS = {"IDX_I": 0, "NSE_EQ": 1, "NSE_FNO": 2, "NSE_CURRENCY": 3, "BSE_EQ": 4, "MCX_COMM": 5, "BSE_CURRENCY": 7,
                 "BSE_FNO": 8}
DHAN_TOO_MANY_CONNECTIONS = 805


def parameter(path, name):
    """Returns a parameter of the URL of a connection."""
    return urllib.parse.parse_qs(urllib.parse.urlsplit(path).query).get(name, [""])[0]


class Kite:
    """The feed of Kite. It refuses one connection too many of an API key."""

    def __init__(self):
        self.connections = {}

    def admit(self, connection, request):
        """Counts a connection, or answers it with 429."""
        key = parameter(request.path, "api_key")
        if self.connections.get(key, 0) >= KITE_CONNECTIONS_MAX:
            return connection.respond(429, "too many connections\n")
        self.connections[key] = self.connections.get(key, 0) + 1
        return None

    async def serve(self, connection):
        modes, count = {}, 0
        try:
            async for text in connection:
                message = json.loads(text)
                action, value = message["a"], message["v"]
                if action == "subscribe":
                    # Repeated tokens count again.
                    # Assumption: tokens beyond the limit are ignored. No document describes it.
                    accepted = value[:max(0, KITE_INSTRUMENTS_MAX - count)]
                    count += len(accepted)
                    for token in accepted:
                        modes[token] = "quote"
                elif action == "unsubscribe":
                    accepted = []
                    for token in value:
                        count -= modes.pop(token, None) is not None
                elif action == "mode":
                    mode, tokens = value
                    # A mode has no effect before the subscription.
                    accepted = [token for token in tokens if token in modes]
                    for token in accepted:
                        modes[token] = mode
                await self.tick(connection, [(token, modes[token]) for token in dict.fromkeys(accepted)])
        finally:
            self.connections[parameter(connection.request.path, "api_key")] -= 1

    @staticmethod
    async def tick(connection, instruments):
        for start in range(0, len(instruments), KITE_PACKETS_PER_MESSAGE):
            packets = [kite_packet(token, mode) for token, mode in instruments[start:start + KITE_PACKETS_PER_MESSAGE]]
            framed = b"".join(struct.pack(">H", len(packet)) + packet for packet in packets)
            await connection.send(struct.pack(">H", len(packets)) + framed)


def kite_packet(token, mode):
    """Returns a big-endian packet: the token, the price of 100 rupees, and zeros."""
    size = KITE_BYTES[mode][token & 0xFF == KITE_INDICES]
    return struct.pack(">II", token, 10_000).ljust(size, b"\0")


class Dhan:
    """The feed of Dhan. It closes the oldest connection of a client if there is one too many."""

    def __init__(self):
        self.connections = {}

    def admit(self, connection, request):
        return None

    async def serve(self, connection):
        client = parameter(connection.request.path, "clientId")
        connections = self.connections.setdefault(client, [])
        connections.append(connection)
        if len(connections) > DHAN_CONNECTIONS_MAX:
            oldest = connections.pop(0)
            await oldest.send(struct.pack("<BHBIH", 50, 10, 0, 0, DHAN_TOO_MANY_CONNECTIONS))
            await oldest.close()
        modes = {}
        try:
            async for text in connection:
                # The SDK ends with a binary message, too.
                message = json.loads(text) if isinstance(text, str) else {}
                if message.get("RequestCode") in DHAN_PACKETS:
                    await self.subscribe(connection, message, modes)
        finally:
            if connection in connections:
                connections.remove(connection)

    @staticmethod
    async def subscribe(connection, message, modes):
        # Assumption: instruments beyond the limits are ignored. No document describes it.
        for of in message["InstrumentList"][:DHAN_INSTRUMENTS_PER_MESSAGE]:
            instrument = DHAN_SEGMENTS[of["ExchangeSegment"]], int(of["SecurityId"])
            if instrument not in modes and len(modes) >= DHAN_INSTRUMENTS_MAX:
                continue
            modes[instrument] = message["RequestCode"]
            await connection.send(dhan_packet(*instrument, message["RequestCode"]))


# The packets by request code: the response code and the format.
DHAN_PACKETS = {15: (2, "<BHBIfI"), 17: (4, "<BHBIfHIfIIIffff"), 21: (8, "<BHBIfHIfIIIIIIffff100s")}


def dhan_packet(segment, security_id, request_code):
    """Returns a little-endian packet: the header, the price of 100 rupees, and zeros."""
    code, form = DHAN_PACKETS[request_code]
    size = struct.calcsize(form)
    return struct.pack("<BHBIf", code, size, segment, security_id, 100.0).ljust(size, b"\0")


async def main():
    feed = {"kite": Kite, "dhan": Dhan}[sys.argv[1]]()
    server = await websockets.serve(feed.serve, "127.0.0.1", 0, process_request=feed.admit, max_size=None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
