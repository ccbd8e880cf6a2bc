"""Offers of thousands of products: what they cost beside few, and how long the event loop is kept from others."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bench.bare import BareBuyer, client
from bench.figures import Took, median, ms, show, timed, times
from bench.sellers import Shop, Shops
from bench.stage import Stage
from buyside.domain.discovery import Selection
from buyside.domain.searches import Narrowing, Wish
from buyside.domain.storefronts import Seller
from buyside.services import campaigns, discovery
from buyside.services.discovery import Ask
from buyside.services.work import Policy
from buyside.store.database import Database
from tests.builders import World, a_campaign, a_seller, a_spec, a_world, an_advertiser

Result = TypeVar("Result")
BARE = "bare httpx, each page parsed"


@dataclass(frozen=True)
class Kept:
    took: Took
    turn: float
    """CPU seconds of the loop's thread in the longest time in which another caller had no turn."""


Flow = Mapping[str, Sequence[Kept]]
"""Round by round, by what was done."""


class Turns:
    """A caller that wants a turn every millisecond: how much the loop's thread worked between two of its turns.

    Its own CPU time, so that other programs on the machine do not show; up to that millisecond is its own waiting.
    """

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now = time.thread_time()
            self.longest, last = max(self.longest, now - last), now


class Measuring:
    def __init__(self) -> None:
        self.flow: dict[str, list[Kept]] = defaultdict(list)

    async def of(self, name: str, act: Callable[[], Awaitable[Result]]) -> Result:
        turns, results = Turns(), []

        async def acting() -> None:
            results.append(await act())
            await asyncio.sleep(0.003)  # so that the last turn is seen too

        watching = asyncio.create_task(turns.watch())
        await asyncio.sleep(0)
        took = await timed(acting)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        self.flow[name].append(Kept(took, turns.longest))
        return results[0]


@dataclass(frozen=True)
class Offers:
    few: Flow
    many: Flow
    bare: Kept


async def section(stage: Stage) -> None:
    effort = stage.effort
    measured = await stage.on_each(lambda database: measure(database, stage.shops, effort.rounds, effort.products))
    report(measured, effort.products)


async def measure(database: Database, shops: Shops, rounds: int, products: int) -> Offers:
    few = await _flows(database, shops.each[0], rounds)
    many = await _flows(database, shops.plenty, rounds)
    asked = await shops.last_asked(shops.plenty, "get_products")
    measuring = Measuring()
    async with client() as opened:
        bare = BareBuyer(opened)
        for _ in range(1 + rounds):
            assert await measuring.of(BARE, lambda: bare.pages(shops.plenty.mcp_url, asked)) == products
    return Offers(few, many, _median(measuring.flow[BARE][1:]))


async def _flows(database: Database, shop: Shop, rounds: int) -> Flow:
    """A first round, not counted, opens connections."""
    async with a_world(database, policy=replace(Policy(), execute_deadline=60)) as world:
        seller, measuring = await a_seller(world, shop.mcp_url, shop.name), Measuring()
        for _ in range(1 + rounds):
            await _flow(world, seller, shop.product_id, measuring)
    return {name: kept[1:] for name, kept in measuring.flow.items()}


async def _flow(world: World, seller: Seller, product_id: str, measuring: Measuring) -> None:
    """From a search to a running campaign."""
    advertiser = await an_advertiser(world)
    ask = Ask(advertiser.id, Wish(brief="shoes"), wait_seconds=60, channels=())
    found = await measuring.of("discovery", lambda: discovery.discover(world.work(), ask))
    session = found.session.id
    await measuring.of("a page of it", lambda: discovery.browse(world.work(), session))
    narrowing = Narrowing(pricing_model="cpm")
    await measuring.of("a narrowed page", lambda: discovery.browse(world.work(), session, narrowing=narrowing))
    async with world.work().writing() as tx:
        await tx.discoveries.select(session, [Selection(product_id, seller.id, world.clock())])
    spec = replace(a_spec("1000 USD"), discovery_id=session)
    view = await measuring.of("a campaign from it", lambda: a_campaign(world, advertiser=advertiser, spec=spec))
    done = await measuring.of("execute", lambda: campaigns.execute(world.work(), view.campaign.id))
    assert done.success, done


def _median(kept: Sequence[Kept]) -> Kept:
    took = Took(median(k.took.wall for k in kept), median(k.took.cpu for k in kept))
    return Kept(took, median(k.turn for k in kept))


def report(measured: Mapping[str, Offers], products: int) -> None:
    rows = []
    for kind, offers in measured.items():
        for name, rounds in offers.many.items():
            many, few = _median(rounds), _median(offers.few[name])
            more = [ms(many.took.cpu), ms(few.took.cpu), times(many.took.cpu / few.took.cpu)]
            rows.append(
                [f"{name}, {kind}", ms(many.took.wall), *more, ms(many.turn), times(many.turn / offers.bare.turn)]
            )
        bare = offers.bare
        rows.append([f"  {BARE}", ms(bare.took.wall), ms(bare.took.cpu), "", "", ms(bare.turn), "1"])
    show(
        f"One seller that offers {products:,} products, beside one that offers few",
        ["", "wall", "CPU", "of few", "÷ few", "longest turn of the loop", "÷ bare's"],
        rows,
    )
