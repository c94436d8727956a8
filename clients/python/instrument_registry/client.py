"""The synchronous client."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from . import errors, requests
from .generated import AuthenticatedClient
from .generated import models as of
from .requests import AUTO, IdempotencyKey, Json, PlanId, Request, Stream
from .stream import ArrayItems
from .transport import Retries, Transport

T = TypeVar("T")


class Client:
    """A client of the Instrument Registry. Threads can share it.

    `url` and `key` are the URL and the API key of the service. By default, they are read from the environment variables
    INSTRUMENT_REGISTRY_URL and INSTRUMENT_REGISTRY_KEY. `user_id` is the default of the methods; plans and profiles
    require one. `timeout` is the longest wait, in seconds, for a connection or for the next bytes of a response;
    `retries` has the bounds of a call with all its attempts. `verify` is the TLS context. By default, the CA
    certificates are those of certifi, or those in the file of the environment variable SSL_CERT_FILE.

    Every method raises a subclass of `RegistryError` if the request fails. The request of a method that creates
    something has an `Idempotency-Key`: the argument, a generated key by default, or no key if the argument is None.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        user_id: str | None = None,
        timeout: float = 30.0,
        retries: Retries | None = None,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.user_id = user_id
        address, headers = requests.address_of(url), requests.headers_of(key)
        self._http = httpx.Client(
            base_url=address,
            headers=headers,
            timeout=timeout,
            transport=Transport(transport or httpx.HTTPTransport(verify=verify), retries or Retries()),
        )
        self.generated = AuthenticatedClient(base_url=address, token="").set_httpx_client(self._http)

    def __enter__(self) -> Self:
        self._http.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.__exit__(kind, fault, trace)

    def close(self) -> None:
        self._http.close()

    def call(self, operation: Any, *places: Any, **arguments: Any) -> Any:
        """Calls an operation of `instrument_registry.generated.api`, for example `call(list_brokers)`."""
        return self._send(requests.request_of(operation, object, *places, **arguments))

    def create_plan(
        self,
        request: Json,
        *,
        user_id: str | None = None,
        include: str | None = None,
        idempotency_key: IdempotencyKey = AUTO,
    ) -> of.PlanAnswer:
        """Creates a plan. The request has the fields of docs/plans.md.

        Without an idempotency key, a repeated request can be answered while the database is unavailable.
        """
        user = requests.user_of(user_id, self.user_id)
        return self._send(requests.new_plan(request, user, include, idempotency_key))

    def plan(self, plan_id: PlanId, *, include: str | None = None) -> of.ReadAnswer:
        """Reads a plan."""
        return self._send(requests.one_plan(plan_id, include))

    def plans(
        self,
        *,
        user_id: str | None = None,
        subscription_type: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> of.ListAnswer:
        """Lists plans, newest first. `next_cursor` of a response is the `cursor` of the next page."""
        filters = {"subscription_type": subscription_type, "status": status, "limit": limit, "cursor": cursor}
        return self._send(requests.plan_list(user_id or self.user_id, **filters))

    def describe(self, plan_id: PlanId, level: str = "detailed") -> of.DescribeAnswer:
        """Describes a plan: `basic`, `detailed` or `comprehensive`."""
        return self._send(requests.description(plan_id, level))

    def subscriptions(self, plan_id: PlanId, *, connection: int | None = None) -> Iterator[of.Subscription]:
        """Streams the subscriptions of a plan at a broker, in the order in which they are sent."""
        return self._items(requests.subscription_stream(plan_id, connection))

    def messages(self, plan_id: PlanId, sdk: str, *, connection: int | None = None) -> Iterator[of.ConnectionMessages]:
        """Streams the arguments of the broker's SDK (`kite`, `upstox`, ...), connection by connection."""
        return self._items(requests.message_stream(plan_id, sdk, connection))

    def schedule(
        self,
        plan_id: PlanId,
        *,
        previous: PlanId | None = None,
        connection: int | None = None,
        sdk: str | None = None,
    ) -> Iterator[of.ScheduledBatch]:
        """Streams the messages that lead to a plan, from a previous one or from nothing.

        Make a list of them before you wait for their times: the service closes the connection of a slow reader.
        """
        return self._items(requests.batch_stream(plan_id, previous, connection, sdk))

    def diff(self, plan_id: PlanId, *, previous: PlanId | None = None) -> of.PlanDiffAnswer:
        """Returns what differs between a plan and a previous one, or an empty one."""
        return self._send(requests.difference(plan_id, previous))

    def explain(self, plan_id: PlanId, instrument: str) -> of.ExplainAnswer:
        """Explains why a plan contains an instrument, or why it was left out."""
        return self._send(requests.explanation(plan_id, instrument))

    def verify(self, plan_id: PlanId) -> of.VerificationAnswer:
        """Compares a plan with the current catalog."""
        return self._send(requests.verification(plan_id))

    def rebalance(self, plan_id: PlanId) -> of.RebalanceAnswer:
        """Creates a plan of the same instruments with balanced connections."""
        return self._send(requests.rebalanced_plan(plan_id))

    def search(self, query: str | Json, *, page: int = 1, page_size: int = 50) -> of.SearchAnswer:
        """Searches instruments. The query is a text, or a body with filters."""
        return self._send(requests.search(query, page, page_size))

    def resolve(
        self,
        *,
        symbol: str | None = None,
        isin: str | None = None,
        exchange: str | None = None,
        instrument_type: str | None = None,
    ) -> of.ResolveAnswer:
        """Returns the instruments with a symbol or an ISIN."""
        criteria = {"symbol": symbol, "isin": isin, "exchange": exchange, "instrument_type": instrument_type}
        return self._send(requests.matches(**criteria))

    def resolve_keys(self, keys: Iterable[str]) -> of.BatchAnswer:
        """Returns the instrument of each key, or the reason why there is none."""
        return self._send(requests.resolved_keys(keys))

    def create_profile(
        self, profile: Json, *, user_id: str | None = None, idempotency_key: IdempotencyKey = AUTO
    ) -> of.ChangeAnswer:
        """Creates a profile. It has the fields of docs/profiles.md; `user_id` can be an argument."""
        return self._send(requests.new_profile(profile, user_id or self.user_id, idempotency_key))

    def profile(self, profile_id: str) -> of.ProfileReadAnswer:
        """Reads a profile."""
        return self._send(requests.one_profile(profile_id))

    def replan(self, profile_id: str) -> of.ReplanAnswer:
        """Creates the next plan of a profile, and compares it with the last one."""
        return self._send(requests.new_plan_of_profile(profile_id))

    def ingest(
        self,
        broker: str,
        *,
        source: str | None = None,
        file: str | os.PathLike[str] | None = None,
        idempotency_key: IdempotencyKey = AUTO,
        **options: Any,
    ) -> of.IngestAnswer:
        """Starts a job that ingests a broker's file: a source of the service, or a local file that is uploaded.

        The options are `force`, `file_date`, `mode`, `priority`, `exchanges`, `segments` and `instrument_types`, as in
        docs/catalogue.md. The last three are lists, or texts with commas. They can also be in `filters`.
        """
        return self._send(requests.new_job(broker, source, file, idempotency_key, options))

    def job(self, job_id: str) -> of.JobAnswer:
        """Reads a job."""
        return self._send(requests.one_job(job_id))

    def wait(self, job_id: str, *, timeout: float = 600.0, pause: float = 0.5) -> of.JobAnswer:
        """Reads a job every `pause` seconds until it ends. Its `status` can be `failed`.

        Raises `TimeoutError` if the job does not end within `timeout` seconds.
        """
        until = time.monotonic() + timeout
        while not requests.is_finished(job := self.job(job_id), until, time.monotonic()):
            time.sleep(pause)
        return job

    def _send(self, request: Request[T]) -> T:
        return request.parse(self.generated, self._http.send(request.build(self._http)))

    def _items(self, stream: Stream[T]) -> Iterator[T]:
        request = stream.request.build(self._http)
        request.extensions["is_streamed"] = True
        response, items = self._http.send(request, stream=True), ArrayItems(stream.array)
        try:
            for text in response.iter_text():
                for item in items.feed(text):
                    yield stream.parse(response, item)
            for item in items.finish():
                yield stream.parse(response, item)
        except httpx.TransportError as cause:
            raise errors.from_failure(request, cause) from cause
        except (ValueError, httpx.DecodingError) as cause:
            raise errors.invalid_response(response, cause) from cause
        finally:
            response.close()
