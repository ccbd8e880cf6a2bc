from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from buyside.domain import declarations
from buyside.domain.accounts import Right
from buyside.domain.declarations import Declared, together
from buyside.domain.discovery import AgentResult, AgentState
from buyside.domain.ids import AgentId, StorefrontId
from buyside.domain.storefronts import (
    AuthKind,
    Credential,
    CredentialType,
    ProbeStatus,
    Source,
    Storefront,
    Visibility,
)
from buyside.services import profiles
from buyside.services.work import Tx, Work

FRESH = timedelta(hours=24)
"""How old what we know of a seller may be when somebody asks for it."""
SEEN_SESSIONS = 50
"""Discovery sessions, the latest, from which response times and publishers are taken."""


@dataclass(frozen=True)
class Performance:
    """How the storefront's agents answered in this account's latest discoveries. Milliseconds."""

    samples: int = 0
    successes: int = 0
    timeouts: int = 0
    average_ms: int | None = None
    slowest_ms: int | None = None
    last_ms: int | None = None
    last_at: datetime | None = None


@dataclass(frozen=True)
class SourceView:
    source: Source
    declared: Declared
    auth: AuthKind
    credentials: tuple[Credential, ...]
    """Accounts of ours at this source."""

    @property
    def requires_credentials(self) -> bool:
        return self.source.profile is not None and self.source.profile.requires_account_id

    @property
    def connected(self) -> bool:
        return bool(self.credentials) or not self.requires_credentials

    @property
    def blockers(self) -> tuple[str, ...]:
        """Why nothing can be bought there now, in stable words."""
        profile = self.source.profile
        found = {
            "seller_unreachable": self.source.probe_status is not ProbeStatus.REACHABLE,
            "credentials_required": not self.connected,
            "no_create_media_buy": profile is not None and "create_media_buy" not in profile.tools,
        }
        return tuple(name for name, holds in found.items() if holds)


@dataclass(frozen=True)
class StorefrontView:
    storefront: Storefront
    sources: tuple[SourceView, ...]
    performance: Performance
    publishers: tuple[str, ...]
    """Domains: declared by the agents, and seen in what they offered."""
    default_billing: str

    @property
    def connected(self) -> bool:
        return all(each.connected for each in self.sources)

    @property
    def can_transact(self) -> bool:
        return any(not each.blockers for each in self.sources)

    @property
    def status(self) -> str:
        return "transacting" if self.can_transact else "configuring"

    @property
    def blockers(self) -> tuple[str, ...]:
        return () if self.can_transact else together(*(each.blockers for each in self.sources))

    @property
    def channels(self) -> tuple[str, ...]:
        return together(*(each.declared.channels for each in self.sources))

    @property
    def countries(self) -> tuple[str, ...]:
        return together(*(each.declared.countries for each in self.sources))

    @property
    def billing(self) -> tuple[str, ...]:
        """Who may be invoiced here: as the agents declare, else as we would ask for it."""
        said = together(*(each.source.profile.billing for each in self.sources if each.source.profile))
        return said or together(each.source.billing or self.default_billing for each in self.sources)


@dataclass(frozen=True)
class Filter:
    name: str | None = None
    visibility: Visibility | None = None
    """None: the account's own and the public ones (ruling 0.8)."""
    status: str | None = None
    """Of the contract's labels a storefront here is transacting or configuring, never another."""
    channel: str | None = None
    region: str | None = None
    publisher_domain: str | None = None

    @property
    def looks_inside(self) -> bool:
        """It asks for what only the profiles know."""
        return any(each is not None for each in (self.status, self.channel, self.region, self.publisher_domain))

    def takes(self, shop: StorefrontView) -> bool:
        domain = (self.publisher_domain or "").lower().strip(".")
        return (
            (self.status is None or shop.status == self.status)
            and (self.channel is None or self.channel.lower() in shop.channels)
            and (self.region is None or self.region.upper() in shop.countries)
            and (not domain or any(p == domain or p.endswith(f".{domain}") for p in shop.publishers))
        )


async def page(work: Work, wanted: Filter, *, limit: int, offset: int) -> tuple[list[StorefrontView], int]:
    """One page by id, and how many there are in all."""
    work.require(Right.READ)
    async with work.reading() as tx:
        if not wanted.looks_inside:
            shops, total = await tx.storefronts.page(
                visibility=wanted.visibility, name=wanted.name, limit=limit, offset=offset
            )
            return await _views(tx, work, shops), total
        # Storefronts are registered by hand: few enough to look at each.
        found = [shop for shop in await _views(tx, work, await _named(tx, wanted)) if wanted.takes(shop)]
    return found[offset : offset + limit], len(found)


async def _named(tx: Tx, wanted: Filter) -> list[Storefront]:
    every = await tx.storefronts.every()
    return [
        shop
        for shop in every
        if (wanted.visibility is None or shop.visibility is wanted.visibility)
        and (wanted.name is None or wanted.name.casefold() in shop.name.casefold())
    ]


async def get(work: Work, storefront_id: StorefrontId) -> StorefrontView:
    """Raises: NotFound."""
    work.require(Right.READ)
    return await view(work, storefront_id)


async def view(work: Work, storefront_id: StorefrontId) -> StorefrontView:
    async with work.reading() as tx:
        return (await _views(tx, work, [await tx.storefronts.get(storefront_id)]))[0]


async def capabilities(work: Work, storefront_id: StorefrontId) -> StorefrontView:
    """As `get`, of sellers that were asked within a day: the others are asked now. Raises: NotFound."""
    work.require(Right.READ)
    found = await view(work, storefront_id)
    stale = {each.source.agent_id for each in found.sources if _is_stale(each.source, work.now())}
    if not stale:
        return found
    async with work.reading() as tx:
        sellers = [each for each in await tx.storefronts.sellers([storefront_id]) if each.id in stale]
    await profiles.refresh(work, sellers)
    return await view(work, storefront_id)


def _is_stale(source: Source, now: datetime) -> bool:
    return source.probed_at is None or now - source.probed_at > FRESH


async def _views(tx: Tx, work: Work, shops: Sequence[Storefront]) -> list[StorefrontView]:
    ids = [shop.id for shop in shops]
    kinds = await tx.storefronts.auth_kinds(ids)
    credentials = [each for each in await tx.storefronts.credentials() if each.account_type is CredentialType.CLIENT]
    agents = [source.agent_id for shop in shops for source in shop.sources]
    seen = await tx.discoveries.recent(agents, SEEN_SESSIONS) if agents else {}
    return [_view(work, shop, kinds, credentials, seen) for shop in shops]


def _view(
    work: Work,
    shop: Storefront,
    kinds: Mapping[AgentId, AuthKind],
    credentials: Sequence[Credential],
    seen: Mapping[AgentId, Sequence[tuple[AgentResult, datetime]]],
) -> StorefrontView:
    sources = tuple(
        SourceView(
            source,
            declarations.declared(source.profile),
            kinds.get(source.agent_id, AuthKind.NONE),
            tuple(c for c in credentials if (c.storefront_id, c.source_id) == (shop.id, source.source_id)),
        )
        for source in shop.sources
    )
    results = [result for source in shop.sources for result in seen.get(source.agent_id, ())]
    domains = together(
        *(each.declared.publisher_domains for each in sources),
        *(facts.domains for result, _ in results for facts in result.shelf.facts),
    )
    return StorefrontView(shop, sources, _performance(results), domains, work.policy.billing)


def _performance(results: Sequence[tuple[AgentResult, datetime]]) -> Performance:
    asked = [(r, at) for r, at in results if r.state in (AgentState.COMPLETE, AgentState.TIMEOUT, AgentState.FAILED)]
    if not asked:
        return Performance()
    took = [r.duration_ms for r, _ in asked if r.duration_ms is not None]
    last, last_at = max(asked, key=lambda pair: pair[1])
    return Performance(
        samples=len(asked),
        successes=sum(r.state is AgentState.COMPLETE for r, _ in asked),
        timeouts=sum(r.state is AgentState.TIMEOUT for r, _ in asked),
        average_ms=round(sum(took) / len(took)) if took else None,
        slowest_ms=max(took, default=None),
        last_ms=last.duration_ms,
        last_at=last_at,
    )


@dataclass(frozen=True)
class Publisher:
    domain: str
    verified: bool = False
    """Nobody verifies publishers here: that takes reading each one's adagents.json."""


@dataclass(frozen=True)
class Publishers:
    found: tuple[Publisher, ...]
    total: int
    verified: int


async def publishers(
    work: Work, storefront_id: StorefrontId, *, verified: bool | None, text: str | None, limit: int, offset: int
) -> Publishers:
    """Domains that the storefront's agents declare, or that stood in what they offered this account.

    Raises: NotFound.
    """
    work.require(Right.READ)
    shop = await view(work, storefront_id)
    found = [
        each
        for each in map(Publisher, sorted(shop.publishers))
        if (verified is None or each.verified is verified) and (text or "").lower() in each.domain
    ]
    return Publishers(tuple(found[offset : offset + limit]), len(found), sum(each.verified for each in found))
