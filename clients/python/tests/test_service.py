"""Both clients against the real service."""

import contextlib
import datetime
import os
import pathlib
import socket
import subprocess

import pytest
from conftest import KEY, SECONDS_MAX

import instrument_registry as of
from instrument_registry.generated.api.catalog import list_brokers
from instrument_registry.generated.api.ingest import cancel_job, ingest_broker_file
from instrument_registry.generated.api.process import get_health
from instrument_registry.generated.models import IngestBody, JobState, PlanOfInstruments, SubscriptionType
from instrument_registry.requests import Request, plain

ROOT = pathlib.Path(__file__).parents[3]
UNKNOWN_ID = "plan_" + "0" * 32


def test_a_plan_is_created_and_read(registry, request_body):
    answer = registry.create_plan(request_body)
    assert answer.plan_data.instruments == ["NSE:INFY", "NSE:TCS"]
    assert [rejection.reason for rejection in answer.plan_data.rejected] == ["duplicate"]
    assert registry.plan(answer.plan_id).plan == answer.plan_data
    assert [plan.plan_id for plan in registry.plans().plans] == [answer.plan_id]


def test_a_request_can_be_a_model(registry):
    body = PlanOfInstruments(["NSE:TCS"], "Test", SubscriptionType.LIVE_FEED)
    assert registry.create_plan(body).plan_data.instruments == ["NSE:TCS"]


@pytest.mark.parametrize(
    "collect",
    [set, tuple, iter, lambda keys: dict.fromkeys(keys).keys()],
    ids=["set", "tuple", "iterator", "keys"],
)
def test_a_request_can_have_any_iterable(registry, request_body, collect):
    body = request_body | {"instruments": collect(["NSE:TCS", "NSE:INFY"]), "as_of": datetime.date(2026, 11, 30)}
    assert registry.create_plan(body).plan_data.instruments == ["NSE:INFY", "NSE:TCS"]


def test_the_items_of_a_set_are_sorted():
    assert plain({"b", "a", "c"}) == ["a", "b", "c"]


def test_other_values_are_named(registry, request_body):
    with pytest.raises(TypeError, match="expected a JSON value, a date or an iterable, got <object"):
        registry.create_plan(request_body | {"as_of": object()})
    with pytest.raises(TypeError, match="expected an enum of the models, got another type in PlanOfInstruments"):
        registry.create_plan(PlanOfInstruments(["NSE:TCS"], "Test", "live_feed"))


def test_a_dry_run_has_no_id(registry, request_body):
    answer = registry.create_plan(request_body | {"dry_run": True})
    assert answer.status == "dry_run"
    with pytest.raises(ValueError, match="dry run"):
        registry.plan(answer.plan_id)


def test_a_plan_at_a_broker_is_explained(registry, at_kite):
    first = registry.create_plan(at_kite).plan_id
    second = registry.create_plan(at_kite | {"instruments": ["NSE:TCS", "NSE:RELIANCE"]}).plan_id
    assert registry.diff(second, previous=first).counts.subscribe == 1
    assert registry.explain(second, "NSE:TCS").decision == "kept"
    assert registry.verify(second).counts["unchanged"] == 2
    assert registry.describe(second, "basic").instrument_analysis.total_instruments == 2
    assert registry.rebalance(first).previous_plan_id == first


def test_instruments_are_found(registry):
    assert registry.search("TCS").instruments[0].instrument_key == "NSE:TCS"
    assert registry.search({"query": "TCS", "filters": {"exchanges": ["BSE"]}}).instruments == []
    assert registry.resolve(symbol="TCS", exchange="NSE").instruments[0].name == "TATA CONSULTANCY SERV LT"
    assert [entry.requested for entry in registry.resolve_keys(["NSE:TCS", "TCS"]).results] == ["NSE:TCS", "TCS"]


def test_a_profile_is_created_and_planned(registry):
    body = {"profile_name": "Test", "subscription_type": "live_feed", "instruments": ["NSE:TCS"]}
    created = registry.create_profile(body)
    assert registry.profile(created.profile_id).profile.instruments == ["NSE:TCS"]
    assert registry.replan(created.profile_id).plan_data.instruments == ["NSE:TCS"]


def test_a_job_can_be_waited_for(registry):
    job = registry.ingest("kite", source="kite.csv", force=True)
    assert registry.wait(job.job_id, pause=0.05).status == "completed"
    assert registry.wait(job.job_id, timeout=0).status == "completed"


def test_a_wait_ends_after_its_timeout(registry, monkeypatch):
    running = registry.job(registry.ingest("kite", source="kite.csv", force=True).job_id)
    running.status = JobState.RUNNING
    monkeypatch.setattr(Request, "parse", lambda *_: running)
    with pytest.raises(TimeoutError, match=f"job {running.job_id} is still running"):
        registry.wait(running.job_id, timeout=0)


def test_an_absent_field_is_false_and_has_a_name(registry, request_body):
    plan = registry.create_plan(request_body).plan_data
    assert not plan.allocation
    assert repr(plan.allocation) == "UNSET"
    assert "allocation" not in plan.to_dict()


def test_a_local_file_is_ingested(registry, tmp_path):
    file = tmp_path / "kite.csv"
    file.write_text("no rows\n")
    job = registry.ingest("kite", file=file, mode="full_catalog", file_date="2026-11-27")
    finish = registry.wait(job.job_id, pause=0.05)
    assert finish.status == "failed"
    assert finish.source == "kite.csv"


@pytest.fixture
def partial_file(tmp_path):
    """A file with the rows of one segment."""
    lines = (ROOT / "tests/api/kite.csv").read_text().splitlines(keepends=True)
    file = tmp_path / "kite.csv"
    file.write_text("".join([lines[0], *(line for line in lines if line.rstrip().endswith(",NSE,NSE"))]))
    return file


@pytest.mark.parametrize(
    "options",
    [{"segments": ["NSE_EQ"]}, {"segments": "NSE_EQ,NSE_FO"}, {"filters": {"segments": {"NSE_EQ"}}, "priority": 7}],
    ids=str,
)
@pytest.mark.parametrize("place", ["file", "source"])
def test_an_ingest_can_have_filters(through_proxy, proxy, partial_file, options, place):
    given = partial_file if place == "file" else "kite.csv"
    job = through_proxy.ingest("kite", **{place: given}, force=True, **options)
    assert through_proxy.wait(job.job_id, pause=0.05).priority == options.get("priority", 5)
    sent = proxy.paths[0] + proxy.bodies[0].decode()
    assert "NSE_EQ" in sent
    assert "BSE" not in sent


def test_unknown_options_are_named(registry):
    with pytest.raises(TypeError, match="unknown option `segmnts`; expected one of force, file_date, mode, "):
        registry.ingest("kite", source="kite.csv", segmnts=["NSE_EQ"])
    with pytest.raises(TypeError, match="unknown filter `segmnts`; expected one of exchanges, segments, "):
        registry.ingest("kite", source="kite.csv", filters={"segmnts": ["NSE_EQ"]})
    with pytest.raises(TypeError, match="unknown argument `limit`; expected one of"):
        registry.call(list_brokers, limit=1)


def test_generated_operations_have_the_same_policies(registry):
    assert registry.call(list_brokers).count > 0
    with pytest.raises(of.NotFound):
        registry.call(cancel_job, "job_" + "0" * 32)
    job = registry.call(ingest_broker_file, "kite", body=IngestBody(source="kite.csv"), idempotency_key="of-test")
    assert registry.wait(job.job_id, pause=0.05).source.endswith("/tests/api/kite.csv")


def test_streamed_subscriptions_are_those_of_the_plan(registry, at_kite):
    plan_id = registry.create_plan(at_kite).plan_id
    entries = list(registry.subscriptions(plan_id))
    assert [entry.instrument for entry in entries] == ["NSE:INFY", "NSE:TCS"]
    assert [entry.broker_token for entry in entries] == ["408065", "2953217"]
    (connection,) = registry.messages(plan_id, "kite")
    assert connection.messages == [{"subscribe": [408065, 2953217], "modes": {"full": [408065, 2953217]}}]
    (batch,) = registry.schedule(plan_id, sdk="kite")
    assert batch.messages == connection.messages


def test_a_stream_that_breaks_is_unavailable(through_proxy, proxy, at_kite):
    plan_id = through_proxy.create_plan(at_kite).plan_id
    proxy.effects = ["cut"]
    with pytest.raises(of.Unavailable) as raised:
        list(through_proxy.subscriptions(plan_id))
    assert raised.value.code == "connection_lost"


def test_a_stream_of_an_unknown_plan_is_not_found(registry):
    with pytest.raises(of.NotFound):
        list(registry.subscriptions(UNKNOWN_ID))


def test_a_wrong_key_is_rejected(kind, address):
    with kind(address, "wrong", user_id="x") as registry, pytest.raises(of.RejectedKey) as raised:
        registry.plans()
    assert raised.value.status == 401
    assert raised.value.code == "unauthorized"


def test_all_faults_of_a_request_are_reported(registry):
    with pytest.raises(of.ValidationFailed) as raised:
        registry.create_plan({"plan_name": 1})
    pointers = [error.pointer for error in raised.value.errors]
    assert pointers == ["/instruments", "/plan_name", "/subscription_type"]
    assert "/plan_name: expected a string, got a number" in str(raised.value)


def test_a_conflict_has_its_code(registry, request_body):
    plan_id = registry.create_plan(request_body).plan_id
    with pytest.raises(of.Conflict) as raised:
        list(registry.subscriptions(plan_id))
    assert raised.value.code == "plan_without_broker"


def test_exceptions_have_the_correlation_id_of_the_context(address):
    token = of.correlation_id.set("of-context")
    try:
        with of.Client(address, KEY) as registry, pytest.raises(of.NotFound) as raised:
            registry.plan(UNKNOWN_ID)
    finally:
        of.correlation_id.reset(token)
    assert raised.value.correlation_id == "of-context"
    assert "of-context" in str(raised.value)


@pytest.mark.parametrize("effect", ["lose", "unknown"])
def test_a_repeated_request_creates_one_plan(through_proxy, proxy, request_body, effect):
    proxy.effects = [effect, effect]
    answer = through_proxy.create_plan(request_body)
    keys = {headers["Idempotency-Key"] for headers in proxy.requests}
    assert len(proxy.requests) == 3
    assert len(keys) == 1
    assert answer.status == "created"
    assert [plan.plan_id for plan in through_proxy.plans().plans] == [answer.plan_id]


@pytest.mark.parametrize("effect", ["lose", "unknown"])
def test_an_unknown_outcome_is_resolved_with_its_key(kind, proxy, user, request_body, effect):
    proxy.effects = [effect]
    with proxy.running() as url, kind(url, KEY, user_id=user, retries=of.Retries(attempts=1)) as registry:
        with pytest.raises(of.UnknownOutcome) as raised:
            registry.create_plan(request_body)
        answer = registry.create_plan(request_body, idempotency_key=raised.value.idempotency_key)
        assert [plan.plan_id for plan in registry.plans().plans] == [answer.plan_id]


def test_a_plan_without_a_key_is_not_repeated(through_proxy, proxy, request_body):
    proxy.effects = ["lose"]
    with pytest.raises(of.UnknownOutcome):
        through_proxy.create_plan(request_body, idempotency_key=None)
    assert len(proxy.requests) == 1
    assert "Idempotency-Key" not in proxy.requests[0]


def test_a_refused_request_is_repeated(through_proxy, proxy, request_body):
    proxy.effects = ["refuse", "refuse"]
    answer = through_proxy.create_plan(request_body, idempotency_key=None)
    assert answer.status == "created"
    assert len(proxy.requests) == 3
    assert len({headers["X-Correlation-ID"] for headers in proxy.requests}) == 1


@contextlib.contextmanager
def service_without_database(folder):
    """Runs a service whose database cannot be reached, so that it is never ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"PORT": str(port), "INTERNAL_API_KEY": KEY, "DATA_DIR": str(folder), "LOG_LEVEL": "error"}
    environment |= {"PATH": os.environ["PATH"], "DATABASE_URL": "postgres://nobody:none@127.0.0.1:9/none"}
    command = [os.environ["REGISTRY_TEST_BINARY"], "serve"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(SECONDS_MAX)


def test_a_service_that_is_not_ready_is_unavailable(kind, tmp_path, request_body):
    with service_without_database(tmp_path) as url:
        with kind(url, KEY, retries=of.Retries(attempts=1000, pause=0.1, pause_max=0.1)) as registry:
            # Until the service listens, there is no connection.
            assert registry.call(get_health).status == "healthy"
        impatient = kind(url, KEY, user_id="x", retries=of.Retries(deadline=0.5))
        with impatient as registry, pytest.raises(of.Unavailable) as raised:
            registry.create_plan(request_body)
    assert raised.value.code == "not_ready"
    assert raised.value.status == 503
    assert raised.value.retry_after >= 1


def test_the_address_can_have_the_path_of_the_api(kind, address, request_body):
    with kind(address + "/api/v1/internal/instrument-registry/", KEY + "\n", user_id="x") as registry:
        assert registry.plan(registry.create_plan(request_body).plan_id)


def test_the_environment_has_address_and_key(kind, address, monkeypatch):
    with pytest.raises(ValueError, match="INSTRUMENT_REGISTRY_URL"):
        kind()
    monkeypatch.setenv("INSTRUMENT_REGISTRY_URL", address)
    with pytest.raises(ValueError, match="INSTRUMENT_REGISTRY_KEY"):
        kind()
    monkeypatch.setenv("INSTRUMENT_REGISTRY_KEY", KEY)
    with kind() as registry:
        assert registry.call(list_brokers).count > 0


def test_proxies_of_the_environment_are_not_used(kind, address, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with kind(address, KEY) as registry:
        assert registry.call(list_brokers).count > 0


def test_a_user_is_required(kind, address, request_body):
    with kind(address, KEY) as registry, pytest.raises(ValueError, match="user_id"):
        registry.create_plan(request_body)
