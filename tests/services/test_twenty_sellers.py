"""Twenty sellers: all are called at once, and one that is dead or drips costs the others nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import httpx
import pytest

from buyside.domain.discovery import AgentState
from buyside.domain.media_buys import MediaBuy, PendingAt, Status
from buyside.domain.searches import Wish
from buyside.domain.storefronts import Seller
from buyside.services import campaigns, discovery
from buyside.services.campaigns import CampaignView
from buyside.services.discovery import Ask
from buyside.store.database import Database
from tests.builders import Wanted, World, a_campaign, a_seller, a_spec, a_world, an_advertiser
from tests.connectors.servers import Request, serving
from tests.sandbox_server import SandboxHandle, sandbox

MANY = 20
TOO_LONG = 60
"""Seconds after which a test that hangs is given up."""


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


@contextlib.asynccontextmanager
async def shops(count: int = MANY) -> AsyncIterator[list[SandboxHandle]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(sandbox(f"Seller {n}")) for n in range(count)]


async def connected(world: World, handles: Sequence[SandboxHandle]) -> list[Seller]:
    return [await a_seller(world, handle.mcp_url, handle.name) for handle in handles]


async def a_campaign_at(world: World, handles: Sequence[SandboxHandle], sellers: Sequence[Seller]) -> CampaignView:
    """One buy at each seller."""
    pairs = zip(sellers, handles, strict=True)
    wanted = [Wanted(seller, handle.product_id("display_reach")) for seller, handle in pairs]
    return await a_campaign(world, wanted, spec=a_spec("20000 USD"))


async def buys_of(world: World, view: CampaignView) -> list[MediaBuy]:
    async with world.work().reading() as tx:
        return await tx.media_buys.of(view.campaign.id)


class Barrier:
    """Opens when a call of the tool is in flight at every seller, and not before."""

    def __init__(self, handles: Sequence[SandboxHandle], tool: str) -> None:
        self._handles, self._tool = handles, tool

    async def close(self) -> None:
        await asyncio.gather(*(each.hold(self._tool) for each in self._handles))

    async def open(self) -> list[int]:
        """How many calls each seller has in flight at the moment at which the last of them has one."""
        await asyncio.gather(*(each.wait(self._tool, in_flight=1, seconds=TOO_LONG) for each in self._handles))
        standing = [(await each.log())["in_flight_by_tool"][self._tool] for each in self._handles]
        await asyncio.gather(*(each.release(self._tool) for each in self._handles))
        return standing


class TestAtOnce:
    async def test_discovery_has_a_call_in_flight_at_every_seller(self, world: World) -> None:
        async with shops() as handles, asyncio.timeout(TOO_LONG):
            await connected(world, handles)
            advertiser = await an_advertiser(world)
            barrier = Barrier(handles, "get_products")
            await barrier.close()
            ask = Ask(advertiser.id, Wish(brief="shoes"), wait_seconds=TOO_LONG)
            asking = asyncio.create_task(discovery.discover(world.work(), ask))
            assert await barrier.open() == [1] * MANY
            found = await asking
            assert [each.state for each in found.agents] == [AgentState.COMPLETE] * MANY

    async def test_execute_has_a_call_in_flight_at_every_seller(self, world: World) -> None:
        async with shops() as handles, asyncio.timeout(TOO_LONG):
            view = await a_campaign_at(world, handles, await connected(world, handles))
            barrier = Barrier(handles, "create_media_buy")
            await barrier.close()
            executing = asyncio.create_task(campaigns.execute(world.work(), view.campaign.id))
            assert await barrier.open() == [1] * MANY
            done = await executing
            assert (done.success, done.attempted) == (True, MANY)
            assert [len(await each.buys()) for each in handles] == [1] * MANY


class Dripping:
    """In front of a seller: one tool's answer begins at once and goes on for ever, byte by byte, until `cut`."""

    def __init__(self, behind: str, tool: str) -> None:
        self._behind, self._tool = behind, tool
        self._client = httpx.AsyncClient(trust_env=False, timeout=TOO_LONG)
        self.begun, self._over = asyncio.Event(), asyncio.Event()

    async def __call__(self, request: Request) -> None:
        if request.rpc == "tools/call" and request.message["params"]["name"] == self._tool:
            await self._drip(request)
            return
        passed = ("content-type", "accept", "mcp-session-id", "mcp-protocol-version")
        headers = {name: value for name, value in request.headers.items() if name in passed}
        said = await self._client.request(request.method, self._behind, headers=headers, content=request.body)
        more = {name.replace("-", "_"): said.headers[name] for name in passed if name in said.headers}
        await request.answer(said.status_code, said.content, **more)

    async def _drip(self, request: Request) -> None:
        await request.stream()
        self.begun.set()
        while not self._over.is_set():
            await request.chunk(b":")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    await self._over.wait()
        request.cut()

    def cut(self) -> None:
        self._over.set()

    @property
    def is_going_on(self) -> bool:
        return self.begun.is_set() and not self._over.is_set()

    async def aclose(self) -> None:
        self.cut()
        await self._client.aclose()


@contextlib.asynccontextmanager
async def one_dead_one_dripping(
    world: World, tool: str
) -> AsyncIterator[tuple[list[SandboxHandle], list[Seller], Dripping]]:
    """Twenty sellers that were met in good health; the last but one is then gone, the last one drips."""
    async with shops() as handles:
        drip = Dripping(handles[-1].mcp_url, tool)
        async with serving(drip) as front:
            try:
                sellers = [
                    *await connected(world, handles[:-1]),
                    await a_seller(world, front.url, "Dripping"),
                ]
                yield handles, sellers, drip
            finally:
                await drip.aclose()


class TestOneDeadOneDripping:
    async def test_discovery_has_the_others_while_it_still_drips(self, world: World) -> None:
        async with one_dead_one_dripping(world, "get_products") as (handles, sellers, drip), asyncio.timeout(TOO_LONG):
            world.runtime.policy = replace(world.runtime.policy, discovery_timeout=TOO_LONG)
            advertiser = await an_advertiser(world)
            await handles[-2].stop()
            found = await discovery.discover(world.work(), Ask(advertiser.id, Wish(brief="shoes"), progressive=True))
            while len(found.pending) > 1:
                since = found.session.revision
                found = await discovery.browse(world.work(), found.session.id, since=since, wait_seconds=10)
            assert drip.is_going_on
            assert [each.agent_name for each in found.pending] == ["Dripping"]
            states = {each.agent_id: each.state for each in found.agents}
            assert [states[each.id] for each in sellers[:-2]] == [AgentState.COMPLETE] * (MANY - 2)
            assert states[sellers[-2].id] is AgentState.FAILED

    async def test_discovery_answers_in_its_time_and_gives_up_on_what_drips_past_the_limit(self, world: World) -> None:
        async with one_dead_one_dripping(world, "get_products") as (_, sellers, drip), asyncio.timeout(TOO_LONG):
            world.runtime.policy = replace(world.runtime.policy, discovery_timeout=1)
            advertiser = await an_advertiser(world)
            found = await discovery.discover(world.work(), Ask(advertiser.id, Wish(brief="shoes"), wait_seconds=1))
            while not found.is_complete:
                found = await discovery.browse(world.work(), found.session.id, wait_seconds=5)
            assert drip.is_going_on
            assert {each.agent_id: each.state for each in found.agents}[sellers[-1].id] is AgentState.TIMEOUT

    async def test_execute_settles_the_others_while_it_still_waits(self, world: World) -> None:
        async with (
            one_dead_one_dripping(world, "create_media_buy") as (handles, sellers, drip),
            asyncio.timeout(TOO_LONG),
        ):
            world.runtime.policy = replace(world.runtime.policy, execute_deadline=TOO_LONG, call_timeout=TOO_LONG)
            view = await a_campaign_at(world, handles, sellers)
            await handles[-2].stop()
            executing = asyncio.create_task(campaigns.execute(world.work(), view.campaign.id))
            await drip.begun.wait()
            await only_one_open(world, view)
            assert drip.is_going_on
            assert not executing.done()
            drip.cut()
            done = await executing
            dead, dripping = sellers[-2].id, sellers[-1].id
            assert {each.agent_id for each in done.failures} == {dead, dripping}
            by_agent = {each.agent_id: each for each in await buys_of(world, view)}
            assert all(by_agent[each.id].seller_buy_id for each in sellers[:-2])
            assert by_agent[dead].status is Status.DRAFT
            assert by_agent[dead].trouble is not None
            assert by_agent[dripping].unsettled

    async def test_execute_answers_at_its_deadline_though_it_still_drips(self, world: World) -> None:
        async with (
            one_dead_one_dripping(world, "create_media_buy") as (handles, sellers, drip),
            asyncio.timeout(TOO_LONG),
        ):
            world.runtime.policy = replace(world.runtime.policy, execute_deadline=4, call_timeout=TOO_LONG)
            view = await a_campaign_at(world, handles, sellers)
            done = await campaigns.execute(world.work(), view.campaign.id)
            assert drip.is_going_on
            assert done.success
            assert done.attempted == MANY
            (waits,) = [each for each in await buys_of(world, view) if each.agent_id == sellers[-1].id]
            assert waits.pending is not None
            assert waits.pending.at is PendingAt.SALES_AGENT


async def only_one_open(world: World, view: CampaignView) -> None:
    """The store is read until every buy but one is settled: from outside there is no event to wait for."""
    while sum(each.unsettled for each in await buys_of(world, view)) > 1:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
