"""Campaigns with many buys of three packages: a GET of all of it, and of one buy, beside bare Starlette."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.asgi import BASE, Caller
from bench.figures import Took, repeated, show, times, us
from bench.sellers import Shops
from bench.stage import Stage
from bench.stored import stored
from buyside.api.app import About
from buyside.bootstrap.surface import app_of
from buyside.domain.accounts import Role
from buyside.domain.ids import CampaignId, MediaBuyId
from buyside.domain.media_buys import MediaBuy
from buyside.services import accounts, campaigns
from buyside.store.database import Database
from tests.builders import World, a_campaign, a_spec, a_world

COUNTS = (1, 50, 100, 200)
PACKAGES = 3


@dataclass(frozen=True)
class Got:
    buys: int
    ours: Took
    bare: Took
    answer: int
    """Bytes of ours."""


@dataclass(frozen=True)
class Wide:
    whole: tuple[Got, ...]
    one: tuple[Got, ...]
    """Asked for with its mediaBuyId."""


async def section(stage: Stage) -> None:
    report(await stage.on_each(lambda database: measure(database, stage.shops, stage.effort.requests)))


async def measure(database: Database, shops: Shops, requests: int) -> Wide:
    async with a_world(database) as world, stored(database, world.runtime.vault.digest) as bare:
        key = (await accounts.create_key(world.work(), "bench", Role.ADMIN)).text
        app = app_of(About("bench"), world.runtime)

        async def got(campaign: CampaignId, buys: int, query: str = "") -> Got:
            path = f"{BASE}/campaigns/{campaign}"
            ours, theirs = Caller(app, path, key, query), Caller(bare, path, key, query)
            return Got(buys, await repeated(ours, requests), await repeated(theirs, requests), len(ours.body))

        running = await _running(world, shops)
        whole, one = [], []
        for count in COUNTS:
            campaign, last = await _with_buys(world, running, count)
            whole.append(await got(campaign, count))
            one.append(await got(campaign, count, f"mediaBuyId={last}"))
        return Wide(tuple(whole), tuple(one))


async def _running(world: World, shops: Shops) -> MediaBuy:
    """A buy that a seller accepted, as full as they come."""
    sellers = await shops.connect(world)
    view = await a_campaign(world, shops.wanted(sellers)[:1], spec=a_spec("1000 USD"))
    assert (await campaigns.execute(world.work(), view.campaign.id)).success
    return (await campaigns.get(world.work(), view.campaign.id)).buys[0]


async def _with_buys(world: World, buy: MediaBuy, count: int) -> tuple[CampaignId, MediaBuyId]:
    """A campaign with copies of the buy, and the last of them."""
    work = world.work()
    campaign = (await a_campaign(world, spec=a_spec("1000000 USD"))).campaign
    package = buy.packages[0]
    packages = tuple(replace(package, ref=f"{package.ref}_{n}", package_id=f"pkg_{n}") for n in range(PACKAGES))
    async with work.writing() as tx:
        for _ in range(count):
            copy = replace(buy, id=MediaBuyId(work.new_id("mb")), campaign_id=campaign.id, packages=packages)
            await tx.media_buys.add(copy)
        await tx.campaigns.commit(campaign)
    return campaign.id, copy.id


def report(measured: Mapping[str, Wide]) -> None:
    for kind, wide in measured.items():
        show(
            f"A campaign of many buys with {PACKAGES} packages each; store: {kind}",
            ["", "CPU a request", "÷ of 1", "each buy more", "bare Starlette", "÷ bare", "wall", "answer"],
            [
                *(_row(f"GET of {got.buys}", got, wide.whole[0]) for got in wide.whole),
                *(_row(f"  one mediaBuyId of {got.buys}", got, wide.one[0]) for got in wide.one),
            ],
            "Linear when each buy more costs the same on every line; one buy of many should cost what it costs alone.",
        )


def _row(name: str, got: Got, alone: Got) -> list[str]:
    more = us((got.ours.cpu - alone.ours.cpu) / (got.buys - alone.buys)) if got.buys > alone.buys else ""
    of_one, of_bare = times(got.ours.cpu / alone.ours.cpu), times(got.ours.cpu / got.bare.cpu)
    answer = f"{got.answer / 1024:,.0f} KiB"
    return [name, us(got.ours.cpu), of_one, more, us(got.bare.cpu), of_bare, us(got.ours.wall), answer]
