"""Subscribes plans of full capacity through the official SDKs, against stand-ins for the brokers' feeds.

Usage: test_sdks.py BINARY     the program of the service

For each broker it asks for a small plan and for a plan that uses all connections, takes the subscriptions in the form of the SDK,
and checks that every instrument of the plan ticks in its mode. Then it subscribes the same instruments on one connection, and
prints how many are lost.
"""

import contextlib
import json
import logging
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import feeds
import files
import standins

REGISTRY = "/api/v1/internal/instrument-registry"
BASE = REGISTRY + "/subscriptions"
KEY = "key-of-the-sdk-test"
# The bound of each wait. A wait ends with its event.
SECONDS_MAX = 180


class Service:
    """The service, with SQLite in a folder."""

    def __init__(self, binary, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.binary, self.url, self.log = binary, f"http://127.0.0.1:{port}", folder / "log"
        self.environment = {
            "PATH": os.environ["PATH"], "PORT": str(port), "INTERNAL_API_KEY": KEY, "DATA_DIR": str(folder / "data"),
            "LOG_LEVEL": "warn", "INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN": "50000",
            "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT": "120",
        }

    def ingest(self, broker, file):
        command = [self.binary, "ingest", "--broker", broker, "--force", str(file)]
        result = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=SECONDS_MAX)
        assert result.returncode == 0, result.stdout + result.stderr

    @contextlib.contextmanager
    def running(self):
        with open(self.log, "w") as log:
            process = subprocess.Popen([self.binary, "serve"], env=self.environment, stdout=log, stderr=log)
        try:
            self.wait_until_ready(process)
            yield self
        finally:
            process.terminate()
            process.wait(60)

    def wait_until_ready(self, process):
        until = time.monotonic() + SECONDS_MAX
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(self.url + "/ready", timeout=5)
                return
            time.sleep(0.1)
        raise AssertionError("service not ready; its log: " + self.log.read_text())

    def send(self, path, body=None):
        headers = {"X-Internal-API-Key": KEY, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            request = urllib.request.Request(self.url + BASE + path, data, headers)
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as fault:
            raise AssertionError(f"{path}: {fault.code} {fault.read().decode()[:2000]}") from fault

    def plan(self, broker, as_of, items, count):
        """Creates a plan of this number of instruments, and returns its id and its number of connections."""
        answer = self.send("/plan?user_id=sdk-test", {
            "plan_name": "SDKs", "subscription_type": "live_feed", "broker": broker, "mode": "quote", "as_of": as_of,
            "optimization_level": "low", "max_instruments": count, "items": items,
        })
        plan = answer["plan_data"]
        assert len(plan["instruments"]) == count, f"expected {count} instruments, got {len(plan['instruments'])}"
        return answer["plan_id"], len(plan["allocation"]["connections"])

    def expected(self, plan_id, token_of):
        """Returns the mode of each token of a plan."""
        entries = self.send(f"/plans/{plan_id}/subscriptions")["subscriptions"]
        return {token_of(entry["broker_token"]): entry["mode"] for entry in entries}

    def messages(self, plan_id, broker, connection):
        answer = self.send(f"/plans/{plan_id}/subscriptions?connection={connection}&format={broker}")
        assert answer["without_token"] == [], answer["without_token"]
        (of,) = answer["connections"]
        assert of["connection"] == connection, of
        return of["messages"]


@contextlib.contextmanager
def standin(broker):
    """Starts a stand-in, and returns its port."""
    script = pathlib.Path(standins.__file__)
    process = subprocess.Popen([sys.executable, script, broker], stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(60)


def items_in_modes(keys, full, ltp):
    """Returns entries for the first keys in `full`, and for the next ones in `ltp`."""
    in_full = [{"instrument": key, "mode": "full", "pinned": True} for key in keys[:full]]
    return in_full + [{"instrument": key, "mode": "ltp"} for key in keys[full:full + ltp]]


class Kite:
    """How the test subscribes at Kite."""

    broker, capacity, connections, per_connection = "kite", 9000, 3, standins.KITE_INSTRUMENTS_MAX

    token_of = staticmethod(int)
    sample = feeds.KITE
    open = staticmethod(feeds.open_kite)
    close = staticmethod(feeds.close_kite)

    @staticmethod
    def naive(expected):
        """Returns one message for all instruments."""
        in_mode = {mode: [token for token, of in expected.items() if of == mode] for mode in ("full", "ltp")}
        return [{"subscribe": list(expected), "modes": in_mode}]

    @staticmethod
    def set_mode(ticker, token, mode):
        feeds.reactor.callFromThread(ticker.set_mode, mode, [token])

    @staticmethod
    def check_excess(port, tickers, ticks):
        """Checks that one connection too many is refused, and that the others stay."""
        reasons, closed = [], threading.Event()
        feeds.open_kite(port, "full", feeds.Ticks(), [], lambda reason: (reasons.append(str(reason)), closed.set()))
        assert closed.wait(SECONDS_MAX) and "429" in reasons[0], reasons
        assert all(ticker.is_connected() for ticker in tickers)
        print("kite: connection 4 is refused with 429")


class Dhan:
    """How the test subscribes at Dhan."""

    broker, capacity, connections, per_connection = "dhan", 25_000, 5, standins.DHAN_INSTRUMENTS_MAX
    codes = {"ltp": 15, "quote": 17, "full": 21}

    sample = feeds.DHAN
    open = staticmethod(feeds.open_dhan)
    close = staticmethod(feeds.close_dhan)

    @staticmethod
    def token_of(token):
        segment, security_id = token.split("|")
        return standins.DHAN_SEGMENTS[segment], int(security_id)

    @staticmethod
    def naive(expected):
        """Returns one message for all instruments. The SDK cuts it into messages of 100."""
        return [[(segment, str(number), Dhan.codes[mode]) for (segment, number), mode in expected.items()]]

    @staticmethod
    def set_mode(feed, token, mode):
        feed.subscribe_symbols([(token[0], str(token[1]), Dhan.codes[mode])])

    @staticmethod
    def check_excess(port, opened, ticks):
        """Checks that one connection too many closes the oldest one."""
        closed = threading.Event()
        opened[0].on_close = lambda _: closed.set()
        opened.append(feeds.open_dhan(port, "full", ticks, []))
        assert closed.wait(SECONDS_MAX), "connection 1 stays open"
        assert opened[0].closed_with[:1] == [standins.DHAN_TOO_MANY_CONNECTIONS], opened[0].closed_with
        print(f"dhan: connection 6 closes connection 1 with {opened[0].closed_with[0]}")


def check_all_tick(service, broker, port, plan_id, connections, key):
    """Subscribes a plan, waits until every instrument ticks in its mode, and returns the open connections."""
    expected, ticks = service.expected(plan_id, broker.token_of), feeds.Ticks()
    opened = []
    for number in range(1, connections + 1):
        messages = broker.sample["subscriptions"](service.url + REGISTRY, KEY, plan_id, number)
        assert messages == service.messages(plan_id, broker.broker, number)
        opened.append(broker.open(port, key, ticks, messages))
    ticked = ticks.wait_for(lambda modes: modes == expected, SECONDS_MAX)
    missing = [token for token in expected if token not in ticked]
    others = [token for token, mode in ticked.items() if expected.get(token) != mode]
    assert ticked == expected, f"{len(missing)} never tick: {missing[:5]}; {len(others)} in another mode: {others[:5]}"
    print(f"{broker.broker}: {len(ticked)} of {len(expected)} instruments tick in their modes on {connections} connection(s)")
    return opened, ticks, expected


def check_naive(broker, port, expected):
    """Subscribes all instruments on one connection, and checks the number of those that never tick."""
    ticks = feeds.Ticks()
    opened = broker.open(port, "naive", ticks, broker.naive(expected))
    ticked = ticks.wait_for(lambda modes: len(modes) >= broker.per_connection, SECONDS_MAX)
    assert len(ticked) >= broker.per_connection, f"only {len(ticked)} tick"
    # The stand-in handles messages in order: when this change of a mode is visible, all earlier messages were handled.
    token, mode = next(iter(ticked.items()))
    other = "ltp" if mode != "ltp" else "full"
    broker.set_mode(opened, token, other)
    ticked = ticks.wait_for(lambda modes: modes[token] == other, SECONDS_MAX)
    assert ticked[token] == other, "the last message was not handled"
    broker.close([opened])
    lost = len(expected.keys() - ticked.keys())
    assert lost == broker.capacity - broker.per_connection, lost
    print(f"{broker.broker}: {lost} of {len(expected)} instruments are lost if all are subscribed on one connection")


def check(service, broker, as_of, keys):
    small = items_in_modes(keys, 10, 10) + [{"instrument": key} for key in keys[20:40]]
    # A selector selects at most 5,000 instruments, so the contracts are named, as many as a request may name.
    others = [{"instrument": key} for key in keys[500:19_000]]
    others += [{"selector": {"exchanges": [exchange]}} for exchange in ("BFO", "NSE")]
    with standin(broker.broker) as port:
        plan_id, connections = service.plan(broker.broker, as_of, small, 40)
        assert connections == 1, connections
        opened, _, expected = check_all_tick(service, broker, port, plan_id, connections, "small")
        assert sorted(expected.values()) == ["full"] * 10 + ["ltp"] * 10 + ["quote"] * 20
        broker.close(opened)

        items = items_in_modes(keys, 300, 200) + others
        plan_id, connections = service.plan(broker.broker, as_of, items, broker.capacity)
        assert connections == broker.connections, connections
        opened, ticks, expected = check_all_tick(service, broker, port, plan_id, connections, "full")
        assert len(expected) == broker.capacity, len(expected)
        assert list(expected.values()).count("full") == 300 and list(expected.values()).count("ltp") == 200
        broker.check_excess(port, opened, ticks)
        broker.close(opened)
        check_naive(broker, port, expected)


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    kite, dhan = files.newest("kite_nfo"), files.newest("dhan_compact")
    if not kite or not dhan:
        missing = f"no files of Kite and Dhan in {files.SHARED}; set REGISTRY_SHARED"
        if os.environ.get("REGISTRY_TEST_STRICT"):
            sys.exit(f"FAILED: {missing}")
        print(f"skipped: {missing}")
        return
    # The SDKs log each end of a connection as an error.
    logging.disable(logging.CRITICAL)
    as_of = kite.name.split(".")[0].rsplit("_", 1)[-1]
    contracts = [f"{row['exchange']}:{row['tradingsymbol']}" for row in files.rows_of(kite)]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        service = Service(binary, folder)
        completed = folder / f"dhan_{as_of}.csv.gz"
        completed.write_bytes(files.complete_dhan_file(dhan, kite))
        service.ingest("kite", kite)
        service.ingest("dhan", completed)
        with service.running():
            check(service, Kite, as_of, contracts)
            feeds.stop_kite()
            check(service, Dhan, as_of, contracts)
    print("ok")


if __name__ == "__main__":
    main()
