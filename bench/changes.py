"""Changes of one media buy among two hundred of its campaign, beside the same rows through the raw driver."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import psycopg

from bench.figures import median, repeated, show, times, us
from bench.sellers import Shops
from bench.stage import Stage
from buyside.domain.ids import MediaBuyId
from buyside.domain.media_buys import MediaBuy
from buyside.store import codec
from buyside.store.database import Database
from tests.builders import World, a_campaign, a_spec, a_world

BUYS = 200
LARGE = "2000000 USD"


@dataclass(frozen=True)
class Changed:
    """Seconds a change; `raw`: through the driver itself."""

    ours: float
    raw: float


async def section(stage: Stage) -> None:
    report(await stage.on_each(lambda database: measure(database, stage.shops, stage.effort.changes)))


async def measure(database: Database, shops: Shops, changes: int) -> Changed:
    async with a_world(database) as world:
        sellers = await shops.connect(world)
        view = await a_campaign(world, shops.wanted(sellers)[:1], spec=a_spec(LARGE))
        buys = await _two_hundred(world, view.buys[0])
        ours = await repeated(_changing(world, buys), changes)
        return Changed(ours.wall, _raw_changes(database, buys, changes))


async def _two_hundred(world: World, one: MediaBuy) -> list[MediaBuy]:
    work = world.work()
    async with work.writing() as tx:
        buys = [replace(one, id=MediaBuyId(work.new_id("mb"))) for _ in range(BUYS)]
        for buy in buys:
            await tx.media_buys.add(buy)
    return buys


def _changing(world: World, buys: list[MediaBuy]) -> Callable[[], Awaitable[None]]:
    """One buy after the other, each in a transaction of its own that holds the campaign."""
    work, turns = world.work(), itertools.cycle(range(len(buys)))

    async def change() -> None:
        turn = next(turns)
        async with work.writing() as tx:
            await tx.campaigns.lock_of(buys[turn].id)
            buys[turn] = await tx.media_buys.save(buys[turn], work.now())

    return change


def _raw_changes(database: Database, buys: Sequence[MediaBuy], changes: int) -> float:
    """Seconds a change: the same rows and the same promise to be on the disk, without anything above the driver."""
    turns = itertools.cycle((buy.id, buy.campaign_id, codec.dump(MediaBuy, buy)) for buy in buys)
    lock = "" if database.is_sqlite else " FOR UPDATE"
    took = []
    with _driver(database) as run:
        for buy, campaign, text in itertools.islice(turns, changes):
            began = time.perf_counter()
            run("BEGIN IMMEDIATE" if database.is_sqlite else "BEGIN")
            run(f"SELECT * FROM campaign WHERE id = %s{lock}", campaign)
            run("UPDATE media_buy SET body = %s, version = version + 1 WHERE id = %s", text, buy)
            run("COMMIT")
            took.append(time.perf_counter() - began)
    return median(took)


@contextlib.contextmanager
def _driver(database: Database) -> Iterator[Callable[..., object]]:
    url = database.write.url
    if database.is_sqlite:
        with contextlib.closing(sqlite3.connect(str(url.database), isolation_level=None)) as raw:
            raw.execute("PRAGMA synchronous=FULL")
            yield lambda statement, *given: raw.execute(statement.replace("%s", "?"), given).fetchall()
    else:
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            yield lambda statement, *given: connection.execute(statement.encode(), given or None)


def report(measured: Mapping[str, Changed]) -> None:
    show(
        f"A campaign with {BUYS} buys: one buy changed in a transaction that holds the campaign",
        ["", "a change", "a second", "raw driver", "÷ raw"],
        [
            [kind, us(each.ours), f"{1 / each.ours:,.0f}", us(each.raw), times(each.ours / each.raw)]
            for kind, each in measured.items()
        ],
        "Both wait for the disk, a change at a time.",
    )
