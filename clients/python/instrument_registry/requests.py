"""The requests of `Client` and `AsyncClient`: the generated operations, and the conversion of their arguments."""

from __future__ import annotations

import datetime
import inspect
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

import httpx

from . import errors, headers
from .generated import AuthenticatedClient
from .generated import models as of
from .generated.api.ingest import get_job, ingest_broker_file
from .generated.api.instruments import batch_resolve_instruments, resolve_instruments, search_instruments
from .generated.api.plans import (
    create_plan,
    describe_plan,
    explain_plan_instrument,
    get_plan,
    get_plan_diff,
    get_plan_schedule,
    get_plan_subscriptions,
    list_plans,
    rebalance_plan,
    verify_plan,
)
from .generated.api.profiles import create_profile, get_profile, replan_profile
from .generated.types import File, Unset

API_PATH = "/api/v1/internal/instrument-registry"
KEY_HEADER = "X-Internal-API-Key"

#: The states of an unfinished job.
UNFINISHED = (of.JobState.QUEUED, of.JobState.RUNNING)

# An absent field of a response prints as this word.
Unset.__repr__ = lambda _: "UNSET"  # type: ignore[method-assign]

T = TypeVar("T")


class Body(Protocol):
    """A model of the generated code."""

    def to_dict(self) -> dict[str, Any]: ...


#: A body as the documentation shows it, or a model of the generated code.
Json = Mapping[str, Any] | Body


class Auto:
    """The default of `idempotency_key`: the client generates a key."""

    def __repr__(self) -> str:
        return "AUTO"


AUTO: Final = Auto()
IdempotencyKey = str | None | Auto


@dataclass(frozen=True)
class Request(Generic[T]):
    """A request of a generated operation, whose response has this type."""

    operation: Any
    answer: type[T]
    arguments: dict[str, Any]
    extensions: dict[str, Any] = field(default_factory=dict)

    def build(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        for name, value in self.arguments.get("headers", {}).items():
            headers.check(name, value)
        return http.build_request(**self.arguments, extensions=self.extensions)

    def parse(self, client: AuthenticatedClient, response: httpx.Response) -> T:
        try:
            parsed = self.operation._parse_response(client=client, response=response)
        except errors.MALFORMED as cause:
            raise errors.invalid_response(response, cause) from cause
        if not isinstance(parsed, self.answer):
            raise errors.invalid_response(response, TypeError(f"expected {self.answer.__name__}, got {parsed!r}"))
        return parsed


@dataclass(frozen=True)
class Stream(Generic[T]):
    """A request for an array, whose items have this type."""

    request: Request[Any]
    array: str
    item: Any

    def parse(self, response: httpx.Response, item: Any) -> T:
        try:
            parsed: T = self.item.from_dict(item)
        except errors.MALFORMED as cause:
            raise errors.invalid_response(response, cause) from cause
        return parsed


class Raw:
    """A body that is sent as it is."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = {str(name): plain(value) for name, value in body.items()}

    def to_dict(self) -> dict[str, Any]:
        return dict(self.body)


def plain(value: Any) -> Any:
    """Returns a JSON value: dates become strings, and iterables become lists. The items of a set are sorted."""
    match value:
        case None | str() | int() | float():
            return value
        case datetime.date():
            return value.isoformat()
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case set() | frozenset():
            return sorted((plain(item) for item in value), key=str)
        case Iterable() if not isinstance(value, bytes):
            return [plain(item) for item in value]
        case _ if hasattr(value, "to_dict"):
            return plain(value.to_dict())
        case _:
            raise TypeError(f"expected a JSON value, a date or an iterable, got {value!r}")


def body_of(body: Json) -> Raw:
    if isinstance(body, Mapping):
        return Raw(body)
    try:
        return Raw(body.to_dict())
    except AttributeError as cause:
        # The generated code reads the values of enums.
        raise TypeError(f"expected an enum of the models, got another type in {body!r}") from cause


def joined(value: Any) -> Any:
    """Returns a list as the string of a query parameter."""
    return ",".join(plain(value)) if isinstance(value, list | tuple | set | frozenset) else value


def check_names(given: Iterable[str], known: Iterable[str], of: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise TypeError(f"unknown {of} `{unknown[0]}`; expected one of {', '.join(known)}")


def request_of(operation: Any, answer: type[T], *places: Any, **arguments: Any) -> Request[T]:
    """Returns a request. Arguments that are None are absent."""
    given = {name: joined(value) for name, value in arguments.items() if value is not None}
    check_names(given, inspect.signature(operation._get_kwargs).parameters, "argument")
    return Request(operation, answer, operation._get_kwargs(*places, **given))


#: The id of a plan. A response to a dry run has none.
PlanId = str | Unset


def id_of(plan_id: PlanId) -> str:
    if isinstance(plan_id, Unset):
        raise ValueError("a dry run has no plan id")
    return plan_id


def key_of(given: IdempotencyKey) -> str | None:
    return str(uuid.uuid4()) if isinstance(given, Auto) else given


def user_of(user_id: str | None, default: str | None) -> str:
    user = user_id or default
    if user is None:
        raise ValueError("`user_id` is required, here or as an argument of the client")
    return user


def new_plan(body: Json, user_id: str, include: str | None, key: IdempotencyKey) -> Request[of.PlanAnswer]:
    body = body_of(body)
    is_dry_run = body.to_dict().get("dry_run") is True
    request = request_of(
        create_plan,
        of.PlanAnswer,
        body=body,
        user_id=user_id,
        include=include and of.IncludeWord(include),
        # The service rejects a dry run with a key.
        idempotency_key=None if is_dry_run and isinstance(key, Auto) else key_of(key),
    )
    request.extensions["is_read"] = is_dry_run
    return request


def one_plan(plan_id: PlanId, include: str | None) -> Request[of.ReadAnswer]:
    return request_of(get_plan, of.ReadAnswer, id_of(plan_id), include=include and of.IncludeWord(include))


def plan_list(user_id: str | None, **filters: Any) -> Request[of.ListAnswer]:
    for name, kind in (("subscription_type", of.SubscriptionType), ("status", of.PlanStatus)):
        filters[name] = filters.get(name) and kind(filters[name])
    return request_of(list_plans, of.ListAnswer, user_id=user_id, **filters)


def description(plan_id: PlanId, level: str) -> Request[of.DescribeAnswer]:
    return request_of(describe_plan, of.DescribeAnswer, id_of(plan_id), body=Raw({"description_level": level}))


def subscription_stream(plan_id: PlanId, connection: int | None) -> Stream[of.Subscription]:
    request = request_of(get_plan_subscriptions, of.SubscriptionsAnswer, id_of(plan_id), connection=connection)
    return Stream(request, "subscriptions", of.Subscription)


def message_stream(plan_id: PlanId, sdk: str, connection: int | None) -> Stream[of.ConnectionMessages]:
    of_sdk = of.SubscriptionFormat(sdk)
    request = request_of(
        get_plan_subscriptions, of.SubscriptionsAnswer, id_of(plan_id), connection=connection, format_=of_sdk
    )
    return Stream(request, "connections", of.ConnectionMessages)


def batch_stream(
    plan_id: PlanId, previous: PlanId | None, connection: int | None, sdk: str | None
) -> Stream[of.ScheduledBatch]:
    of_sdk = sdk and of.SubscriptionFormat(sdk)
    request = request_of(
        get_plan_schedule,
        of.ScheduleAnswer,
        id_of(plan_id),
        from_=None if previous is None else id_of(previous),
        connection=connection,
        format_=of_sdk,
    )
    return Stream(request, "batches", of.ScheduledBatch)


def difference(plan_id: PlanId, previous: PlanId | None) -> Request[of.PlanDiffAnswer]:
    return request_of(
        get_plan_diff, of.PlanDiffAnswer, id_of(plan_id), from_=None if previous is None else id_of(previous)
    )


def explanation(plan_id: PlanId, instrument: str) -> Request[of.ExplainAnswer]:
    return request_of(explain_plan_instrument, of.ExplainAnswer, id_of(plan_id), instrument=instrument)


def verification(plan_id: PlanId) -> Request[of.VerificationAnswer]:
    return request_of(verify_plan, of.VerificationAnswer, id_of(plan_id))


def rebalanced_plan(plan_id: PlanId) -> Request[of.RebalanceAnswer]:
    return request_of(rebalance_plan, of.RebalanceAnswer, id_of(plan_id))


def search(query: str | Json, page: int, page_size: int) -> Request[of.SearchAnswer]:
    body = body_of({"query": query} if isinstance(query, str) else query)
    return request_of(search_instruments, of.SearchAnswer, body=body, page=page, page_size=page_size)


def matches(**criteria: str | None) -> Request[of.ResolveAnswer]:
    kinds = {"exchange": of.Exchange, "instrument_type": of.InstrumentType}
    given = {name: kinds.get(name, str)(value) for name, value in criteria.items() if value is not None}
    return request_of(resolve_instruments, of.ResolveAnswer, **given)


def resolved_keys(keys: Iterable[str]) -> Request[of.BatchAnswer]:
    return request_of(batch_resolve_instruments, of.BatchAnswer, body=Raw({"instruments": list(keys)}))


def new_profile(body: Json, user_id: str | None, key: IdempotencyKey) -> Request[of.ChangeAnswer]:
    content = body_of(body).to_dict()
    content["user_id"] = user_of(content.get("user_id"), user_id)
    return request_of(create_profile, of.ChangeAnswer, body=Raw(content), idempotency_key=key_of(key))


def one_profile(profile_id: str) -> Request[of.ProfileReadAnswer]:
    return request_of(get_profile, of.ProfileReadAnswer, profile_id)


def new_plan_of_profile(profile_id: str) -> Request[of.ReplanAnswer]:
    return request_of(replan_profile, of.ReplanAnswer, profile_id)


INGEST_FILTERS = ("exchanges", "segments", "instrument_types")
INGEST_OPTIONS = ("force", "file_date", "mode", "priority", "filters", *INGEST_FILTERS)


def new_job(
    broker: str, source: str | None, file: str | os.PathLike[str] | None, key: IdempotencyKey, options: dict[str, Any]
) -> Request[of.IngestAnswer]:
    if source is not None and file is not None:
        raise ValueError("expected `source` or `file`, got both")
    check_names(options, INGEST_OPTIONS, "option")
    filters = filters_of(options)
    # The generated code does not accept a date as a string.
    arguments: dict[str, Any] = {"force": options.get("force"), "idempotency_key": key_of(key)}
    mode, priority = options.get("mode"), options.get("priority")
    if file is not None:
        path = Path(file)
        arguments |= filters
        arguments |= {"file_name": path.name, "mode": mode and of.IngestMode(mode)}
        arguments["priority"] = None if priority is None else str(priority)
        # The bytes, and not an open file, so that they can be sent again.
        upload: Any = path.read_bytes()
        arguments["body"] = File(payload=upload)
    request = request_of(ingest_broker_file, of.IngestAnswer, of.FileBroker(broker), **arguments)
    fields = {"source": source, "mode": mode, "priority": priority, "filters": filters or None}
    content = {name: value for name, value in fields.items() if value is not None}
    if file is None and content:
        request.arguments["json"] = content
    if options.get("file_date") is not None:
        request.arguments["params"]["file_date"] = plain(options["file_date"])
    return request


def filters_of(options: Mapping[str, Any]) -> dict[str, list[str]]:
    """Returns the filters of the option `filters` and those that are options. A string can have commas."""
    given = body_of(options.get("filters") or {}).to_dict()
    check_names(given, INGEST_FILTERS, "filter")
    given |= {name: plain(options[name]) for name in INGEST_FILTERS if options.get(name) is not None}
    return {name: value.split(",") if isinstance(value, str) else value for name, value in given.items()}


def is_finished(job: of.JobAnswer, until: float, now: float) -> bool:
    """Returns whether a job is finished. Raises `TimeoutError` if the time is over."""
    if job.status not in UNFINISHED:
        return True
    if now >= until:
        raise TimeoutError(f"job {job.job_id} is still {job.status}")
    return False


def one_job(job_id: str) -> Request[of.JobAnswer]:
    return request_of(get_job, of.JobAnswer, job_id)


def address_of(url: str | None) -> str:
    """Returns the address of the service. The path of the API may follow it."""
    address = os.environ.get("INSTRUMENT_REGISTRY_URL") if url is None else url.strip()
    if not address:
        raise ValueError("expected the URL of the service in `url` or in INSTRUMENT_REGISTRY_URL")
    if not address.lower().startswith(("http://", "https://")):
        raise ValueError(f"expected a URL that starts with `http://` or `https://`, got `{address}`")
    return address.rstrip("/").removesuffix(API_PATH)


def headers_of(key: str | None) -> dict[str, str]:
    # A key that is read from a file can end with a newline.
    given = (os.environ.get("INSTRUMENT_REGISTRY_KEY", "") if key is None else key).strip()
    if not given:
        raise ValueError("expected the API key in `key` or in INSTRUMENT_REGISTRY_KEY")
    headers.check("the API key", given)
    return {KEY_HEADER: given}
