"""A stop: what spends is paused, what waits is held, nothing begins, and undoing it resumes what it paused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from buyside.domain.advertisers import Advertiser
from buyside.domain.decisions import Wanted as Which
from buyside.domain.errors import Conflict, NotFound
from buyside.domain.ids import AdvertiserId, StopId, StorefrontId
from buyside.domain.media_buys import MediaBuy, PausedBy, Status
from buyside.domain.operations import OPEN
from buyside.domain.stops import Scope, Stop
from buyside.domain.storefronts import Seller
from buyside.services import campaigns, decisions, keeping, media_buys, stops
from buyside.services.campaigns import CampaignView
from buyside.services.stops import making, spreading
from buyside.store.database import Database
from tests.builders import Wanted, World, a_campaign, a_seller, a_world, an_advertiser
from tests.sandbox_server import SandboxHandle, sandbox
from tests.services.test_execute import a_banner, buys_of, sellers

ALL = Scope()
WHY = "The client's site is down."


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


async def a_live_one(
    world: World, *shops: tuple[SandboxHandle, Seller], advertiser: Advertiser | None = None
) -> CampaignView:
    wanted = [Wanted(seller, handle.product_id("display_reach")) for handle, seller in shops]
    view = await a_campaign(world, wanted, advertiser=advertiser)
    await a_banner(world, view)
    assert (await campaigns.execute(world.work(), view.campaign.id)).success
    return await campaigns.get(world.work(), view.campaign.id)


async def at(handle: SandboxHandle) -> list[str]:
    return [str(buy["status"]) for buy in await handle.buys()]


def ids(buys: Sequence[MediaBuy]) -> tuple[str, ...]:
    return tuple(sorted(buy.id for buy in buys))


async def rounds(world: World, count: int = 6) -> None:
    """What the clock does, and enough time between that everything is due."""
    for _ in range(count):
        world.clock.pass_by(seconds=5)
        await keeping.sweep(world.runtime)
        await keeping.watch(world.runtime)
        await keeping.see_through(world.runtime)


async def test_a_stop_pauses_every_buy_at_its_seller_and_undoing_it_resumes_them(world: World) -> None:
    async with sellers("North", "East") as (north, east):
        one, two = await a_seller(world, north.mcp_url), await a_seller(world, east.mcp_url)
        view = await a_live_one(world, (north, one), (east, two))
        stopped = await stops.make(world.work(), ALL, WHY)
        assert (tuple(sorted(stopped.paused)), stopped.refused) == (ids(view.buys), ())
        assert [await at(north), await at(east)] == [["paused"], ["paused"]]
        assert {b.paused_by for b in await buys_of(world, view)} == {PausedBy.STOP}
        undone = await stops.undo(world.work(), stopped.stop.id)
        assert (tuple(sorted(undone.resumed)), undone.kept, undone.refused) == (ids(view.buys), (), ())
        assert [await at(north), await at(east)] == [["active"], ["active"]]
        assert {b.paused_by for b in await buys_of(world, view)} == {None}


async def test_only_what_is_in_the_scope_is_stopped(world: World) -> None:
    async with sellers("North", "East") as (north, east):
        one, two = await a_seller(world, north.mcp_url), await a_seller(world, east.mcp_url)
        mine, other = await an_advertiser(world), await an_advertiser(world)
        here = await a_live_one(world, (north, one), (east, two), advertiser=mine)
        there = await a_live_one(world, (north, one), (east, two), advertiser=other)
        by_seller = {(b.campaign_id, b.agent_id): b.id for v in (here, there) for b in v.buys}
        first = await stops.make(world.work(), Scope(mine.id, two.storefront_id), WHY)
        assert first.paused == (by_seller[here.campaign.id, two.id],)
        second = await stops.make(world.work(), Scope(storefront_id=one.storefront_id), WHY)
        assert set(second.paused) == {by_seller[v.campaign.id, one.id] for v in (here, there)}
        third = await stops.make(world.work(), Scope(mine.id), WHY)
        assert set(third.paused) == {by_seller[here.campaign.id, s.id] for s in (one, two)}
        running = [b for v in (here, there) for b in await buys_of(world, v) if b.status is Status.ACTIVE]
        assert [b.id for b in running] == [by_seller[there.campaign.id, two.id]]


async def test_what_somebody_elses_is_not_there_to_be_stopped(world: World) -> None:
    for scope in (Scope(AdvertiserId(999)), Scope(storefront_id=StorefrontId(999))):
        with pytest.raises(NotFound):
            await stops.make(world.work(), scope, WHY)
    with pytest.raises(NotFound):
        await stops.undo(world.work(), StopId("stop_unknown"))


async def test_a_buy_that_a_person_paused_stays_paused_when_the_stop_is_undone(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view, other = await a_live_one(world, (north, seller)), await a_live_one(world, (north, seller))
        await media_buys.pause(world.work(), view.buys[0].id)
        stopped = await stops.make(world.work(), ALL, WHY)
        assert stopped.paused == (other.buys[0].id,)
        undone = await stops.undo(world.work(), stopped.stop.id)
        assert undone.resumed == (other.buys[0].id,)
        (buy,) = await buys_of(world, view)
        assert (buy.status, buy.paused_by) == (Status.PAUSED, PausedBy.PERSON)


async def test_a_buy_goes_on_only_when_no_stop_stands_over_it_any_more(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_live_one(world, (north, seller))
        wide = await stops.make(world.work(), ALL, WHY)
        narrow = await stops.make(world.work(), Scope(view.campaign.advertiser_id), WHY)
        undone = await stops.undo(world.work(), wide.stop.id)
        assert [line.media_buy_id for line in undone.kept] == [view.buys[0].id]
        assert narrow.stop.id in undone.kept[0].message
        assert await at(north) == ["paused"]
        assert (await stops.undo(world.work(), narrow.stop.id)).resumed == (view.buys[0].id,)
        assert await at(north) == ["active"]
        with pytest.raises(Conflict):
            await stops.undo(world.work(), narrow.stop.id)


async def test_neither_the_buy_nor_its_campaign_is_reactivated_under_a_stop(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_live_one(world, (north, seller))
        stopped = await stops.make(world.work(), ALL, WHY)
        with pytest.raises(Conflict, match=stopped.stop.id):
            await media_buys.reactivate(world.work(), view.buys[0].id)
        await campaigns.pause(world.work(), view.campaign.id)
        with pytest.raises(Conflict, match=stopped.stop.id):
            await campaigns.reactivate(world.work(), view.campaign.id)
        await rounds(world)
        assert await at(north) == ["paused"]
        undone = await stops.undo(world.work(), stopped.stop.id)
        assert [line.message for line in undone.kept] == ["Its campaign is PAUSED."]
        await campaigns.reactivate(world.work(), view.campaign.id)
        assert await at(north) == ["active"]


async def test_a_campaign_reactivated_with_one_seller_stopped_resumes_at_the_others(world: World) -> None:
    async with sellers("North", "East") as (north, east):
        one, two = await a_seller(world, north.mcp_url), await a_seller(world, east.mcp_url)
        view = await a_live_one(world, (north, one), (east, two))
        await campaigns.pause(world.work(), view.campaign.id)
        stopped = await stops.make(world.work(), Scope(storefront_id=one.storefront_id), WHY)
        assert stopped.paused == ()
        cascade = await campaigns.reactivate(world.work(), view.campaign.id)
        assert [stopped.stop.id in (r.error or "") for r in cascade.results] == [
            b.agent_id == one.id for b in view.buys
        ]
        await rounds(world)
        assert [await at(north), await at(east)] == [["paused"], ["active"]]
        await stops.undo(world.work(), stopped.stop.id)
        assert [await at(north), await at(east)] == [["active"], ["active"]]


async def test_nothing_is_executed_under_a_stop(world: World) -> None:
    async with sellers("North", "East") as (north, east):
        one, two = await a_seller(world, north.mcp_url), await a_seller(world, east.mcp_url)
        wanted = [Wanted(one, north.product_id("display_reach")), Wanted(two, east.product_id("display_reach"))]
        view = await a_campaign(world, wanted)
        await a_banner(world, view)
        everything = await stops.make(world.work(), ALL, WHY)
        with pytest.raises(Conflict, match=everything.stop.id):
            await campaigns.execute(world.work(), view.campaign.id)
        await stops.undo(world.work(), everything.stop.id)
        shop = await stops.make(world.work(), Scope(storefront_id=one.storefront_id), WHY)
        done = await campaigns.execute(world.work(), view.campaign.id)
        assert [(f.agent_id, shop.stop.id in f.message) for f in done.failures] == [(one.id, True)]
        assert [await at(north), await at(east)] == [[], ["active"]]
        with pytest.raises(Conflict, match=shop.stop.id):
            await campaigns.execute(world.work(), view.campaign.id)
        await stops.undo(world.work(), shop.stop.id)
        assert (await campaigns.execute(world.work(), view.campaign.id)).success
        assert await at(north) == ["active"]


async def test_a_buy_that_waits_never_begins_to_serve(world: World) -> None:
    async with sandbox("North", faults=["approval=manual"]) as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await a_banner(world, view)
        await campaigns.execute(world.work(), view.campaign.id)
        (buy,) = await buys_of(world, view)
        stopped = await stops.make(world.work(), ALL, WHY)
        assert (stopped.paused, stopped.held, stopped.refused) == ((), (buy.id,), ())
        assert buy.task_id is not None
        await north.decide("approve", task_id=buy.task_id)
        await rounds(world)
        assert await at(north) == ["paused"]
        (buy,) = await buys_of(world, view)
        assert (buy.status, buy.paused_by) == (Status.PAUSED, PausedBy.STOP)
        await stops.undo(world.work(), stopped.stop.id)
        assert await at(north) == ["active"]


async def test_a_buy_that_is_being_placed_is_paused_as_soon_as_its_seller_has_answered(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await a_banner(world, view)
        await north.hold("create_media_buy")
        executing = asyncio.create_task(campaigns.execute(world.work(), view.campaign.id))
        await north.wait("create_media_buy", in_flight=1)
        stopped = await stops.make(world.work(), ALL, WHY)
        assert [line.media_buy_id for line in stopped.refused] == [view.buys[0].id]
        await north.release()
        await executing
        assert await at(north) == ["paused"]
        assert (await stops.get(world.work(), stopped.stop.id)).paused == (view.buys[0].id,)


async def test_a_create_that_was_planned_before_the_stop_and_not_sent_is_not_sent_after_it(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        async with world.work().writing() as tx:
            batch = await campaigns.execution.prepare(tx, world.work(), view.campaign.id, {})
        stopped = await stops.make(world.work(), ALL, WHY)
        assert len(batch.planned) == 1
        world.clock.pass_by(minutes=2)
        await keeping.sweep(world.runtime)
        (buy,) = await buys_of(world, view)
        assert (buy.status, buy.paused_by, await at(north)) == (Status.DRAFT, None, [])
        assert buy.trouble is not None
        assert stopped.stop.id in buy.trouble.message


async def test_an_unanswered_create_is_not_repeated_under_a_stop_but_looked_for(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await a_banner(world, view)
        await north.set_faults("cut_after_commit", tool="create_media_buy", times=1)
        await campaigns.execute(world.work(), view.campaign.id)
        await stops.make(world.work(), ALL, WHY)
        await rounds(world)
        assert len(await north.calls("create_media_buy")) == 1
        assert await at(north) == ["paused"]


async def test_a_seller_that_refuses_is_named_and_asked_again(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_live_one(world, (north, seller))
        await north.set_faults("refuse_update")
        stopped = await stops.make(world.work(), ALL, WHY)
        assert stopped.paused == ()
        assert [line.media_buy_id for line in stopped.refused] == [view.buys[0].id]
        assert "did not pause" in stopped.refused[0].message
        await north.clear_faults("refuse_update")
        await rounds(world)
        assert (await stops.get(world.work(), stopped.stop.id)).paused == (view.buys[0].id,)
        assert await at(north) == ["paused"]


async def test_what_is_not_confirmed_in_time_is_named_and_goes_on_by_itself(world: World) -> None:
    async with sellers("North", "East") as (north, east):
        one, two = await a_seller(world, north.mcp_url), await a_seller(world, east.mcp_url)
        view = await a_live_one(world, (north, one), (east, two))
        world.runtime.policy = replace(world.runtime.policy, execute_deadline=2)
        await north.hold("update_media_buy")
        stopped = await stops.make(world.work(), ALL, WHY)
        assert [line.message for line in stopped.refused] == [stops.reading.UNCONFIRMED]
        assert len(stopped.paused) == 1
        await north.release()
        await world.runtime.background.drain(30)
        assert tuple(sorted((await stops.get(world.work(), stopped.stop.id)).paused)) == ids(view.buys)


async def test_a_seller_that_is_down_is_paused_when_it_comes_back(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_live_one(world, (north, seller))
        await north.set_faults("down")
        stopped = await stops.make(world.work(), ALL, WHY)
        assert [line.media_buy_id for line in stopped.refused] == [view.buys[0].id]
        await north.clear_faults("down")
        world.clock.pass_by(minutes=5)
        await rounds(world)
        assert await at(north) == ["paused"]


async def test_a_stop_undone_while_its_pause_is_under_way_leaves_the_buy_running(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        await a_live_one(world, (north, seller))
        world.runtime.policy = replace(world.runtime.policy, execute_deadline=0.2)
        await north.hold("update_media_buy")
        stopped = await stops.make(world.work(), ALL, WHY)
        await stops.undo(world.work(), stopped.stop.id)
        await north.release()
        await world.runtime.background.drain(30)
        await rounds(world)
        assert await at(north) == ["active"]


@pytest.mark.parametrize("undoing", [False, True])
async def test_what_a_process_left_that_died_in_the_middle_the_clock_carries_on(world: World, undoing: bool) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        views = [await a_live_one(world, (north, seller)) for _ in range(3)]
        work, now = world.work(), world.clock()
        stop = Stop(StopId("stop_1"), ALL, WHY, "a test", now)
        if undoing:
            stop = (await stops.make(work, ALL, WHY)).stop
        async with work.writing() as tx:
            if undoing:
                stop = stop.undone("a test", now, await making.held_in(tx, ALL))
                await tx.stops.save(stop, now)
            else:
                await tx.stops.add(stop, now)
        # One campaign was seen to, and its call was never made.
        async with work.writing() as tx:
            steps = await spreading.bring(tx, work, views[0].campaign.id, ALL)
        assert [s.operation is not None and s.operation.state in OPEN for s in steps] == [True]
        assert await at(north) == ["paused" if undoing else "active"] * 3
        await rounds(world)
        assert await at(north) == ["active" if undoing else "paused"] * 3
        async with work.reading() as tx:
            assert not await _due(world)
            found = await stops.get(work, stop.id)
        assert len(found.resumed if undoing else found.paused) == 3


async def _due(world: World) -> bool:
    world.clock.pass_by(hours=1)
    return bool(await keeping.see_through(world.runtime))


async def test_a_preview_shows_the_very_calls_and_makes_none(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_live_one(world, (north, seller))
        await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        shown = await stops.preview_make(world.work(), ALL, WHY)
        assert await north.calls("update_media_buy") == []
        assert [(c.path, c.before, c.after) for c in shown.changes] == [
            (f"mediaBuys.{view.buys[0].id}.pausedBy", None, "stop")
        ]
        assert "1 DRAFT" in shown.warnings[0]
        stopped = await stops.make(world.work(), ALL, WHY)
        (made,) = await north.calls("update_media_buy")
        (call,) = shown.calls
        sent = {k: v for k, v in made["arguments"].items() if k != "idempotency_key"}
        assert (call.tool, call.arguments) == ("update_media_buy", sent)
        back = await stops.preview_undo(world.work(), stopped.stop.id)
        assert [c.arguments["paused"] for c in back.calls] == [False]
        assert await at(north) == ["paused"]
        await stops.undo(world.work(), stopped.stop.id)
        refused = await stops.preview_undo(world.work(), stopped.stop.id)
        assert [type(r.error) for r in refused.refusals] == [Conflict]
        unknown = await stops.preview_make(world.work(), Scope(AdvertiserId(999)), WHY)
        assert [type(r.error) for r in unknown.refusals] == [NotFound]


async def test_the_log_says_who_stopped_what_and_why_and_taking_it_back_undoes_the_stop(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        await a_live_one(world, (north, seller))
        await stops.make(world.work(), ALL, WHY)
        entries = (await decisions.page(world.work(), Which(), limit=10)).entries
        paused, made = entries[0], entries[1]
        assert (made.action, made.reason, made.actor) == ("stop.made", WHY, "a test")
        assert (paused.action, paused.reason) == ("media_buy.paused", WHY)
        shown = await decisions.preview_revert(world.work(), made.id)
        assert [c.arguments["paused"] for c in shown.calls] == [False]
        with pytest.raises(Conflict):
            await decisions.revert(world.work(), paused.id)
        back = await decisions.revert(world.work(), made.id)
        assert (back.action, back.reverts) == ("stop.undone", made.id)
        assert await at(north) == ["active"]
