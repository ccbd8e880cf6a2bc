"""Twenty sellers: what discovery and execute take beyond the slowest of them, beside the same calls by bare httpx."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bench.bare import BareBuyer, Calls, client
from bench.figures import Took, median, ms, show, timed, times
from bench.sellers import Shops
from bench.stage import Stage
from buyside.domain.searches import Wish
from buyside.domain.storefronts import Seller
from buyside.services import campaigns, discovery
from buyside.services.discovery import Ask
from buyside.services.work import Policy
from buyside.store.database import Database
from tests.builders import World, a_campaign, a_spec, a_world, an_advertiser

DELAY = 0.2
"""Seconds that every call takes at every seller."""


@dataclass(frozen=True)
class Round:
    took: Took
    calls: int
    slowest: float
    """Seconds that the slowest seller worked, by its own clock: no round can take less."""


class Rounds:
    def __init__(self, shops: Shops, act: Callable[[], Awaitable[object]]) -> None:
        self._shops, self._act = shops, act
        self.asked: dict[str, Calls] = {}
        self.done: list[Round] = []

    async def one(self) -> None:
        before = await self._shops.counted()
        took = await timed(self._act)
        calls = await self._shops.calls(before)
        slowest = max(sum(call["duration_ms"] for call in log) for log in calls) / 1000
        self.asked = {shop.mcp_url: log for shop, log in zip(self._shops.each, calls, strict=True)}
        self.done.append(Round(took, sum(map(len, calls)), slowest))

    def forget(self) -> None:
        """The rounds up to now were to warm up."""
        self.done.clear()

    def row(self, name: str, peer: float | None = None) -> list[str]:
        wall = median(r.took.wall for r in self.done)
        beyond = median(r.took.wall / r.slowest for r in self.done)
        calls = self.done[-1].calls
        return [name, str(calls), ms(wall), times(beyond), ms(self.cpu), times(self.cpu / peer) if peer else "1"]

    @property
    def cpu(self) -> float:
        """Seconds a call."""
        return median(r.took.cpu / r.calls for r in self.done)


async def section(stage: Stage) -> None:
    await stage.on_each(lambda database: measure(database, stage.shops, stage.effort.rounds))


async def measure(database: Database, shops: Shops, rounds: int) -> None:
    async with (
        a_world(database, policy=replace(Policy(), execute_deadline=60)) as world,
        client() as opened,
    ):
        bare = BareBuyer(opened)
        sellers = await shops.connect(world)
        found, found_bare = await _discoveries(world, shops, bare, rounds)
        bought, bought_bare = await _executes(world, shops, sellers, bare, rounds)
        # The same again, each round with sessions of its own.
        again = Rounds(shops, lambda: bare.make(found.asked))
        await shops.delay(DELAY)
        for _ in range(rounds):
            bare.forget()
            await again.one()
        await shops.delay(0)
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    show(
        f"{len(shops.each)} sellers that take {DELAY * 1000:g} ms a call; store: {kind}; medians of {rounds}",
        ["", "calls", "wall", "÷ slowest seller", "CPU a call", "÷ bare"],
        [
            found.row("discovery", found_bare.cpu),
            found_bare.row("  bare httpx, sessions open"),
            again.row("  bare httpx, initialise first", found_bare.cpu),
            bought.row("execute", bought_bare.cpu),
            bought_bare.row("  bare httpx, sessions open"),
        ],
    )


async def _discoveries(world: World, shops: Shops, bare: BareBuyer, rounds: int) -> tuple[Rounds, Rounds]:
    advertiser = await an_advertiser(world)
    ask = Ask(advertiser.id, Wish(brief="running shoes"), wait_seconds=60)
    ours = Rounds(shops, lambda: discovery.discover(world.work(), ask))
    return ours, await _in_turn(shops, bare, ours, rounds)


async def _executes(
    world: World, shops: Shops, sellers: Sequence[Seller], bare: BareBuyer, rounds: int
) -> tuple[Rounds, Rounds]:
    advertiser = await an_advertiser(world)
    wanted, spec = shops.wanted(sellers), a_spec("20000 USD")
    drafts = [
        (await a_campaign(world, wanted, advertiser=advertiser, spec=spec)).campaign.id for _ in range(rounds + 1)
    ]
    execute = partial(campaigns.execute, world.work())

    async def next_one() -> None:
        assert (await execute(drafts.pop())).success

    ours = Rounds(shops, next_one)
    return ours, await _in_turn(shops, bare, ours, rounds)


async def _in_turn(shops: Shops, bare: BareBuyer, ours: Rounds, rounds: int) -> Rounds:
    """Ours, then the same calls by hand, round by round: a machine that slows down slows both."""
    peer = Rounds(shops, lambda: bare.make(ours.asked))
    await shops.delay(DELAY)
    for number in range(1 + rounds):
        await ours.one()
        await peer.one()
        if number == 0:  # connections and sessions are open from here on, on both sides
            ours.forget()
            peer.forget()
    await shops.delay(0)
    return peer
