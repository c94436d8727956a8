"""A stand-in for the feed of Upstox, and the proxy through which its SDK reaches it: the SDK has a literal address."""

import asyncio
import datetime
import json
import pathlib
import ssl
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from upstox_client.feeder.proto import MarketDataFeedV3_pb2 as proto

import standins

HOST = "api.upstox.com"
ADDRESS = f"{HOST}:443"


class Upstox(standins.StandIn):
    """The feed of Upstox, with TLS: https://upstox.com/developer/api-documentation/v3/get-market-data-feed."""

    CONNECTIONS_MAX = 1
    # Assumption: no document has a limit of a message. It is that of a request for quotes.
    MESSAGE_MAX = 500
    # Assumption: the document does not describe the response to a second connection.
    EXCESS = 403
    MODES = {"ltpc": "ltp", "option_greeks": "greeks", "full": "full"}
    # The number of instruments of an account in a mode: if all have it, and if there are others.
    MODES_MAX = {"ltp": (5000, 2000), "greeks": (3000, 2000), "full": (2000, 1500)}
    PACKETS_PER_MESSAGE = 500

    @staticmethod
    def account(request):
        return request.headers["Authorization"].removeprefix("Bearer ")

    async def listen(self):
        return await super().listen(ssl=self_signed())

    def handle(self, connection, content):
        message = json.loads(content)
        keys = message["data"]["instrumentKeys"]
        if message["method"] == "unsub":
            self.unsubscribe(connection, keys)
            return
        change = {"sub": self.subscribe, "change_mode": self.set_mode}[message["method"]]
        change(connection, keys, self.MODES[message["data"]["mode"]])

    def exceeded(self, connection):
        counts = {mode: 0 for mode in self.MODES_MAX}
        for of in self.connections[connection.account]:
            for mode, count in of.counts.items():
                counts[mode] += count
        is_mixed = sum(count > 0 for count in counts.values()) > 1
        for mode, count in counts.items():
            if count > self.MODES_MAX[mode][is_mixed]:
                return f"{count} instruments in {mode}, {'mixed' if is_mixed else 'alone'}"
        return None

    def packets(self, instruments):
        for start in range(0, len(instruments), self.PACKETS_PER_MESSAGE):
            response = proto.FeedResponse(type=proto.live_feed)
            for key, mode in instruments[start:start + self.PACKETS_PER_MESSAGE]:
                feed = response.feeds[key]
                of_mode = {"ltp": feed.ltpc, "greeks": feed.firstLevelWithGreeks.ltpc, "full": feed.fullFeed.marketFF.ltpc}
                of_mode[mode].ltp = 100.0
            yield response.SerializeToString()


def self_signed():
    """Returns a TLS context with a certificate of its own. The SDK does not check it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.timezone.utc)
    number, end = x509.random_serial_number(), now + datetime.timedelta(1)
    unsigned = x509.CertificateBuilder(name, name, key.public_key(), number, now, end)
    certificate = unsigned.sign(key, hashes.SHA256())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "certificate"
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(private + certificate.public_bytes(pem))
        context.load_cert_chain(file)
    return context


class Proxy(standins.Server):
    """An HTTP proxy. It connects a client to the port of a host that it knows, and answers 403 for all others."""

    def __init__(self):
        # The ports by host and port.
        self.ports = {}

    async def listen(self):
        return await asyncio.start_server(self.serve, "127.0.0.1", 0)

    async def serve(self, reader, writer):
        try:
            method, target, _ = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
            port = self.ports.get(target.decode()) if method == b"CONNECT" else None
            if port is None:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
                return
            there = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(relay(reader, there[1]), relay(there[0], writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def relay(reader, writer):
    """Copies bytes until one side ends, and then ends the other."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
