"""Two servers on one store: whatever both are asked at the same moment, each seller ends up holding each buy once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from buyside.domain.accounts import Role
from buyside.domain.advertisers import Advertiser
from buyside.domain.creatives import CreativeSpec
from buyside.domain.ids import CampaignId
from buyside.domain.media_buys import MediaBuy, Status
from buyside.domain.storefronts import Seller
from buyside.services import accounts, creatives
from buyside.store.database import Database
from tests.builders import SECRET, Wanted, World, a_campaign, a_seller, a_session, a_spec, a_world, an_advertiser
from tests.sandbox_server import SandboxHandle, sandbox
from tests.server import ServerProcess, a_server

pytestmark = [pytest.mark.kill, pytest.mark.slow]

OFFSETS = (0, 0, 0, 1, 2, 5, 8, 12, 16, 25, 40, 60, 100, 150, 250)
"""Milliseconds by which the second request follows the first."""
SHOPS = 4
WITHOUT_IDEMPOTENCY = 2
TOO_LONG = 60
SETTINGS = {
    "BUYSIDE_SECRET_KEY": SECRET.decode(),
    "BUYSIDE_ALLOW_PRIVATE_ENDPOINTS": "true",
    "BUYSIDE_CALL_TIMEOUT": "5",
    "BUYSIDE_LEASE_MARGIN": "1",
    "BUYSIDE_SWEEP_EVERY": "1",
    "BUYSIDE_WATCH_EVERY": "1",
    "BUYSIDE_PENDING_POLL": "1",
    "BUYSIDE_KEY_CACHE_SECONDS": "1",
    "BUYSIDE_LOG_LEVEL": "WARNING",
}
TAG = {"agent_url": "https://creative.adcontextprotocol.org", "id": "display_300x250_tag"}
LANDING = {"url": "https://northwind.example/summer", "url_type": "clickthrough"}


@dataclass
class Pair:
    """Two servers, the sellers that they buy from, and the store itself beside them."""

    world: World
    servers: tuple[ServerProcess, ServerProcess]
    left: httpx.AsyncClient
    right: httpx.AsyncClient
    shops: list[SandboxHandle]
    sellers: list[Seller]
    advertiser: Advertiser
    logs: tuple[Path, Path]

    async def campaign(self, *, staged: bool = True) -> CampaignId:
        """A buy at each seller. Not `staged`: the selection is made, and an execute has to put it on buys first."""
        pairs = zip(self.sellers, self.shops, strict=True)
        wanted = [Wanted(seller, shop.product_id("display_reach")) for seller, shop in pairs]
        spec = a_spec("20000 USD")
        if staged:
            return (await a_campaign(self.world, wanted, advertiser=self.advertiser, spec=spec)).campaign.id
        discovery_id = await a_session(self.world, self.advertiser, wanted)
        async with self.world.work().writing() as tx:
            chosen = (await tx.discoveries.get(discovery_id, offers=False)).selections
            await tx.discoveries.select(discovery_id, [])
        spec = replace(spec, discovery_id=discovery_id)
        campaign_id = (await a_campaign(self.world, advertiser=self.advertiser, spec=spec)).campaign.id
        async with self.world.work().writing() as tx:
            await tx.discoveries.select(discovery_id, chosen)
        return campaign_id

    async def buys(self, campaign_id: CampaignId) -> list[MediaBuy]:
        async with self.world.work().reading() as tx:
            return await tx.media_buys.of(campaign_id)

    async def settled(self, campaign_id: CampaignId) -> list[MediaBuy]:
        return await self.until(campaign_id, lambda buys: not any(each.unsettled for each in buys))

    async def until(self, campaign_id: CampaignId, holds: Callable[[list[MediaBuy]], bool]) -> list[MediaBuy]:
        """The store is read until it holds: what other processes do has no event here."""
        async with asyncio.timeout(TOO_LONG):
            while not holds(buys := await self.buys(campaign_id)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return buys

    async def held(self, buys: Sequence[MediaBuy]) -> list[dict[str, Any]]:
        """What the sellers hold of these buys."""
        mine = {each.id for each in buys}
        states = await asyncio.gather(*(shop.buys() for shop in self.shops))
        return [theirs for state in states for theirs in state if theirs["context"]["media_buy_id"] in mine]

    async def creates(self) -> int:
        return sum([len(await shop.calls("create_media_buy")) for shop in self.shops])

    async def expect_each_held_once(self, buys: Sequence[MediaBuy]) -> None:
        assert len(buys) == SHOPS
        held = Counter(theirs["context"]["media_buy_id"] for theirs in await self.held(buys))
        assert held == Counter(each.id for each in buys)
        known = {each.id: each.seller_buy_id for each in buys}
        assert known == {theirs["context"]["media_buy_id"]: theirs["media_buy_id"] for theirs in await self.held(buys)}


@pytest.fixture
async def pair(database: Database, tmp_path: Path) -> AsyncIterator[Pair]:
    url = database.write.url.render_as_string(hide_password=False)
    settings = {**SETTINGS, "BUYSIDE_DATABASE_URL": url, "BUYSIDE_DATA_DIR": str(tmp_path)}
    logs = tmp_path / "left.log", tmp_path / "right.log"
    async with contextlib.AsyncExitStack() as stack:
        shops = [
            await stack.enter_async_context(
                sandbox(f"Seller {n}", faults=["no_idempotency"] if n < WITHOUT_IDEMPOTENCY else [])
            )
            for n in range(SHOPS)
        ]
        world = await stack.enter_async_context(a_world(database))
        sellers = [await a_seller(world, shop.mcp_url, shop.name) for shop in shops]
        advertiser = await an_advertiser(world)
        key = (await accounts.create_key(world.work(), "a test", Role.ADMIN)).text
        left, right = await asyncio.gather(*(stack.enter_async_context(a_server(settings, log)) for log in logs))
        clients = [await stack.enter_async_context(server.client(key)) for server in (left, right)]
        # The first request of a process opens its connections; from here on both are equally quick.
        await asyncio.gather(*(client.get("/campaigns") for client in clients))
        yield Pair(world, (left, right), clients[0], clients[1], shops, sellers, advertiser, logs)


Asking = Coroutine[Any, Any, httpx.Response]


async def both(first: Asking, second: Asking, offset: float) -> tuple[httpx.Response, httpx.Response]:
    """`second` begins `offset` milliseconds after `first`, which goes on meanwhile."""
    begun = asyncio.create_task(first)
    await asyncio.sleep(offset / 1000)
    answer = await second
    return await begun, answer


def executing(client: httpx.AsyncClient, campaign_id: CampaignId) -> Asking:
    return client.post(f"/campaigns/{campaign_id}/execute")


async def campaign_of(client: httpx.AsyncClient, campaign_id: CampaignId) -> dict[str, Any]:
    answer = await client.get(f"/campaigns/{campaign_id}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()["campaign"]
    return shown


def placed(answer: httpx.Response) -> int:
    """How many buys an execute says that it sent; a refusal says none."""
    if answer.status_code == 409:
        assert answer.json()["error"]["details"]["mediaBuyIds"]
        return 0
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True, answer.text
    return int(answer.json()["mediaBuysExecuted"])


async def test_two_executes_at_the_same_moment_place_each_buy_once(pair: Pair) -> None:
    for number, offset in enumerate(OFFSETS):
        campaign_id = await pair.campaign(staged=number % 3 > 0)
        # A slow seller leaves the second execute time to come in between.
        await pair.shops[number % SHOPS].set_faults(slow=0.1, tool="create_media_buy", times=1)
        before = await pair.creates()
        one, other = (pair.left, pair.right) if number % 2 else (pair.right, pair.left)
        answers = await both(executing(one, campaign_id), executing(other, campaign_id), offset)
        assert [placed(each) for each in answers if placed(each)] == [SHOPS], [each.text for each in answers]
        await pair.expect_each_held_once(await pair.settled(campaign_id))
        assert await pair.creates() - before == SHOPS


async def test_two_executes_place_each_buy_once_though_answers_are_lost(pair: Pair) -> None:
    for number, offset in enumerate(OFFSETS[::3]):
        campaign_id = await pair.campaign()
        for shop in pair.shops:
            await shop.set_faults("cut_after_commit", tool="create_media_buy", times=1)
        one, other = (pair.left, pair.right) if number % 2 else (pair.right, pair.left)
        await both(executing(one, campaign_id), executing(other, campaign_id), offset)
        await pair.expect_each_held_once(await pair.settled(campaign_id))


async def test_an_execute_repeated_while_the_first_waits_is_told_so_by_either_process(pair: Pair) -> None:
    campaign_id = await pair.campaign()
    await asyncio.gather(*(shop.hold("create_media_buy") for shop in pair.shops))
    first = asyncio.create_task(executing(pair.left, campaign_id))
    await asyncio.gather(*(shop.wait("create_media_buy", in_flight=1) for shop in pair.shops))
    for client in (pair.left, pair.right):
        again = await client.post(f"/campaigns/{campaign_id}/execute")
        assert again.status_code == 409
        assert len(again.json()["error"]["details"]["mediaBuyIds"]) == SHOPS
        shown = await campaign_of(client, campaign_id)
        assert {each["status"] for each in shown["mediaBuys"]} == {"PENDING_APPROVAL"}
    await asyncio.gather(*(shop.release() for shop in pair.shops))
    assert placed(await first) == SHOPS
    after = await pair.right.post(f"/campaigns/{campaign_id}/execute")
    assert (after.status_code, after.json()["mediaBuysExecuted"]) == (200, 0)
    await pair.expect_each_held_once(await pair.settled(campaign_id))


@pytest.mark.parametrize("when", ["before", "after_commit"])
async def test_nothing_serves_of_a_campaign_paused_here_while_it_is_executed_there(pair: Pair, when: str) -> None:
    campaign_id = await a_campaign_that_would_run(pair)
    await asyncio.gather(*(shop.hold("create_media_buy", when) for shop in pair.shops))
    first = asyncio.create_task(executing(pair.left, campaign_id))
    await asyncio.gather(*(shop.wait("create_media_buy", in_flight=1) for shop in pair.shops))
    paused = await pair.right.post(f"/campaigns/{campaign_id}/pause")
    assert (paused.status_code, paused.json()["newStatus"]) == (200, "PAUSED")
    await asyncio.gather(*(shop.release() for shop in pair.shops))
    assert placed(await first) == SHOPS
    await expect_nothing_serves(pair, campaign_id)


async def test_nothing_serves_whenever_the_pause_comes(pair: Pair) -> None:
    for offset in (20, 60, 100, 150, 200, 300):
        campaign_id = await a_campaign_that_would_run(pair)
        answers = await both(executing(pair.left, campaign_id), pausing(pair.right, campaign_id), offset)
        assert [each.status_code for each in answers] == [200, 200]
        await expect_nothing_serves(pair, campaign_id)


async def a_campaign_that_would_run(pair: Pair) -> CampaignId:
    """With a creative, so that its buys serve as soon as they are booked."""
    campaign_id = await pair.campaign()
    await creatives.create(
        pair.world.work(), campaign_id, CreativeSpec("", format_id=TAG, url_asset=LANDING), f"Banner {campaign_id}"
    )
    return campaign_id


async def pausing(client: httpx.AsyncClient, campaign_id: CampaignId) -> httpx.Response:
    """A campaign that is not executed yet cannot be paused: it is asked again until it can."""
    while (answer := await client.post(f"/campaigns/{campaign_id}/pause")).status_code == 400:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return answer


async def expect_nothing_serves(pair: Pair, campaign_id: CampaignId) -> None:
    buys = await pair.until(campaign_id, lambda buys: all(each.status is Status.PAUSED for each in buys))
    await pair.expect_each_held_once(buys)
    assert {theirs["status"] for theirs in await pair.held(buys)} == {"paused"}


async def test_two_changes_at_once_are_both_kept(pair: Pair) -> None:
    campaign_id = await pair.campaign()
    path = f"/campaigns/{campaign_id}"
    for number, offset in enumerate(OFFSETS):
        before = (await campaign_of(pair.left, campaign_id))["revision"]
        name, brief = {"name": f"Name {number}"}, {"brief": f"Brief {number}"}
        answers = await both(pair.left.put(path, json=name), pair.right.put(path, json=brief), offset / 10)
        assert [each.status_code for each in answers] == [200, 200], [each.text for each in answers]
        for client in (pair.left, pair.right):
            after = await campaign_of(client, campaign_id)
            assert (after["name"], after["brief"], after["revision"]) == (name["name"], brief["brief"], before + 2)


async def test_of_two_changes_to_the_same_revision_one_is_refused(pair: Pair) -> None:
    campaign_id = await pair.campaign()
    path = f"/campaigns/{campaign_id}"
    for number in range(len(OFFSETS)):
        before = (await campaign_of(pair.left, campaign_id))["revision"]
        bodies = [{"name": f"{side} {number}", "expectedRevision": before} for side in ("left", "right")]
        answers = await both(pair.left.put(path, json=bodies[0]), pair.right.put(path, json=bodies[1]), 0)
        assert sorted(each.status_code for each in answers) == [200, 409], [each.text for each in answers]
        kept = next(body for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 200)
        after = await campaign_of(pair.right, campaign_id)
        assert (after["name"], after["revision"]) == (kept["name"], before + 1)


async def test_a_key_revoked_here_opens_nothing_there_once_the_cache_has_run_out(pair: Pair) -> None:
    made = (await pair.left.post("/api-keys", json={"name": "short-lived", "role": "MEMBER"})).json()
    async with pair.servers[0].client(made["apiKey"]) as here, pair.servers[1].client(made["apiKey"]) as there:
        assert [(await each.get("/campaigns")).status_code for each in (here, there)] == [200, 200]
        assert (await pair.left.delete(f"/api-keys/{made['id']}")).status_code == 204
        assert (await here.get("/campaigns")).status_code == 401
        async with asyncio.timeout(TOO_LONG):
            while (await there.get("/campaigns")).status_code != 401:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def test_when_the_process_that_runs_the_jobs_dies_the_other_finishes_what_it_began(pair: Pair) -> None:
    # On SQLite one of the two runs jobs, and the other one only serves for as long as the first lives.
    waits = ["another process runs the jobs" in log.read_text() for log in pair.logs]
    assert sum(waits) == (1 if pair.world.runtime.database.is_sqlite else 0)
    victim = 1 if waits[0] else 0
    campaign_id = await pair.campaign()
    await asyncio.gather(*(shop.hold("create_media_buy", "after_commit") for shop in pair.shops))
    first = asyncio.create_task(executing((pair.left, pair.right)[victim], campaign_id))
    await asyncio.gather(*(shop.wait("create_media_buy", in_flight=1) for shop in pair.shops))
    pair.servers[victim].kill()
    with contextlib.suppress(httpx.TransportError):
        await first
    await asyncio.gather(*(shop.release() for shop in pair.shops))
    await pair.expect_each_held_once(await pair.settled(campaign_id))
