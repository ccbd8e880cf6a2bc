"""Execute: each seller ends up holding each buy once, and the answer is true."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest

from buyside.domain.creatives import CreativeSpec
from buyside.domain.discovery import AgentResult, AgentState, Selection
from buyside.domain.errors import Conflict
from buyside.domain.media_buys import MediaBuy, PendingAt, Status
from buyside.domain.products import ProductQuery
from buyside.domain.storefronts import Protocol
from buyside.services import campaigns, creatives, keeping, media_buys
from buyside.services.campaigns import CampaignView
from buyside.store.database import Database
from tests.builders import Wanted, World, a_campaign, a_seller, a_world
from tests.sandbox_server import SandboxHandle, sandbox


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


@contextlib.asynccontextmanager
async def sellers(*names: str) -> AsyncIterator[list[SandboxHandle]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(sandbox(name)) for name in names]


TAG = {"agent_url": "https://creative.adcontextprotocol.org", "id": "display_300x250_tag"}
LANDING = {"url": "https://northwind.example/summer", "url_type": "clickthrough"}


async def a_banner(world: World, view: CampaignView) -> None:
    await creatives.create(world.work(), view.campaign.id, CreativeSpec("", format_id=TAG, url_asset=LANDING), "Banner")


async def buys_of(world: World, view: CampaignView) -> list[MediaBuy]:
    return list((await campaigns.get(world.work(), view.campaign.id)).buys)


async def test_a_draft_campaign_goes_live_at_its_seller(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        assert [b.status for b in view.buys] == [Status.DRAFT]
        await a_banner(world, view)
        done = await campaigns.execute(world.work(), view.campaign.id)
        assert (done.success, done.before, done.after, done.attempted) == (True, "DRAFT", "ACTIVE", 1)
        (buy,) = await buys_of(world, view)
        (theirs,) = await north.buys()
        assert buy.status is Status.ACTIVE
        assert theirs["media_buy_id"] == buy.seller_buy_id
        assert theirs["context"]["media_buy_id"] == buy.id
        assert theirs["packages"][0]["budget"] == 100_000  # minor units


async def test_the_same_over_a2a(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.a2a_url, protocol=Protocol.A2A)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await a_banner(world, view)
        assert (await campaigns.execute(world.work(), view.campaign.id)).success
        assert [b.status for b in await buys_of(world, view)] == [Status.ACTIVE]


async def test_one_seller_rejects_one_is_slow_one_is_fine(world: World) -> None:
    async with sellers("North", "East", "West") as (north, east, west):
        await north.set_faults(reject="INVALID_REQUEST", tool="create_media_buy")
        await east.set_faults(slow=1, tool="create_media_buy")
        wanted = [
            Wanted(await a_seller(world, each.mcp_url, each.name), each.product_id("display_reach"))
            for each in (north, east, west)
        ]
        view = await a_campaign(world, wanted)
        done = await campaigns.execute(world.work(), view.campaign.id)
        assert (done.success, done.after, done.attempted) == (False, "ACTIVE", 3)
        (failure,) = done.failures
        assert failure.agent_id == wanted[0].seller.id
        by_id = {b.id: b for b in await buys_of(world, view)}
        assert by_id[failure.media_buy_id].status is Status.DRAFT
        assert [len(await each.buys()) for each in (north, east, west)] == [0, 1, 1]
        await north.clear_faults("reject")
        again = await campaigns.execute(world.work(), view.campaign.id)
        assert (again.success, again.attempted) == (True, 1)
        assert [len(await each.buys()) for each in (north, east, west)] == [1, 1, 1]
        nothing = await campaigns.execute(world.work(), view.campaign.id)
        assert (nothing.success, nothing.attempted) == (True, 0)


async def test_a_seller_that_asks_for_a_short_pause_is_asked_again_with_the_same_bytes(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await north.set_faults(rate_limit=1, tool="create_media_buy", times=1)
        assert (await campaigns.execute(world.work(), view.campaign.id)).success
        first, second = await north.calls("create_media_buy")
        assert first["arguments_sha256"] == second["arguments_sha256"]
        assert len(await north.buys()) == 1


async def test_a_seller_still_thinking_at_the_deadline_is_not_an_error(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await north.hold("create_media_buy")
        world.runtime.policy = replace(world.runtime.policy, execute_deadline=0.3)
        done = await campaigns.execute(world.work(), view.campaign.id)
        assert (done.success, done.attempted) == (True, 1)
        (buy,) = await buys_of(world, view)
        assert buy.pending is not None
        assert (buy.status, buy.pending.at) == (Status.PENDING_APPROVAL, PendingAt.SALES_AGENT)
        with pytest.raises(Conflict):
            await campaigns.execute(world.work(), view.campaign.id)
        with pytest.raises(Conflict):
            await campaigns.delete(world.work(), view.campaign.id)
        await north.release()
        await world.runtime.background.drain(30)
        (buy,) = await buys_of(world, view)
        assert not buy.unsettled
        assert len(await north.buys()) == 1


async def test_a_timeout_after_the_commit_is_unknown_until_the_replay_settles_it(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await north.set_faults("cut_after_commit", tool="create_media_buy", times=1)
        done = await campaigns.execute(world.work(), view.campaign.id)
        (failure,) = done.failures
        (buy,) = await buys_of(world, view)
        assert buy.pending is not None
        assert (failure.media_buy_id, buy.status, buy.pending.at) == (buy.id, Status.PENDING_APPROVAL, "unknown")
        with pytest.raises(Conflict):
            await campaigns.execute(world.work(), view.campaign.id)
        world.clock.pass_by(seconds=60)
        assert await keeping.sweep(world.runtime) == 1
        (buy,) = await buys_of(world, view)
        assert (buy.unsettled, buy.status) == (False, Status.PENDING_APPROVAL)
        (theirs,) = await north.buys()
        assert theirs["media_buy_id"] == buy.seller_buy_id


async def test_a_seller_without_idempotency_is_looked_up_and_never_asked_twice(world: World) -> None:
    async with sandbox("North", faults=["no_idempotency"]) as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await north.set_faults("cut_after_commit", tool="create_media_buy", times=1)
        await campaigns.execute(world.work(), view.campaign.id)
        world.clock.pass_by(seconds=60)
        await keeping.sweep(world.runtime)
        (buy,) = await buys_of(world, view)
        (theirs,) = await north.buys()
        assert (buy.unsettled, buy.seller_buy_id) == (False, theirs["media_buy_id"])
        assert len(await north.calls("create_media_buy")) == 1


async def test_a_call_cut_before_the_commit_is_draft_again_once_it_is_proved_absent(world: World) -> None:
    async with sandbox("North", faults=["no_idempotency"]) as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await north.set_faults("cut_before_commit", tool="create_media_buy", times=1)
        await campaigns.execute(world.work(), view.campaign.id)
        for _ in range(3):
            world.clock.pass_by(minutes=20)
            await keeping.sweep(world.runtime)
        (buy,) = await buys_of(world, view)
        assert (buy.status, buy.unsettled) == (Status.DRAFT, False)
        assert buy.trouble is not None
        again = await campaigns.execute(world.work(), view.campaign.id)
        assert again.success
        assert len(await north.buys()) == 1


async def test_two_executes_at_once_place_each_buy_once(world: World) -> None:
    async with sandbox("North", faults=["no_idempotency"]) as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await asyncio.gather(
            *(campaigns.execute(world.work(), view.campaign.id) for _ in range(4)), return_exceptions=True
        )
        assert len(await north.buys()) == 1


@pytest.mark.parametrize("fault", ["pending", "approval=manual"])
async def test_nothing_serves_of_a_campaign_that_was_paused_while_a_buy_waited(world: World, fault: str) -> None:
    async with sandbox("North", faults=[fault]) as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await a_banner(world, view)
        await campaigns.execute(world.work(), view.campaign.id)
        (buy,) = await buys_of(world, view)
        assert buy.status is Status.PENDING_APPROVAL
        await campaigns.pause(world.work(), view.campaign.id)
        if buy.seller_buy_id:
            await north.decide("approve", media_buy_id=buy.seller_buy_id)
        else:
            assert buy.task_id is not None
            await north.decide("approve", task_id=buy.task_id)
        world.clock.pass_by(minutes=1)
        await keeping.watch(world.runtime)
        (theirs,) = await north.buys()
        assert theirs["status"] == "paused"
        (buy,) = await buys_of(world, view)
        assert (buy.status, buy.paused_by) == (Status.PAUSED, "campaign")
        cascade = await campaigns.reactivate(world.work(), view.campaign.id)
        assert cascade.failures == 0
        assert (await north.buys())[0]["status"] == "active"
        assert [b.status for b in await buys_of(world, view)] == [Status.ACTIVE]


@pytest.mark.parametrize("fault", ["wrong_budget", "wrong_currency", "wrong_dates"])
async def test_a_buy_booked_otherwise_than_asked_is_paused_and_says_so(world: World, fault: str) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await a_banner(world, view)
        await north.set_faults(fault)
        await campaigns.execute(world.work(), view.campaign.id)
        (buy,) = await buys_of(world, view)
        assert buy.paused_by == "guard"
        assert buy.trouble is not None
        assert "booked" in buy.trouble.message
        (theirs,) = await north.buys()
        assert theirs["paused"] is True


async def test_a_person_pauses_and_resumes_one_buy_with_its_delivery_shown(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await a_banner(world, view)
        await campaigns.execute(world.work(), view.campaign.id)
        (buy,) = await buys_of(world, view)
        await north.advance(days=3)
        shown = await media_buys.packages(world.work(), buy.id)
        assert shown.packages[0].delivered is not None
        assert shown.packages[0].delivered.impressions > 0
        paused = await media_buys.pause(world.work(), buy.id)
        assert (paused.error, paused.after.status) == (None, Status.PAUSED)
        await campaigns.pause(world.work(), view.campaign.id)
        await campaigns.reactivate(world.work(), view.campaign.id)
        assert [b.status for b in await buys_of(world, view)] == [Status.PAUSED]
        resumed = await media_buys.reactivate(world.work(), buy.id)
        assert (resumed.error, resumed.after.status) == (None, Status.ACTIVE)


async def test_a_paused_campaign_places_new_buys_paused(world: World) -> None:
    async with sellers("North", "East") as (north, east):
        first, second = [await a_seller(world, each.mcp_url, each.name) for each in (north, east)]
        view = await a_campaign(world, [Wanted(first, north.product_id("display_reach"), Decimal(400))])
        await a_banner(world, view)
        await campaigns.execute(world.work(), view.campaign.id)
        await campaigns.pause(world.work(), view.campaign.id)
        await select_more(world, view, Wanted(second, east.product_id("display_reach"), Decimal(400)))
        done = await campaigns.execute(world.work(), view.campaign.id)
        assert (done.before, done.after, done.attempted) == ("PAUSED", "PAUSED", 1)
        assert [b["status"] for b in await east.buys()] != ["active"]
        assert (await east.buys())[0]["paused"] is True
        assert (await campaigns.reactivate(world.work(), view.campaign.id)).failures == 0
        await world.runtime.background.drain(30)
        assert [b["status"] for b in [*await north.buys(), *await east.buys()]] == ["active", "active"]
        assert {b.status for b in await buys_of(world, view)} == {Status.ACTIVE}


async def select_more(world: World, view: CampaignView, wanted: Wanted) -> None:
    """As if discovery had gone on: another seller's product in the campaign's session."""
    discovery_id = view.campaign.spec.discovery_id
    assert discovery_id is not None
    offer = await world.runtime.sellers.products(wanted.seller, ProductQuery("wholesale"), timeout=5)
    result = AgentResult(
        wanted.seller.id,
        wanted.seller.name,
        wanted.seller.storefront_id,
        "",
        AgentState.COMPLETE,
        2,
        None,
        offer.products,
    )
    async with world.work().writing() as tx:
        session = await tx.discoveries.get(discovery_id)
        await tx.discoveries.set_result(discovery_id, result, 1)
        more = Selection(wanted.product_id, wanted.seller.id, world.clock(), budget=wanted.budget)
        await tx.discoveries.select(discovery_id, [*session.selections, more])


async def test_whoever_lost_the_operation_meanwhile_does_not_decide_about_it(world: World) -> None:
    """The first call is refused, and heard so late that recovery has sent it again meanwhile, and it is booked."""
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await north.set_faults(rate_limit=60, tool="create_media_buy", times=1)
        stopped, go_on = asyncio.Event(), asyncio.Event()
        sellers_call = world.runtime.sellers.call

        async def slow_to_hear(*given: Any, **options: Any) -> Any:
            answer = await sellers_call(*given, **options)
            if given[1].tool == "create_media_buy" and not stopped.is_set():
                stopped.set()
                await go_on.wait()
            return answer

        with patch.object(world.runtime.sellers, "call", slow_to_hear):
            executing = asyncio.create_task(campaigns.execute(world.work(), view.campaign.id))
            await stopped.wait()
            world.clock.pass_by(minutes=2)
            await north.hold("create_media_buy")
            recovering = asyncio.create_task(keeping.sweep(world.runtime))
            await north.wait("create_media_buy", in_flight=1)
            go_on.set()
            await executing
            await north.release()
            await recovering
        (buy,) = await buys_of(world, view)
        (theirs,) = await north.buys()
        assert (buy.unsettled, buy.seller_buy_id) == (False, theirs["media_buy_id"])


async def test_a_buy_that_was_booked_after_it_was_proved_absent_is_taken_over_and_not_made_twice(world: World) -> None:
    async with sandbox("North", faults=["no_idempotency"]) as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await north.hold("create_media_buy")
        world.runtime.policy = replace(world.runtime.policy, call_timeout=0.3)
        await campaigns.execute(world.work(), view.campaign.id)
        for _ in range(3):
            world.clock.pass_by(minutes=20)
            await keeping.sweep(world.runtime)
        assert [b.status for b in await buys_of(world, view)] == [Status.DRAFT]
        await north.release()
        await north.wait("create_media_buy", finished=1)
        await campaigns.execute(world.work(), view.campaign.id)
        (buy,), (theirs,) = await buys_of(world, view), await north.buys()
        assert (buy.seller_buy_id, buy.status) == (theirs["media_buy_id"], Status.PENDING_APPROVAL)
