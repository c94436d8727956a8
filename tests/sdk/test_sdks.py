"""Subscribes plans of full capacity through the official SDKs, against stand-ins for the brokers' feeds.

Usage: test_sdks.py BINARY [BROKER...]     the program of the service, and the brokers (default: all)

For each broker, the test runs the example of docs/sdk. With the feed of the Python client, it subscribes a small plan and a
plan that uses the whole capacity of an account. Then it changes one in 20 entries of the plan, balances the connections
again, and drops one of them. If modes have limits, it changes between one mode and all modes. After each step it checks
that exactly the instruments of the plan tick, in their modes, and that no limit was exceeded. At the end it subscribes the
same instruments on one connection, and prints how many of them never tick.
"""

import collections
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

from instrument_registry import Client, Retries
from instrument_registry.generated.models import BatchAction, ScheduledBatch

import feeds
import files
import standins
import upstox

REGISTRY = "/api/v1/internal/instrument-registry"
USER = "sdk-test"
KEY = "key-of-the-sdk-test"
# The bound of each wait. A wait ends with its event.
SECONDS_MAX = 180
BROKERS = {
    "kite": (feeds.Kite, standins.Kite), "upstox": (feeds.Upstox, upstox.Upstox),
    "dhan": (feeds.Dhan, standins.Dhan), "angel": (feeds.Angel, standins.Angel),
}


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

    def send(self, path, method="GET"):
        try:
            request = urllib.request.Request(self.url + path, headers={"X-Internal-API-Key": KEY}, method=method)
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as fault:
            raise AssertionError(f"{path}: {fault.code} {fault.read().decode()[:2000]}") from fault

    def limits(self, broker):
        return self.send(REGISTRY + f"/brokers/{broker}/limits")["limits"]

    def expected(self, plan_id, token_of):
        """Returns the mode of each instrument of each connection of a plan."""
        modes = collections.defaultdict(dict)
        for entry in self.send(REGISTRY + f"/subscriptions/plans/{plan_id}/subscriptions")["subscriptions"]:
            modes[entry["connection"]][token_of(entry)] = entry["mode"]
        return dict(modes)


class Case:
    """The subscriptions of a broker: its SDK, its stand-in, and the plans."""

    def __init__(self, service, sdk, standin, as_of, keys):
        self.service, self.sdk, self.standin, self.as_of, self.keys = service, sdk, standin, as_of, keys
        self.limits = service.limits(sdk.broker)
        self.connections = self.limits["connections"]["value"]
        retries = Retries(deadline=SECONDS_MAX)
        self.registry = Client(service.url, KEY, user_id=USER, timeout=SECONDS_MAX, retries=retries)

    def request(self, items, count):
        return {
            "plan_name": "SDKs", "subscription_type": "live_feed", "broker": self.sdk.broker, "mode": "quote",
            "as_of": self.as_of, "optimization_level": "low", "max_instruments": count, "items": items,
        }

    def capacity(self):
        """Returns the largest number of instruments of an account, in each mode if there are limits of modes."""
        per_connection = self.limits.get("instruments_per_connection")
        if per_connection:
            full, ltp = 300, 200
            return {"full": full, "ltp": ltp, "quote": self.connections * per_connection["value"] - full - ltp}
        return {mode: of["mixed"]["value"] for mode, of in self.limits["modes"].items()}

    def feed(self, account):
        ticks = feeds.Ticks()
        return self.sdk.feed(self.registry, account, ticks), ticks

    def check_example(self):
        """Runs the code of the document."""
        account = "example"
        names = {"registry_key": KEY, "api_key": account, "client_id": account, "client_code": account}
        names |= {"auth_token": "token", "feed_token": "token", "access_token": self.sdk.ACCESS_TOKEN or account}
        exec(feeds.example(self.sdk.broker, self.service.url, self.keys), names)
        feed = names["feed"]
        (modes,) = self.service.expected(feed.plan_id, self.sdk.token).values()
        expected = {frozenset(modes.items())}
        assert len(modes) == 2, modes
        reached = self.standin.wait_for(lambda: self.standin.modes(account) == expected, SECONDS_MAX)
        assert reached, f"example: expected {expected}, got {self.standin.modes(account)}"
        print(f"{self.sdk.broker}: example: {len(modes)} instruments", flush=True)
        self.check_closed(feed, account)
        names["registry"].close()

    def check_plan(self, account, items, count):
        """Subscribes a plan. Returns the feed, its ticks and the modes."""
        feed, ticks = self.feed(account)
        feed.subscribe(self.request(items, sum(count.values())))
        expected = self.check_subscribed(account, feed.plan_id, ticks, "schedule", 1)
        assert dict(collections.Counter(expected.values())) == count, collections.Counter(expected.values())
        return feed, ticks, expected

    def check_subscribed(self, account, plan_id, ticks, step, schedules=0):
        """Waits until this number of schedules is sent and the instruments of a plan are subscribed, and checks that exactly they
        tick. Returns their modes."""
        sent = self.sdk.wait_for_sent(schedules, SECONDS_MAX)
        assert sent, f"{step}: expected {schedules} schedules, got {self.sdk.sent}"
        connections = self.service.expected(plan_id, self.sdk.token).values()
        expected = {token: mode for modes in connections for token, mode in modes.items()}
        subscribed = {frozenset(modes.items()) for modes in connections}
        reached = self.standin.wait_for(lambda: self.standin.modes(account) == subscribed, SECONDS_MAX)
        assert self.standin.violations[account] == [], self.standin.violations[account][:5]
        expected_counts = [len(modes) for modes in connections]
        assert reached, f"{step}: expected {expected_counts} instruments on the connections, got {self.standin.counts(account)}"
        ticks.clear()
        count = self.standin.tick(account)
        assert ticks.wait_for(count, SECONDS_MAX), f"expected {count} ticks, got {ticks.count}"
        assert ticks.modes == expected, "other instruments or modes tick"
        print(f"{self.sdk.broker}: {step}: {len(ticks.modes)} of {len(expected)} instruments tick in their modes on "
              f"{len(connections)} connection(s)", flush=True)
        return expected

    @staticmethod
    def send(feed, messages):
        """Sends messages that subscribe instruments on connection 1."""
        feed.send([ScheduledBatch(BatchAction.SUBSCRIBE, 0, [], [], connection=1, messages=messages)])

    def check_messages(self, plan_id):
        """Subscribes a plan of one connection with the messages of its subscriptions."""
        account = "messages"
        (connection,) = self.registry.messages(plan_id, self.sdk.broker)
        feed, ticks = self.feed(account)
        feed.connect(1)
        self.send(feed, connection.messages)
        self.check_subscribed(account, plan_id, ticks, "messages")
        self.check_closed(feed, account)

    def check_change(self, feed, account, ticks, items, count, expected, schedules=2):
        """Applies the schedule to another plan, and checks the difference to the one before."""
        previous = feed.plan_id
        feed.subscribe(self.request(items, sum(count.values())))
        self.check_difference(feed, account, ticks, previous, expected, "change", schedules)

    def check_limits_of_modes(self):
        """Changes between as many instruments as the lowest mode alone allows and those that all modes together allow."""
        account, together = "modes", self.capacity()
        mode, count = max(((mode, of["alone"]["value"]) for mode, of in self.limits["modes"].items()), key=lambda of: of[1])
        alone = items_of(self.keys, {mode: count})
        mixed = items_of(self.keys, together)
        feed, ticks, _ = self.check_plan(account, alone, {mode: count})
        changes = sum(item["mode"] != mode for item in mixed[:count])
        added = len(mixed) - count
        expected = {"subscribe": added, "unsubscribe": 0, "change_mode": changes, "move": 0}
        self.check_change(feed, account, ticks, mixed, together, expected)
        back = expected | {"subscribe": 0, "unsubscribe": added}
        self.check_change(feed, account, ticks, alone, {mode: count}, back, 3)
        self.check_closed(feed, account)

    def check_rebalance(self, feed, account, ticks):
        """Applies the schedule to a plan of the same instruments with balanced connections."""
        previous = feed.plan_id
        answer = self.registry.rebalance(previous)
        feed.apply(answer.plan_id)
        expected = {"subscribe": 0, "unsubscribe": 0, "change_mode": 0, "move": len(answer.moves)}
        self.check_difference(feed, account, ticks, previous, expected, "rebalance", 3)

    def check_difference(self, feed, account, ticks, previous, expected, step, schedules):
        """Checks the subscriptions after a schedule from another plan, and the difference of the plans."""
        self.check_subscribed(account, feed.plan_id, ticks, step, schedules)
        plans = [self.service.expected(plan_id, self.sdk.token) for plan_id in (previous, feed.plan_id)]
        assert difference_of(*plans) == expected, f"expected {expected}, got {difference_of(*plans)}"
        counts = self.service.send(REGISTRY + f"/subscriptions/plans/{feed.plan_id}/diff?from={previous}")["counts"]
        assert counts == expected, f"expected {expected}, got {counts}"
        print(f"{self.sdk.broker}: {step}: {', '.join(f'{count} {action}' for action, count in counts.items())}", flush=True)

    def check_reconnect(self, feed, account, ticks):
        """Drops the last connection, and checks that the SDK opens it and subscribes its instruments again."""
        dropped = self.standin.connections[account][-1]
        self.standin.drop(dropped)
        gone = self.standin.wait_for(lambda: dropped not in self.standin.connections[account], SECONDS_MAX)
        assert gone, "the connection is still open"
        self.check_subscribed(account, feed.plan_id, ticks, "reconnect", 4)

    def check_closed(self, feed, account):
        """Closes the connections, and checks that no message before that exceeds a limit."""
        feed.close()
        closed = self.standin.wait_for(lambda: not self.standin.connections[account], SECONDS_MAX)
        assert closed, f"{len(self.standin.connections[account])} connections stay open"
        assert self.standin.violations[account] == [], self.standin.violations[account][:5]

    def check_naive(self, expected):
        """Subscribes all instruments in one mode on one connection, and checks the number of those that never tick."""
        account = "naive"
        feed, ticks = self.feed(account)
        feed.connect(1)
        self.send(feed, [self.sdk.naive(list(expected))])
        received = self.standin.wait_for(lambda: self.standin.received[account] == len(expected), SECONDS_MAX)
        assert received, f"expected {len(expected)} instruments in messages, got {self.standin.received[account]}"
        assert ticks.wait_for(self.standin.tick(account), SECONDS_MAX)
        feed.close()
        per_connection = self.limits.get("instruments_per_connection", self.limits["modes"]["full"].get("alone"))
        lost = len(expected.keys() - ticks.modes.keys())
        assert lost == len(expected) - per_connection["value"], lost
        print(f"{self.sdk.broker}: {lost} of {len(expected)} instruments are lost if all are subscribed on one connection")

    def check_excess(self):
        """Checks the effect of one connection too many."""
        account = "excess"
        feed, _ = self.feed(account)
        for number in range(1, self.connections + 1):
            feed.connect(number)
        before = list(self.standin.connections[account])
        # `connect` waits until the connection is open, or this thread ends with the test.
        feed.open_seconds = SECONDS_MAX * len(BROKERS)
        threading.Thread(target=feed.connect, args=[self.connections + 1], daemon=True).start()
        assert self.sdk.wait_for_error(str(self.standin.EXCESS), SECONDS_MAX), self.sdk.errors
        if self.limits["on_excess"]["value"] == "closes_oldest":
            assert self.standin.closed[account][0] is before[0], "another connection than the oldest one is closed"
            effect = "closes connection 1"
        else:
            stay = all(connection in self.standin.connections[account] for connection in before)
            assert stay, "another connection is closed"
            effect = "is refused"
        feed.close()
        print(f"{self.sdk.broker}: connection {self.connections + 1} {effect} with {self.standin.EXCESS}")


def items_of(keys, count):
    """Returns an entry for each key, with as many keys of each mode."""
    modes = [mode for mode, number in count.items() for _ in range(number)]
    return [{"instrument": key, "mode": mode} for key, mode in zip(keys, modes)]


def changed(items, keys):
    """Returns the entries with one in 20 changed, and the expected difference: some have the mode of another entry, and the others
    name another of these keys."""
    of_mode = collections.defaultdict(list)
    for position, item in enumerate(items):
        of_mode[item.get("mode")].append(position)
    named = sorted(of_mode.keys() - {None}, key=lambda mode: len(of_mode[mode]))
    few, many = of_mode[named[0]], of_mode[named[-1]]
    items, pairs = list(items), min(len(items) // 80, len(few) // 2)
    for one, other in zip(few[:pairs], many):
        items[one], items[other] = items[one] | {"mode": named[-1]}, items[other] | {"mode": named[0]}
    replaced = len(items) // 20 - 2 * pairs
    for position, key in zip(many[pairs:pairs + replaced], keys):
        items[position] = items[position] | {"instrument": key}
    return items, {"subscribe": replaced, "unsubscribe": replaced, "change_mode": 2 * pairs, "move": 0}


def difference_of(before, after):
    """Returns the number of actions of each kind that lead from the subscriptions of one plan to those of another."""
    before, after = ({token: (number, mode) for number, modes in plan.items() for token, mode in modes.items()}
                     for plan in (before, after))
    both = [(before[token], after[token]) for token in before.keys() & after.keys()]
    return {
        "subscribe": len(after.keys() - before.keys()),
        "unsubscribe": len(before.keys() - after.keys()),
        "change_mode": sum(one[0] == other[0] and one[1] != other[1] for one, other in both),
        "move": sum(one[0] != other[0] for one, other in both),
    }


def check(case):
    # Upstox has no mode `quote`, and sends `full` instead.
    has_quote = "quote" in case.limits["modes"]
    small = {"full": 10, "ltp": 10, "quote": 20}
    case.check_example()
    feed, _, _ = case.check_plan("small", items_of(case.keys, small), small if has_quote else {"full": 30, "ltp": 10})
    case.check_messages(feed.plan_id)
    case.check_closed(feed, "small")

    capacity = case.capacity()
    items = items_of(case.keys[:19_000], capacity)
    if len(items) < sum(capacity.values()):
        # A request names at most 20,000 instruments, and a selector selects at most 5,000.
        items += [{"selector": {"exchanges": [exchange]}} for exchange in ("BFO", "NSE")]
    feed, ticks, expected = case.check_plan("full", items, capacity)
    items, difference = changed(items, case.keys[19_000:])
    case.check_change(feed, "full", ticks, items, capacity, difference)
    case.check_rebalance(feed, "full", ticks)
    case.check_reconnect(feed, "full", ticks)
    case.check_closed(feed, "full")
    if all("alone" in of for of in case.limits["modes"].values()):
        case.check_limits_of_modes()
    case.check_naive(expected)
    case.check_excess()


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
    keys = [f"{row['exchange']}:{row['tradingsymbol']}" for row in files.rows_of(kite)]
    others = {
        "dhan": files.complete_dhan_file(dhan, kite), "upstox": files.upstox_file(kite), "angel": files.angel_file(kite),
    }
    with tempfile.TemporaryDirectory() as folder, upstox.Proxy().running() as proxy:
        # Angel One's SDK asks an external address for its own when it is imported, and writes logs in this folder.
        os.environ.update(https_proxy=f"http://127.0.0.1:{proxy.port}", no_proxy="127.0.0.1")
        os.chdir(folder)
        folder = pathlib.Path(folder)
        service = Service(binary, folder)
        service.ingest("kite", kite)
        for broker, content in others.items():
            file = folder / f"{broker}_{as_of}.gz"
            file.write_bytes(content)
            service.ingest(broker, file)
        brokers = [name for name in BROKERS if name in (sys.argv[2:] or BROKERS)]
        with service.running():
            for sdk, standin in (BROKERS[name] for name in brokers):
                with standin().running() as server:
                    proxy.ports[upstox.ADDRESS] = server.port
                    check(Case(service, sdk(server.address), server, as_of, keys))
            feeds.stop_reactor()
    print("ok")


if __name__ == "__main__":
    main()
