"""The common part of all feeds: it changes from plan to plan, and restores subscriptions after a reconnect."""

from __future__ import annotations

import itertools
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Event, Thread
from typing import Any, ClassVar, Self

from ..client import Client
from ..errors import ConfigurationError, RegistryError, Unavailable
from ..generated.models import BatchAction, PlanAnswer, Reason, Rejection, ScheduledBatch
from ..generated.types import Unset
from ..requests import Json, body_of, id_of

logger = logging.getLogger(__name__)

# The number of rejected keys that a message shows.
REJECTED_SHOWN = 5


def number_of(batch: ScheduledBatch) -> int:
    if isinstance(batch.connection, Unset):
        raise ValueError("the plan is not streamed: its schedule has requests instead of subscriptions")
    return batch.connection


#: What an account has at the broker: the arguments of a feed's constructor between `registry` and the handler.
Credentials = tuple[str, ...]


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def summary_of(rejections: Sequence[Rejection]) -> str:
    """Returns a text with the number of rejected keys and the first of them, or an empty text if there are none."""
    # The instrument of a duplicate is in the plan.
    rejected = [entry for entry in rejections if entry.reason != Reason.DUPLICATE]
    if not rejected:
        return ""
    first = ", ".join(f"{entry.instrument} ({entry.reason})" for entry in rejected[:REJECTED_SHOWN])
    return f"rejected keys ({len(rejected)}): {first}" + (", ..." if len(rejected) > REJECTED_SHOWN else "")


class Feed(ABC):
    """Subscribes plans through the SDK of a broker.

    The constructor takes the credentials of one account, `of_accounts` the credentials of several accounts.

    `subscribe` and `apply` return after the last message. Do not call them while a connection is down, or in two
    threads at once. `connections` has the object of the SDK for each open connection, by its number. `plan_id` is the
    plan whose messages were sent last.
    """

    sdk: ClassVar[str]
    #: The endpoints of the broker that the feed serves.
    endpoints: ClassVar[frozenset[str]] = frozenset({"market"})
    #: The longest wait, in seconds, for a connection to open.
    open_seconds = 60.0

    def __init__(self, registry: Client, credentials: Credentials, *, allow_empty: bool) -> None:
        if not isinstance(registry, Client):
            raise TypeError(f"expected a `Client`, got {registry!r}; a feed uses threads")
        self.registry, self.credentials, self.allow_empty = registry, credentials, allow_empty
        #: The credentials by account. Without them, every connection has those of the constructor.
        self.accounts: dict[str, Credentials] = {}
        self.connections: dict[int, Any] = {}
        self.plan_id: str | None = None
        # The account of each open connection.
        self._opened_for: dict[int, str] = {}

    @classmethod
    def of_accounts(
        cls,
        registry: Client,
        accounts: Mapping[str, str | Sequence[str]],
        handler: Callable[[Any], object],
        *,
        allow_empty: bool = False,
    ) -> Self:
        """Returns a feed for several accounts.

        `accounts` has the credentials of each account by its name in the plan, such as
        `{"desk_a": (api_key, access_token)}`: the arguments of the constructor between `registry` and the handler.
        """
        if not accounts:
            raise ValueError("expected the credentials of at least one account")
        construct: Any = cls
        feeds = {
            name: construct(registry, *([given] if isinstance(given, str) else given), handler, allow_empty=allow_empty)
            for name, given in accounts.items()
        }
        feed: Self = next(iter(feeds.values()))
        feed.accounts = {name: of_account.credentials for name, of_account in feeds.items()}
        return feed

    def subscribe(self, request: Json, user_id: str | None = None) -> PlanAnswer:
        """Creates a plan that keeps the placement of the last one, and applies it.

        Logs a warning with the keys that the plan lacks. A plan without instruments raises `ValueError`, and the last
        plan stays subscribed, unless the feed was created with `allow_empty=True`.
        """
        content = body_of(request).to_dict()
        # A profile can name the broker.
        broker = content.get("broker") or (self.sdk if "profile_id" in content else None)
        if broker != self.sdk:
            raise ValueError(f'expected `"broker": "{self.sdk}"` in the request, got {broker!r}')
        answer = self.registry.create_plan({**content, "previous_plan_id": self.plan_id}, user_id=user_id)
        plan = answer.plan_data
        rejected = summary_of(plan.rejected)
        if not plan.instruments and not self.allow_empty:
            raise ValueError(f"the plan has no instruments; {rejected or 'the request has none'}")
        if rejected:
            logger.warning("plan %s: %s", answer.plan_id, rejected)
        self.apply(id_of(answer.plan_id))
        return answer

    def apply(self, plan_id: str) -> None:
        """Sends the messages that lead from the last plan to this one.

        If the SDK fails, all connections are closed, and the next plan is subscribed from the start.
        """
        # Until the schedule is there and the connections are open, the last plan is still the one at the broker.
        batches = self.fetch(plan_id, previous=self.plan_id)
        self.check(batches)
        accounts = {number_of(batch): batch.account or None for batch in batches}
        # A connection that opens after a close takes its place.
        opened_first = itertools.takewhile(lambda batch: batch.action != BatchAction.CLOSE, batches)
        for number in sorted({number_of(batch) for batch in opened_first} - self.connections.keys()):
            self.connect(number, accounts[number])
        self.plan_id = plan_id
        try:
            self.send(batches)
        except BaseException:
            # The subscriptions are those of neither plan.
            self.close()
            raise

    def check(self, batches: Iterable[ScheduledBatch]) -> None:
        """Raises `ValueError` if a schedule needs endpoints or credentials that the feed does not have."""
        batches = list(batches)
        others = {batch.endpoint for batch in batches if batch.endpoint} - self.endpoints
        if others:
            raise ValueError(
                f"the plan has subscriptions at the endpoint {quoted(others)}; "
                f"this feed serves only {quoted(self.endpoints)}"
            )
        names = {batch.account for batch in batches if batch.account}
        if self.accounts and names - self.accounts.keys():
            raise ValueError(
                f"the plan uses the account {quoted(names - self.accounts.keys())}; "
                f"this feed has the credentials of {quoted(self.accounts)}"
            )
        names |= set(self._opened_for.values())
        if not self.accounts and len(names) > 1:
            raise ValueError(
                f"the plan uses the accounts {quoted(names)}; this feed has the credentials of one account. "
                'Create it with `Feed.of_accounts`, or request the plan with `"accounts": [NAME]`'
            )

    def close(self) -> None:
        """Closes all connections. The next plan is subscribed from the start."""
        self.plan_id = None
        while self.connections:
            self.remove(next(iter(self.connections)))

    def remove(self, number: int) -> None:
        """Closes a connection."""
        self._opened_for.pop(number, None)
        self.disconnect(self.connections.pop(number))

    def fetch(
        self, plan_id: str, *, previous: str | None = None, connection: int | None = None
    ) -> list[ScheduledBatch]:
        """Returns all messages of a schedule."""
        return list(self.registry.schedule(plan_id, previous=previous, connection=connection, sdk=self.sdk))

    def send(self, batches: Iterable[ScheduledBatch], *, is_restored: bool = False) -> None:
        """Sends messages at their times. A connection that was closed meanwhile is not restored."""
        at_ms = 0
        for batch in batches:
            time.sleep((batch.at_ms - at_ms) / 1000)
            at_ms, number = batch.at_ms, number_of(batch)
            if batch.action == BatchAction.CLOSE:
                self.remove(number)
                continue
            if number not in self.connections:
                if is_restored:
                    return
                self.connect(number, batch.account or None)
            for message in batch.messages or []:
                self.call(self.connections[number], batch.action, message)

    def connect(self, number: int, account: str | None = None) -> None:
        """Opens a connection, and waits until it is open. Whenever it opens again, its schedule is sent again.

        It has the credentials of the account, or those of the constructor.
        """
        opened = Event()
        fault: object = "the SDK reported no cause; check the network and the credentials"

        def on_error(reported: object) -> None:
            nonlocal fault
            fault = reported

        def on_open() -> None:
            if opened.is_set():
                Thread(target=self.restore, args=[number], daemon=True).start()
            opened.set()

        credentials = self.accounts[account] if account and self.accounts else self.credentials
        self.connections[number] = connection = self.new_connection(credentials, on_open, on_error)
        if account:
            self._opened_for[number] = account
        self.start(connection)
        if not opened.wait(self.open_seconds):
            self.connections.pop(number, None)
            self._opened_for.pop(number, None)
            self.disconnect(connection)
            raise TimeoutError(f"connection {number} did not open within {self.open_seconds:.0f} s: {fault}")

    def restore(self, number: int) -> None:
        """Subscribes the instruments of a connection that opened again. Retries until the service responds."""
        while number in self.connections and self.plan_id is not None:
            try:
                self.send(self.fetch(self.plan_id, connection=number), is_restored=True)
            except (Unavailable, ConfigurationError) as fault:
                logger.warning("failed to fetch the schedule of connection %d; retrying: %s", number, fault)
                time.sleep(fault.retry_after or 1.0)
            except RegistryError:
                logger.exception("failed to fetch the schedule of connection %d", number)
                return
            else:
                return

    @abstractmethod
    def new_connection(
        self, credentials: Credentials, on_open: Callable[[], None], on_error: Callable[[object], None]
    ) -> Any:
        """Returns an object of the SDK with these credentials.

        It calls `on_open` whenever its connection opens, and `on_error` with the cause whenever it fails.
        """

    @abstractmethod
    def start(self, connection: Any) -> None:
        """Starts to connect, and returns at once."""

    @abstractmethod
    def call(self, connection: Any, action: BatchAction, message: Any) -> None:
        """Calls the SDK with the arguments of a message."""

    @abstractmethod
    def disconnect(self, connection: Any) -> None:
        """Closes a connection for good."""
