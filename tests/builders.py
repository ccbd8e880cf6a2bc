"""One function per noun: the least that a test must say, the rest filled in with what is usual."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from buyside.connectors.platform import Sellers
from buyside.connectors.registry import open_sellers
from buyside.domain.accounts import Account, Caller, Role, Surface
from buyside.domain.advertisers import Advertiser, AdvertiserSpec
from buyside.domain.advertisers import Status as AdvertiserStatus
from buyside.domain.campaigns import Budget, CampaignSpec
from buyside.domain.discovery import AgentResult, AgentState, Discovery, Selection
from buyside.domain.flight import Flight
from buyside.domain.ids import AccountId, AdvertiserId, AgentId, DiscoveryId, StorefrontId
from buyside.domain.jobs import Job
from buyside.domain.money import Money
from buyside.domain.products import ProductQuery
from buyside.domain.storefronts import ProbeStatus, Protocol, Seller, Source, Storefront, Visibility
from buyside.services import campaigns
from buyside.services.campaigns import CampaignView, NewCampaign
from buyside.services.work import Background, Policy, Runtime, Work
from buyside.store.accounts import Registry
from buyside.store.database import Database, OpenConnection
from buyside.store.vault import Vault

SECRET = b"a secret for tests only, 32 byte"
FAST = Policy(
    execute_deadline=5,
    call_timeout=3,
    read_timeout=3,
    probe_timeout=3,
    discovery_timeout=5,
    lease_margin=0.5,
    sweep_every=0.2,
    watch_every=0.2,
    pending_poll=0.2,
    pending_poll_max=1,
)
"""Short enough to wait for; the order of the times is that of a real installation."""


class Clock:
    """Real time, moved on by what a test adds: leases and pauses run out without waiting."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def pass_by(self, **span: float) -> None:
        self.ahead += timedelta(**span)


@dataclass
class World:
    """A server without its surfaces: a store, real connections to sellers, one account."""

    runtime: Runtime
    clock: Clock
    account: Account
    jobs: list[Job] = field(default_factory=list)

    def work(self, role: Role = Role.ADMIN, reason: str | None = None) -> Work:
        return Work(self.runtime, Caller(self.account.id, None, role, Surface.REST, "a test", reason))


@contextlib.asynccontextmanager
async def a_world(database: Database, *, policy: Policy = FAST, sellers: Sellers | None = None) -> AsyncIterator[World]:
    jobs: list[Job] = []

    async def later(_: OpenConnection, job: Job) -> None:
        jobs.append(job)

    clock = Clock()
    speaking = sellers or open_sellers(allow_private=True)
    runtime = Runtime(database, Vault(SECRET), speaking, later, policy, clock, Background())
    try:
        yield World(runtime, clock, await an_account(database, clock()), jobs)
    finally:
        await runtime.background.drain(5)
        await speaking.aclose()


async def an_account(database: Database, now: datetime, name: str = "Northwind") -> Account:
    async with database.write.begin() as conn:
        registry = Registry(conn)
        return await registry.named(name) or await registry.open(name, now)


async def an_advertiser(
    world: World, *, currency: str = "USD", brand: str | None = "northwind.example", **more: Any
) -> Advertiser:
    now = world.clock()
    new = Advertiser(
        AdvertiserId(0),
        AdvertiserSpec("Northwind", brand, currency, **more),
        AdvertiserStatus.ACTIVE,
        sandbox=False,
        currency_locked=False,
        created_at=now,
        updated_at=now,
    )
    async with world.work().writing() as tx:
        return await tx.advertisers.add(new)


async def a_seller(world: World, endpoint: str, name: str = "Sandbox", protocol: Protocol = Protocol.MCP) -> Seller:
    """A storefront with one source, probed over the wire."""
    now, work = world.clock(), world.work()
    agent = AgentId(work.new_id("agent"))
    async with work.writing() as tx:
        shop = await tx.storefronts.add(
            Storefront(StorefrontId(0), AccountId(world.account.id), name.lower(), name, Visibility.PRIVATE, now, now)
        )
        source = Source(
            agent, shop.id, "main", endpoint, protocol, True, ProbeStatus.UNAVAILABLE, None, None, None, name
        )
        await tx.storefronts.add_source(source, {})
        seller = await tx.storefronts.seller(agent)
    profile = await world.runtime.sellers.probe(seller)
    async with work.writing() as tx:
        await tx.storefronts.save_source(replace(source, profile=profile, probe_status=ProbeStatus.REACHABLE))
    return replace(seller, profile=profile)


@dataclass(frozen=True)
class Wanted:
    """One product to select: by its id at a seller."""

    seller: Seller
    product_id: str
    budget: Decimal | None = None
    bid: Decimal | None = None


async def a_session(world: World, advertiser: Advertiser, wanted: Sequence[Wanted]) -> DiscoveryId:
    """A discovery session in which these products were found and selected."""
    now, work = world.clock(), world.work()
    session = Discovery(DiscoveryId(work.new_id("session")), advertiser.id, None, {"brief": "any"}, 1, now, now)
    sellers = {w.seller.id: w.seller for w in wanted}
    async with work.writing() as tx:
        await tx.discoveries.add(session)
    for position, seller in enumerate(sellers.values()):
        offer = await world.runtime.sellers.products(seller, ProductQuery("wholesale"), timeout=5)
        result = AgentResult(
            seller.id,
            seller.name,
            seller.storefront_id,
            seller.storefront_name,
            AgentState.COMPLETE,
            1,
            products=offer.products,
            proposals=offer.proposals,
        )
        async with work.writing() as tx:
            await tx.discoveries.set_result(session.id, result, position)
    chosen = [Selection(w.product_id, w.seller.id, now, budget=w.budget, bid=w.bid) for w in wanted]
    async with work.writing() as tx:
        await tx.discoveries.select(session.id, chosen)
    return session.id


def a_spec(budget: str = "1000 USD", *, days: int = 30, start: datetime | None = None, **more: Any) -> CampaignSpec:
    amount, currency = budget.split()
    begin = start or datetime.now(UTC) - timedelta(hours=1)
    flight = Flight(begin, begin + timedelta(days=days))
    return CampaignSpec(more.pop("name", "Summer"), flight, Budget(Money.of(amount, currency)), **more)


async def a_campaign(
    world: World,
    wanted: Sequence[Wanted] = (),
    *,
    advertiser: Advertiser | None = None,
    spec: CampaignSpec | None = None,
) -> CampaignView:
    """DRAFT, with the wanted products staged."""
    owner = advertiser or await an_advertiser(world)
    made = spec or a_spec()
    if wanted:
        made = replace(made, discovery_id=await a_session(world, owner, wanted))
    return await campaigns.create(world.work(), NewCampaign(owner.id, lambda _: made, made.budget.total.currency))
