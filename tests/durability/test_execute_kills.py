"""kill -9 at a random moment of an execute: no buy is made twice, none is forgotten, nothing is left unsaid."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from buyside.domain.accounts import Role
from buyside.domain.advertisers import Advertiser
from buyside.domain.ids import CampaignId
from buyside.domain.media_buys import MediaBuy, Status
from buyside.domain.storefronts import Seller
from buyside.services import accounts
from buyside.store.database import Database
from tests.builders import SECRET, Wanted, World, a_campaign, a_seller, a_spec, a_world, an_advertiser
from tests.sandbox_server import SandboxHandle, sandbox
from tests.server import ServerProcess, a_server

pytestmark = [
    pytest.mark.kill,
    pytest.mark.slow,
    # A client that is killed leaves the sellers' ends of its connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

BUYS = 20
ROUNDS = int(os.environ.get("KILL_ROUNDS", "20"))
SEED = int(os.environ.get("KILL_SEED", "20260301"))
WITHOUT_IDEMPOTENCY = 4
SETTLED_WITHIN = 60
SETTINGS = {
    "BUYSIDE_SECRET_KEY": SECRET.decode(),
    "BUYSIDE_ALLOW_PRIVATE_ENDPOINTS": "true",
    "BUYSIDE_CALL_TIMEOUT": "0.8",
    "BUYSIDE_READ_TIMEOUT": "3",
    "BUYSIDE_LEASE_MARGIN": "0.4",
    "BUYSIDE_SWEEP_EVERY": "1",
    "BUYSIDE_WATCH_EVERY": "60",
    "BUYSIDE_LOG_LEVEL": "WARNING",
}
MISHAPS = ("cut_before_commit", "cut_after_commit", "timeout_after_commit", "slow", "rate_limit", None, None)


@contextlib.asynccontextmanager
async def twenty_sellers() -> AsyncIterator[list[SandboxHandle]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                sandbox(f"Seller {n}", faults=["no_idempotency"] if n < WITHOUT_IDEMPOTENCY else [])
            )
            for n in range(BUYS)
        ]


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> dict[str, str]:
    url = database.write.url.render_as_string(hide_password=False)
    return {**SETTINGS, "BUYSIDE_DATABASE_URL": url, "BUYSIDE_DATA_DIR": str(tmp_path)}


async def test_every_buy_is_booked_once_or_is_draft_with_a_reason(
    database: Database, settings: dict[str, str], tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    seen: Counter[str] = Counter()
    async with twenty_sellers() as handles, a_world(database) as world:
        async with a_server(settings, tmp_path / "log") as first:
            assert first.process.returncode is None
        key = (await accounts.create_key(world.work(Role.ADMIN), "a test", Role.ADMIN)).text
        advertiser = await an_advertiser(world)
        sellers = [await a_seller(world, handle.mcp_url, handle.name) for handle in handles]
        for _ in range(ROUNDS):
            await one_round(world, handles, sellers, advertiser, settings, tmp_path / "log", key, dice, seen)
    print(f"\n{ROUNDS} rounds of {BUYS} buys: {dict(seen)}")
    assert seen["booked"] > 0


async def one_round(
    world: World,
    handles: list[SandboxHandle],
    sellers: list[Seller],
    advertiser: Advertiser,
    settings: dict[str, str],
    log: Path,
    key: str,
    dice: random.Random,
    seen: Counter[str],
) -> None:
    wanted = [
        Wanted(seller, handle.product_id("display_reach")) for seller, handle in zip(sellers, handles, strict=True)
    ]
    view = await a_campaign(world, wanted, advertiser=advertiser, spec=a_spec("20000 USD"))
    await asyncio.gather(*(mishap(handle, dice.choice(MISHAPS)) for handle in handles))
    async with a_server(settings, log) as server:
        request = asyncio.create_task(execute(server, key, view.campaign.id))
        await asyncio.sleep(dice.uniform(0.0, 0.9))
        server.kill()
        await server.ended()
        await request
    async with a_server(settings, log):
        buys = await settled(world, view.campaign.id)
    await compare(handles, sellers, buys, seen)
    await asyncio.gather(*(handle.clear_faults(*filter(None, MISHAPS)) for handle in handles))


async def mishap(handle: SandboxHandle, fault: str | None) -> None:
    match fault:
        case None:
            return
        case "slow":
            await handle.set_faults(slow=0.4, tool="create_media_buy", times=1)
        case "timeout_after_commit":
            await handle.set_faults(timeout_after_commit=2, tool="create_media_buy", times=1)
        case _:
            await handle.set_faults(fault, tool="create_media_buy", times=1)


async def execute(server: ServerProcess, key: str, campaign_id: CampaignId) -> None:
    async with server.client(key) as client:
        with contextlib.suppress(httpx.TransportError):
            await client.post(f"/campaigns/{campaign_id}/execute")


async def settled(world: World, campaign_id: CampaignId) -> list[MediaBuy]:
    """Recovery has no event to wait for from outside: the store is read until nothing of it is open."""
    async with asyncio.timeout(SETTLED_WITHIN):
        while True:
            async with world.work().reading() as tx:
                buys = await tx.media_buys.of(campaign_id)
            if not any(buy.unsettled for buy in buys):
                return buys
            await asyncio.sleep(0.2)


async def compare(
    handles: list[SandboxHandle], sellers: list[Seller], buys: list[MediaBuy], seen: Counter[str]
) -> None:
    assert len(buys) == BUYS
    mine = {buy.id: buy for buy in buys}
    held: Counter[str] = Counter()
    for handle in handles:
        for theirs in await handle.buys():
            ours: Any = theirs["context"]["media_buy_id"]
            if ours in mine:
                held[ours] += 1
                assert mine[ours].seller_buy_id == theirs["media_buy_id"], f"{ours} is held and we do not know it"
    for buy in buys:
        if buy.status is Status.DRAFT:
            assert held[buy.id] == 0, f"{buy.id} is DRAFT here and booked there"
            assert buy.trouble is not None or buy.forwarded_at is None, f"{buy.id} is DRAFT without a reason"
            seen["draft with a reason" if buy.trouble else "draft, never sent"] += 1
        else:
            assert held[buy.id] == 1, f"{buy.id} is booked {held[buy.id]} times"
            seen["booked"] += 1
