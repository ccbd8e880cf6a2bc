"""What a use case works with: who is calling, what time it is, new ids, and the store, one transaction at a time.

The only module that reads the clock and draws random numbers.
"""

from __future__ import annotations

import asyncio
import secrets
import string
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from buyside.connectors.platform import Sellers
from buyside.domain.accounts import Caller, Right, Role, Surface
from buyside.domain.advertisers import FeeTerm
from buyside.domain.decisions import CreatedVia, Decision, EntryType, Subject
from buyside.domain.ids import AccountId, DecisionId, NotificationId
from buyside.domain.jobs import Job
from buyside.domain.notifications import Notice, Notification
from buyside.store.accounts import AccountRepository
from buyside.store.advertisers import AdvertiserRepository
from buyside.store.audiences import AudienceRepository
from buyside.store.campaigns import CampaignRepository
from buyside.store.catalogs import CatalogRepository
from buyside.store.creatives import CreativeRepository
from buyside.store.data_delivery import DataDeliveryRepository
from buyside.store.database import Database, OpenConnection
from buyside.store.decisions import DecisionRepository
from buyside.store.delivery import DeliveryRepository
from buyside.store.discoveries import DiscoveryRepository
from buyside.store.frequency_caps import FrequencyCapRepository
from buyside.store.media_buys import MediaBuyRepository
from buyside.store.notifications import NotificationRepository
from buyside.store.operations import OperationRepository
from buyside.store.reports import ReportRepository
from buyside.store.stops import StopRepository
from buyside.store.storefronts import PublicStorefronts, StorefrontRepository
from buyside.store.vault import Vault

Later = Callable[[OpenConnection, Job], Awaitable[None]]

_BASE62 = string.digits + string.ascii_letters


def utc_now() -> datetime:
    return datetime.now(UTC)


def random_text(length: int, alphabet: str = _BASE62) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


@dataclass(frozen=True)
class Policy:
    """The settings that use cases need, as values. Durations in seconds."""

    operator_domain: str | None = None
    billing: str = "operator"
    default_currency: str = "USD"
    default_fees: tuple[FeeTerm, ...] = ()
    utm_source: str = "buyside"
    metro_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the operator calls metros: system to code to name."""
    public_url: str | None = None
    execute_deadline: float = 25
    call_timeout: float = 30
    read_timeout: float = 15
    probe_timeout: float = 10
    discovery_timeout: float = 60
    lease_margin: float = 15
    sweep_every: float = 10
    watch_every: float = 15
    pending_poll: float = 30
    pending_poll_max: float = 600
    over_budget: str = "notify"
    delivery_every: float = 3600
    delivery_rereads: float = 30
    key_cache: float = 5
    discovery_retention: int = 90
    """Days."""

    @property
    def lease(self) -> timedelta:
        """Longer than a call's hard timeout: past it, whoever held an operation is gone."""
        return timedelta(seconds=self.call_timeout + self.lease_margin)


@dataclass
class Background:
    """Calls that outlive the request that began them. What is lost with the process, the sweep takes up."""

    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def start(self, running: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(running)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def drain(self, timeout: float) -> None:
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=timeout)
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@dataclass
class Runtime:
    """Everything that lives as long as the process. Made by bootstrap."""

    database: Database
    vault: Vault
    sellers: Sellers
    later: Later
    policy: Policy = field(default_factory=Policy)
    clock: Callable[[], datetime] = utc_now
    background: Background = field(default_factory=Background)
    jobs_run: Callable[[], Awaitable[bool]] | None = None
    """Whether the jobs of the store are being run, by this process or another; None where there are none."""
    on_new_account: Callable[[AccountId], Awaitable[None]] | None = None
    callers: dict[bytes, tuple[Caller, datetime]] = field(default_factory=dict)
    """API key digests seen lately, until when they are believed without looking."""

    def as_system(self, account: AccountId, doing: str) -> Work:
        """Work that the clock or a recovery does on an account's behalf."""
        return Work(self, Caller(account, None, Role.ADMIN, Surface.SYSTEM, doing))


@dataclass
class Reverting:
    """The entry that a piece of work takes back. The first entry of the action `by` names it; no later one does."""

    entry: Decision
    by: str
    named: bool = False

    def name(self, action: str, subject: Subject) -> DecisionId | None:
        if self.named or action != self.by or subject != self.entry.subject:
            return None
        self.named = True
        return self.entry.id


class Tx:
    """One connection and the repositories on it, all scoped to the caller's account."""

    def __init__(self, work: Work, conn: OpenConnection) -> None:
        self._work, self._conn = work, conn
        self._account, self._vault = work.caller.account, work.runtime.vault

    @cached_property
    def accounts(self) -> AccountRepository:
        return AccountRepository(self._conn, self._account)

    @cached_property
    def advertisers(self) -> AdvertiserRepository:
        return AdvertiserRepository(self._conn, self._account)

    @cached_property
    def storefronts(self) -> StorefrontRepository:
        return StorefrontRepository(self._conn, self._account, self._vault)

    @cached_property
    def public_storefronts(self) -> PublicStorefronts:
        return PublicStorefronts(self._conn)

    @cached_property
    def discoveries(self) -> DiscoveryRepository:
        return DiscoveryRepository(self._conn, self._account)

    @cached_property
    def campaigns(self) -> CampaignRepository:
        return CampaignRepository(self._conn, self._account)

    @cached_property
    def media_buys(self) -> MediaBuyRepository:
        return MediaBuyRepository(self._conn, self._account)

    @cached_property
    def operations(self) -> OperationRepository:
        return OperationRepository(self._conn, self._account, self._vault)

    @cached_property
    def creatives(self) -> CreativeRepository:
        return CreativeRepository(self._conn, self._account)

    @cached_property
    def stops(self) -> StopRepository:
        return StopRepository(self._conn, self._account)

    @cached_property
    def audiences(self) -> AudienceRepository:
        return AudienceRepository(self._conn, self._account)

    @cached_property
    def catalogs(self) -> CatalogRepository:
        return CatalogRepository(self._conn, self._account)

    @cached_property
    def data_delivery(self) -> DataDeliveryRepository:
        return DataDeliveryRepository(self._conn, self._account)

    @cached_property
    def frequency_caps(self) -> FrequencyCapRepository:
        return FrequencyCapRepository(self._conn, self._account)

    @cached_property
    def decisions(self) -> DecisionRepository:
        return DecisionRepository(self._conn, self._account)

    @cached_property
    def delivery(self) -> DeliveryRepository:
        return DeliveryRepository(self._conn, self._account)

    @cached_property
    def notifications(self) -> NotificationRepository:
        return NotificationRepository(self._conn, self._account)

    @cached_property
    def reports(self) -> ReportRepository:
        return ReportRepository(self._conn, self._account)

    async def notify(self, notice: Notice, subject: Subject) -> bool:
        """Tell people, in this transaction, unless it is what they were told last; whether they were told."""
        told = await self.notifications.last_state(notice.topic)
        if told == notice.state or (told is None and notice.quiet_at_first):
            return False
        now = self._work.now()
        new = NotificationId(f"notif_{int(now.timestamp())}_{random_text(10)}")
        await self.notifications.add(Notification(new, notice, subject, now))
        return True

    async def later(self, job: Job) -> None:
        """Leave a job that exists exactly when this transaction commits."""
        await self._work.runtime.later(self._conn, job)

    async def record(
        self,
        action: str,
        text: str,
        subject: Subject,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        entry_type: EntryType = EntryType.EDIT,
        metadata: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> Decision:
        """Write down who changed what and why, in this transaction: no change without its entry.

        `reason`: that of this very change; None: the caller's for all that it does.
        """
        caller, reverting = self._work.caller, self._work.reverting
        entry = Decision(
            id=DecisionId(self._work.new_id("decentry", 24)),
            at=self._work.now(),
            entry_type=entry_type,
            created_via=CreatedVia.AD_SYNC if caller.surface is Surface.SYSTEM else CreatedVia.TOOL,
            action=action,
            text=text,
            subject=subject,
            surface=caller.surface,
            actor=caller.name,
            key=caller.key,
            fingerprint=self._vault.fingerprint(f"key {caller.key}") if caller.key is not None else None,
            reason=reason or caller.reason,
            before=before,
            after=after,
            metadata=metadata or {},
            reverts=reverting.name(action, subject) if reverting is not None else None,
        )
        await self.decisions.add(entry)
        return entry


@dataclass(frozen=True)
class Work:
    """One caller's piece of work. Use cases take it first and never see a connection."""

    runtime: Runtime
    caller: Caller
    reverting: Reverting | None = None
    dry: bool = False
    """For previews of what calls nobody: every transaction is taken back at its end."""

    @property
    def policy(self) -> Policy:
        return self.runtime.policy

    @property
    def sellers(self) -> Sellers:
        return self.runtime.sellers

    def now(self) -> datetime:
        return self.runtime.clock()

    def new_id(self, prefix: str, length: int = 10) -> str:
        return f"{prefix}_{random_text(length)}"

    def new_number(self, prefix: str, digits: int = 12) -> str:
        """A prefix and digits that do not begin with 0."""
        return f"{prefix}_{random_text(1, string.digits[1:])}{random_text(digits - 1, string.digits)}"

    def new_key(self) -> str:
        """An idempotency key; AdCP asks for a UUID v4."""
        return str(uuid.uuid4())

    def require(self, right: Right) -> None:
        """Raises: Forbidden."""
        self.caller.require(right)

    def because(self, reason: str | None) -> Work:
        return replace(self, caller=replace(self.caller, reason=reason))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """Single statements, each on its own snapshot. For values that must agree use `writing`."""
        async with self.runtime.database.read.connect() as conn:
            yield Tx(self, conn)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Tx]:
        """One transaction. Never nested: on SQLite the inner one would wait for the outer in vain."""
        async with self.runtime.database.write.begin() as conn:
            yield Tx(self, conn)
            if self.dry:
                await conn.rollback()
