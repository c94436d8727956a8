"""The feeds against the service, with an SDK that only records its calls. `make sdk-test` uses the real SDKs."""

import importlib
import sys
import types

import pytest
from conftest import KEY

from instrument_registry import AsyncClient, Client, NotFound, Retries, Unavailable
from instrument_registry.generated.models import Broker, Mode, PlanOfInstruments, ScheduledBatch, SubscriptionType


class Reactor:
    running = True

    @staticmethod
    def callFromThread(function, *arguments, **options):
        function(*arguments, **options)


class Ticker:
    """A `KiteTicker` that opens at once."""

    def __init__(self, *account):
        self.account, self.calls, self.subscribed_tokens = account, [], {}

    def connect(self, threaded):
        self.on_open(self)

    def subscribe(self, tokens):
        self.calls.append(("subscribe", tokens))

    def unsubscribe(self, tokens):
        self.calls.append(("unsubscribe", tokens))

    def set_mode(self, mode, tokens):
        self.calls.append((mode, tokens))

    def close(self):
        self.calls.append("close")


@pytest.fixture
def kite(monkeypatch):
    """The module for Kite, with this SDK."""
    for name, content in (("kiteconnect", {"KiteTicker": Ticker}), ("twisted.internet", {"reactor": Reactor})):
        module = types.ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "instrument_registry.sdk.kite", raising=False)
    return importlib.import_module("instrument_registry.sdk.kite")


@pytest.fixture
def feed(kite, proxy, user):
    with proxy.running() as url, Client(url, KEY, user_id=user, retries=Retries(attempts=1)) as registry:
        yield kite.Feed(registry, "key", "token", print)


TCS, INFY, RELIANCE = 2953217, 408065, 738561


def test_a_plan_is_subscribed(feed, at_kite):
    feed.subscribe(at_kite)
    (ticker,) = feed.connections.values()
    assert ticker.account == ("key", "token")
    assert ticker.calls == [("subscribe", [INFY, TCS]), ("full", [INFY, TCS])]


def test_only_the_difference_to_the_last_plan_is_sent(feed, at_kite):
    feed.subscribe(at_kite)
    (ticker,) = feed.connections.values()
    ticker.calls.clear()
    feed.subscribe(at_kite | {"instruments": ["NSE:TCS", "NSE:RELIANCE"]})
    assert ticker.calls == [("subscribe", [RELIANCE]), ("full", [RELIANCE]), ("unsubscribe", [INFY])]
    assert list(feed.connections.values()) == [ticker]


def test_a_failed_schedule_leaves_the_last_plan(feed, proxy, at_kite):
    first = feed.subscribe(at_kite).plan_id
    (ticker,) = feed.connections.values()
    ticker.calls.clear()
    proxy.effects = ["pass", "refuse"]
    changed = at_kite | {"instruments": ["NSE:TCS", "NSE:RELIANCE"]}
    with pytest.raises(Unavailable):
        feed.subscribe(changed)
    assert feed.plan_id == first
    assert ticker.calls == []
    feed.subscribe(changed)
    assert ticker.calls == [("subscribe", [RELIANCE]), ("full", [RELIANCE]), ("unsubscribe", [INFY])]


def test_a_failure_of_the_sdk_closes_the_feed(feed, at_kite, monkeypatch):
    feed.subscribe(at_kite)
    (ticker,) = feed.connections.values()
    with monkeypatch.context() as broken:
        broken.delattr(Ticker, "set_mode")
        with pytest.raises(AttributeError):
            feed.subscribe(at_kite | {"instruments": ["NSE:TCS", "NSE:RELIANCE"]})
    assert ticker.calls[-1] == "close"
    assert feed.plan_id is None
    feed.subscribe(at_kite)
    assert feed.connections[1].calls == [("subscribe", [INFY, TCS]), ("full", [INFY, TCS])]


@pytest.mark.parametrize(
    ("connect", "cause"),
    [
        (lambda ticker, threaded: None, "the SDK reported no cause"),
        (lambda ticker, threaded: ticker.on_error(ticker, 1006, "403 Forbidden"), "1006 403 Forbidden"),
    ],
    ids=["silent", "forbidden"],
)
def test_a_connection_that_does_not_open_leaves_the_last_plan(feed, at_kite, monkeypatch, connect, cause):
    feed.open_seconds = 0.01
    monkeypatch.setattr(Ticker, "connect", connect)
    with pytest.raises(TimeoutError, match=f"connection 1 did not open within 0 s: {cause}"):
        feed.subscribe(at_kite)
    assert feed.plan_id is None
    assert feed.connections == {}


def test_a_connection_is_restored_when_the_service_is_back(feed, proxy, at_kite):
    feed.subscribe(at_kite)
    (ticker,) = feed.connections.values()
    ticker.calls.clear()
    proxy.effects = ["refuse", "lose"]
    feed.restore(1)
    assert ticker.calls == [("subscribe", [INFY, TCS]), ("full", [INFY, TCS])]


def test_a_connection_that_opens_again_is_restored(feed, at_kite, monkeypatch):
    restored = []
    monkeypatch.setattr(feed, "restore", restored.append)
    monkeypatch.setattr("instrument_registry.sdk.feed.Thread", Now)
    feed.subscribe(at_kite)
    assert restored == []
    feed.connections[1].on_open(None)
    assert restored == [1]


def test_rejected_keys_are_logged(feed, at_kite, caplog):
    unknown = [f"NSE:BOGUS{number}" for number in range(7)]
    plan_id = feed.subscribe(at_kite | {"instruments": [*unknown, "NSE:TCS", "NSE:TCS"]}).plan_id
    (record,) = [record for record in caplog.records if record.name == "instrument_registry.sdk.feed"]
    assert record.levelname == "WARNING"
    assert record.message.startswith(f"plan {plan_id}: rejected keys (7): NSE:BOGUS0 (unknown), NSE:BOGUS1 (unknown), ")
    assert record.message.endswith("NSE:BOGUS4 (unknown), ...")


def test_a_duplicate_is_not_logged(feed, at_kite, caplog):
    assert len(feed.subscribe(at_kite).plan_data.rejected) == 1
    assert [record for record in caplog.records if record.name == "instrument_registry.sdk.feed"] == []


def test_an_empty_plan_leaves_the_last_plan(feed, at_kite):
    first = feed.subscribe(at_kite).plan_id
    (ticker,) = feed.connections.values()
    ticker.calls.clear()
    with pytest.raises(ValueError, match=r"the plan has no instruments; rejected keys \(1\): NSE:BOGUS \(unknown\)"):
        feed.subscribe(at_kite | {"instruments": ["NSE:BOGUS"]})
    assert feed.plan_id == first
    assert ticker.calls == []


def test_an_empty_plan_can_be_allowed(kite, feed, at_kite):
    feed = kite.Feed(feed.registry, "key", "token", print, allow_empty=True)
    feed.subscribe(at_kite)
    feed.subscribe(at_kite | {"instruments": ["NSE:BOGUS"]})
    assert feed.connections == {}


def test_a_request_for_another_broker_creates_no_plan(feed, request_body, at_kite):
    for request in (request_body, at_kite | {"broker": "upstox"}):
        with pytest.raises(ValueError, match='expected `"broker": "kite"` in the request, got'):
            feed.subscribe(request)
    assert feed.registry.plans().plans == []


def test_a_feed_requires_the_synchronous_client(kite):
    with pytest.raises(TypeError, match="expected a `Client`, got <instrument_registry.async_client.AsyncClient"):
        kite.Feed(AsyncClient("http://service", "key"), "key", "token", print)


def test_a_request_of_a_feed_can_be_a_model(feed, at_kite):
    body = PlanOfInstruments(["NSE:TCS"], "Test", SubscriptionType.LIVE_FEED, broker=Broker.KITE, mode=Mode.FULL)
    assert feed.subscribe(body).plan_data.instruments == ["NSE:TCS"]


class Now:
    """A thread whose target runs when it starts."""

    def __init__(self, target, args, daemon):
        self.start = lambda: target(*args)


def batch(number, action, connection, account="default", endpoint="market"):
    entry = {"at_ms": number, "action": action, "connection": connection, "instruments": [], "tokens": []}
    messages = [{"subscribe": [connection], "modes": {}}] if action == "subscribe" else []
    return ScheduledBatch.from_dict(entry | {"messages": messages, "account": account, "endpoint": endpoint})


@pytest.fixture
def schedules(monkeypatch):
    """The schedules of plans, by the id of the plan."""
    schedules = {}
    monkeypatch.setattr("instrument_registry.sdk.feed.Feed.fetch", lambda _, plan_id, previous: schedules[plan_id])
    return schedules


def accounts_of(feed):
    return {number: ticker.account for number, ticker in feed.connections.items()}


@pytest.fixture
def desks(kite, feed):
    """A feed with the credentials of two accounts."""
    return kite.Feed.of_accounts(feed.registry, {"desk_a": ("key a", "token a"), "desk_b": ["key b", "token b"]}, print)


KEY_A, KEY_B = ("key a", "token a"), ("key b", "token b")


def test_a_connection_has_the_credentials_of_its_account(desks, schedules):
    schedules["first"] = [batch(0, "subscribe", 1, "desk_a"), batch(0, "subscribe", 2, "desk_b")]
    desks.apply("first")
    assert accounts_of(desks) == {1: KEY_A, 2: KEY_B}
    schedules["second"] = [batch(0, "close", 1, "desk_a"), batch(1, "subscribe", 3, "desk_b")]
    desks.apply("second")
    assert accounts_of(desks) == {2: KEY_B, 3: KEY_B}


def test_an_account_without_credentials_opens_nothing(desks, schedules):
    schedules["first"] = [batch(0, "subscribe", 1, "desk_a"), batch(0, "subscribe", 2, "desk_c")]
    with pytest.raises(ValueError, match="account `desk_c`; this feed has the credentials of `desk_a`, `desk_b`"):
        desks.apply("first")
    assert desks.connections == {}
    assert desks.plan_id is None


def test_one_set_of_credentials_serves_one_account(feed, schedules):
    schedules["two"] = [batch(0, "subscribe", 1, "desk_a"), batch(0, "subscribe", 2, "desk_b")]
    with pytest.raises(ValueError, match="uses the accounts `desk_a`, `desk_b`; this feed has the credentials of one"):
        feed.apply("two")
    assert feed.connections == {}
    schedules["first"] = [batch(0, "subscribe", 1, "desk_a")]
    feed.apply("first")
    schedules["second"] = [batch(0, "subscribe", 2, "desk_b")]
    with pytest.raises(ValueError, match="uses the accounts `desk_a`, `desk_b`"):
        feed.apply("second")
    assert accounts_of(feed) == {1: ("key", "token")}
    assert feed.plan_id == "first"
    feed.close()
    feed.apply("second")
    assert list(feed.connections) == [2]


def test_accounts_have_complete_credentials(kite, feed):
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        kite.Feed.of_accounts(feed.registry, {"desk_a": KEY_A, "desk_b": ("key b",)}, print)
    with pytest.raises(ValueError, match="at least one account"):
        kite.Feed.of_accounts(feed.registry, {}, print)


def test_an_endpoint_that_is_not_served_opens_nothing(feed, schedules):
    schedules["first"] = [batch(0, "subscribe", 1), batch(0, "subscribe", 2, endpoint="depth200")]
    with pytest.raises(ValueError, match="at the endpoint `depth200`; this feed serves only `market`"):
        feed.apply("first")
    assert feed.connections == {}
    assert feed.plan_id is None


def test_a_connection_after_a_close_opens_after_it(feed, schedules, monkeypatch):
    schedules["first"] = [batch(0, "subscribe", 1)]
    schedules["second"] = [batch(0, "close", 1), batch(1, "subscribe", 2)]
    feed.apply("first")
    first = feed.connections[1]

    def connect(ticker, threaded):
        first.calls.append("open")
        ticker.on_open(ticker)

    monkeypatch.setattr(Ticker, "connect", connect)
    feed.apply("second")
    assert first.calls == [("subscribe", [1]), "close", "open"]
    assert list(feed.connections) == [2]


def test_a_closed_feed_starts_again(feed, at_kite):
    feed.subscribe(at_kite)
    (ticker,) = feed.connections.values()
    feed.close()
    assert ticker.calls[-1] == "close"
    feed.subscribe(at_kite)
    assert feed.connections[1].calls == [("subscribe", [INFY, TCS]), ("full", [INFY, TCS])]


def test_a_plan_of_another_user_is_not_applied(feed, at_kite):
    with pytest.raises(NotFound):
        feed.apply("plan_" + "0" * 32)
    assert feed.plan_id is None
