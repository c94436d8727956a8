"""The code of the documents runs as it is written. Only the address of the service differs."""

import gzip
import inspect
import pathlib
import re
import types

import pytest
from conftest import KEY

from instrument_registry import Client, Retries

ROOT = pathlib.Path(__file__).parents[3]


def blocks_of(document):
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder in which `make run` runs."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "internal_api_key").write_text(KEY + "\n")
    # The file of the example of an ingest.
    content = (ROOT / "tests/api/kite.csv").read_bytes()
    (tmp_path / "kite_2026-08-17.csv.gz").write_bytes(gzip.compress(content))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("document", ["README.md", "clients/python/README.md"])
def test_examples_run(document, address, folder, capsys):
    names = types.ModuleType("example").__dict__
    blocks = blocks_of(document)
    assert blocks
    for block in blocks:
        exec(compile(block.replace("http://127.0.0.1:8901", address), document, "exec"), names)
    printed = capsys.readouterr().out
    assert printed.startswith("['NSE:TCS'] [('NSE:TCX', ['NSE:TCS'")


def test_the_example_of_plans_uses_the_client(address, folder, capsys):
    (block,) = blocks_of("docs/plans.md")
    assert "urllib" not in block
    exec(block.replace("http://127.0.0.1:8901", address), {})
    kept, rejected = capsys.readouterr().out.splitlines()
    assert kept == "['NSE:TCS']"
    assert rejected.startswith("NSE:RELAINCE unknown ")
    assert rejected.endswith("['NSE:RELIANCE']")


def test_both_documents_have_the_same_example():
    (example,) = blocks_of("README.md")
    assert example == blocks_of("clients/python/README.md")[0]
    assert len([line for line in example.splitlines() if line]) == 5


def test_both_documents_show_the_output_of_the_example(address, folder, capsys):
    (example,) = blocks_of("README.md")
    exec(example.replace("http://127.0.0.1:8901", address), {})
    printed = capsys.readouterr().out.strip()
    for document in ("README.md", "clients/python/README.md"):
        assert f"`{printed}`" in (ROOT / document).read_text()


SIGNATURE = re.compile(r"`(\w+)\(([^`]*)\)`")


def parameters_of(method):
    """Returns the names of the parameters of a method, as the table has them."""
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return [parameter.name for parameter in parameters]


def test_the_table_has_all_methods_with_their_arguments():
    text = (ROOT / "clients/python/README.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    shown = {name: arguments for row in rows for name, arguments in SIGNATURE.findall(row.split(" | ")[0])}
    methods = {name: method for name, method in vars(Client).items() if inspect.isfunction(method)}
    expected = {name: method for name, method in methods.items() if not name.startswith("_") and name != "close"}
    assert sorted(shown) == sorted(expected)
    del shown["call"], expected["call"]
    for name, method in expected.items():
        assert re.findall(r"\w+(?==|,|$)", re.sub(r"=[^,]+", "=", shown[name])) == parameters_of(method), name


@pytest.fixture
def plan_of(address, folder, monkeypatch):
    """The function of the document. Its pauses take no time."""
    names = {}
    (block,) = [block for block in blocks_of("clients/python/README.md") if "def plan_of" in block]
    exec(block, names)
    monkeypatch.setitem(names, "time", types.SimpleNamespace(sleep=lambda seconds: None))
    return names["plan_of"]


# With one attempt of the client, each effect reaches the function.
@pytest.mark.parametrize(
    "effects", [["unknown"], ["unknown", "unknown"], ["unknown", "refuse"], ["refuse", "lose"]], ids="-".join
)
def test_documented_handling_creates_one_plan(plan_of, proxy, user, request_body, effects):
    proxy.effects = list(effects)
    with proxy.running() as url, Client(url, KEY, user_id=user, retries=Retries(attempts=1)) as registry:
        plan = plan_of(registry, request_body)
        assert [entry.plan_id for entry in registry.plans().plans] == [plan.plan_id]
    assert len({headers["Idempotency-Key"] for headers in proxy.requests[: len(effects) + 1]}) == 1


@pytest.mark.parametrize("effects", [["refuse"] * 3, ["unknown"] * 3, ["unknown", "refuse", "unknown"]], ids="-".join)
def test_documented_handling_returns_none_in_the_end(plan_of, proxy, user, request_body, effects, capsys):
    proxy.effects = list(effects)
    with proxy.running() as url, Client(url, KEY, user_id=user, retries=Retries(attempts=1)) as registry:
        assert plan_of(registry, request_body) is None
    assert len(proxy.requests) == 3
    assert len({headers["Idempotency-Key"] for headers in proxy.requests}) == 1
    assert capsys.readouterr().out.count(" again: ") == 3


def test_documented_handling_reports_faults_and_keys(plan_of, address):
    with Client(address, KEY, user_id="x") as registry, pytest.raises(ValueError, match="/plan_name: is required"):
        plan_of(registry, {})
    with Client(address, "wrong", user_id="x") as registry, pytest.raises(SystemExit, match="the API key was rejected"):
        plan_of(registry, {})
