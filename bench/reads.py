"""Hot reads: one request, in this process and without a socket, beside bare Starlette over the raw driver."""

from __future__ import annotations

from collections.abc import Mapping

from bench.asgi import BASE, Caller
from bench.figures import Took, repeated, show, times, us
from bench.sellers import Shops
from bench.stage import Stage
from bench.stored import stored
from buyside.api.app import About
from buyside.bootstrap.surface import app_of
from buyside.domain.accounts import Role
from buyside.domain.ids import CampaignId
from buyside.services import accounts
from buyside.store.database import Database
from tests.builders import World, a_campaign, a_spec, a_world, an_advertiser

BUYS = 3
LISTED = 50

Pairs = Mapping[str, tuple[Took, Took]]
"""By what is read: ours, and bare."""


async def section(stage: Stage) -> None:
    many = stage.effort.requests
    report(await stage.on_each(lambda database: measure(database, stage.shops, many)), many)


async def measure(database: Database, shops: Shops, requests: int) -> Pairs:
    async with a_world(database) as world, stored(database, world.runtime.vault.digest) as bare:
        campaign = await _campaigns(world, shops)
        key = (await accounts.create_key(world.work(), "bench", Role.ADMIN)).text
        app = app_of(About("bench"), world.runtime)
        measured = {}
        for name, path, query in (
            ("GET campaign", f"{BASE}/campaigns/{campaign}", ""),
            ("GET campaigns", f"{BASE}/campaigns", f"take={LISTED}"),
        ):
            ours = await repeated(Caller(app, path, key, query), requests)
            measured[name] = ours, await repeated(Caller(bare, path, key, query), requests)
        return measured


async def _campaigns(world: World, shops: Shops) -> CampaignId:
    sellers = await shops.connect(world)
    advertiser = await an_advertiser(world)
    for _ in range(LISTED):
        await a_campaign(world, advertiser=advertiser)
    wanted = shops.wanted(sellers)[:BUYS]
    return (await a_campaign(world, wanted, advertiser=advertiser, spec=a_spec("3000 USD"))).campaign.id


def report(measured: Mapping[str, Pairs], requests: int) -> None:
    show(
        f"Hot reads in this process, {requests} requests each: a campaign with {BUYS} buys, {LISTED} campaigns",
        ["", "CPU a request", "bare Starlette, raw driver", "÷ bare", "wall"],
        [
            [f"{name}, {kind}", us(ours.cpu), us(bare.cpu), times(ours.cpu / bare.cpu), us(ours.wall)]
            for kind, pairs in measured.items()
            for name, (ours, bare) in pairs.items()
        ],
    )
