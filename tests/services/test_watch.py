"""The watch: status that is true without anybody asking, whatever sellers say or do not say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from buyside.domain.campaigns import Status as CampaignStatus
from buyside.domain.decisions import Decision
from buyside.domain.decisions import Wanted as Entries
from buyside.domain.ids import CampaignId
from buyside.domain.media_buys import MediaBuy, PausedBy, Status
from buyside.domain.storefronts import Seller
from buyside.services import campaigns, decisions, keeping
from buyside.services.campaigns import CampaignView
from buyside.store.database import Database
from tests.builders import Wanted, World, a_campaign, a_seller, a_spec, a_world
from tests.sandbox_server import SandboxHandle, sandbox
from tests.services.test_execute import a_banner, buys_of


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


async def a_live_campaign(
    world: World, handle: SandboxHandle, *, days: int = 30, seller: Seller | None = None
) -> CampaignView:
    of = seller or await a_seller(world, handle.mcp_url, handle.name)
    view = await a_campaign(world, [Wanted(of, handle.product_id("display_reach"))], spec=a_spec(days=days))
    await a_banner(world, view)
    await campaigns.execute(world.work(), view.campaign.id)
    assert {b.status for b in await buys_of(world, view)} == {Status.ACTIVE}
    return view


async def status_of(world: World, view: CampaignView) -> CampaignStatus:
    return (await campaigns.get(world.work(), view.campaign.id)).campaign.status


async def entries(world: World, campaign: CampaignId, action: str) -> Sequence[Decision]:
    found = await decisions.page(world.work(), Entries(campaign_id=campaign), limit=100)
    return [each for each in found.entries if each.action == action]


async def rounds(world: World, number: int, **apart: float) -> None:
    for _ in range(number):
        world.clock.pass_by(**apart)
        await keeping.complete(world.runtime)
        await keeping.watch(world.runtime)


class TestAnEndThatIsDoubted:
    @pytest.mark.parametrize("word", ["canceled", "failed", "rejected"])
    async def test_a_buy_that_is_seen_serving_again_is_active_again(self, world: World, word: str) -> None:
        async with sandbox("North") as north:
            view = await a_live_campaign(world, north)
            whole = (await campaigns.get(world.work(), view.campaign.id)).sums.allocated
            await north.set_faults(claims_status=word)
            await rounds(world, 3, minutes=30)
            (buy,) = await buys_of(world, view)
            assert (buy.status.value, buy.seller_status) == (word.upper(), word)
            assert await status_of(world, view) is CampaignStatus.ACTIVE
            assert (await campaigns.get(world.work(), view.campaign.id)).sums.allocated == whole
            await north.clear_faults("claims_status")
            await rounds(world, 1, hours=2)
            (buy,) = await buys_of(world, view)
            assert (buy.status, buy.doubted_until) == (Status.ACTIVE, None)
            (entry,) = await entries(world, view.campaign.id, "media_buy.revived")
            assert entry.after is not None
            assert entry.after["status"] == "ACTIVE"

    async def test_a_buy_of_a_paused_campaign_is_paused_when_it_comes_back(self, world: World) -> None:
        async with sandbox("North") as north:
            view = await a_live_campaign(world, north)
            await north.set_faults(claims_status="canceled")
            await rounds(world, 1, minutes=30)
            await campaigns.pause(world.work(), view.campaign.id)
            await north.clear_faults("claims_status")
            await rounds(world, 1, hours=2)
            (buy,) = await buys_of(world, view)
            assert (buy.status, buy.paused_by) == (Status.PAUSED, PausedBy.CAMPAIGN)
            assert [b["status"] for b in await north.buys()] == ["paused"]

    async def test_a_word_that_stands_for_a_day_is_believed_and_ends_the_campaign(self, world: World) -> None:
        async with sandbox("North") as north:
            view = await a_live_campaign(world, north)
            await north.set_faults(claims_status="canceled")
            looks = len(await north.calls("get_media_buys"))
            await rounds(world, 27, minutes=61)
            (buy,) = await buys_of(world, view)
            assert (buy.status, buy.doubted_until) == (Status.CANCELED, None)
            assert await status_of(world, view) is CampaignStatus.CANCELED
            assert 3 <= len(await north.calls("get_media_buys")) - looks <= 15
            assert (await campaigns.get(world.work(), view.campaign.id)).sums.allocated.minor == 0


class TestAFlightThatIsOver:
    async def test_its_campaign_is_completed_and_what_still_runs_is_paused(self, world: World) -> None:
        async with sandbox("North") as north:
            view = await a_live_campaign(world, north, days=3)
            await rounds(world, 2, days=2)
            assert await status_of(world, view) is CampaignStatus.COMPLETED
            assert [b["status"] for b in await north.buys()] == ["paused"]
            (entry,) = await entries(world, view.campaign.id, "campaign.completed")
            assert (entry.before, entry.after) == ({"status": "ACTIVE"}, {"status": "COMPLETED"})

    async def test_a_paused_campaign_is_completed_too(self, world: World) -> None:
        async with sandbox("North") as north:
            view = await a_live_campaign(world, north, days=3)
            await campaigns.pause(world.work(), view.campaign.id)
            await rounds(world, 1, days=4)
            assert await status_of(world, view) is CampaignStatus.COMPLETED

    async def test_a_draft_stays_a_draft(self, world: World) -> None:
        view = await a_campaign(world, spec=a_spec(days=3))
        await rounds(world, 1, days=4)
        assert await status_of(world, view) is CampaignStatus.DRAFT


class TestSellersThatAreSlowOrSilent:
    async def test_a_silent_seller_holds_up_nobody_else_and_is_not_asked_for_each_buy(self, world: World) -> None:
        async with sandbox("North") as north, sandbox("East") as east:
            seller = await a_seller(world, north.mcp_url)
            views = [await a_live_campaign(world, north, seller=seller) for _ in range(8)]
            other = await a_live_campaign(world, east)
            world.runtime.policy = replace(world.runtime.policy, read_timeout=1.5)
            asked = len(await north.calls("get_media_buys"))
            await north.hold("get_media_buys")
            await east.set_faults(claims_status="paused")
            world.clock.pass_by(minutes=20)
            assert await keeping.watch(world.runtime) == 9
            assert [b.status for b in await buys_of(world, other)] == [Status.PAUSED]
            assert 1 <= len(await north.calls("get_media_buys")) - asked <= 4
            for view in views:
                (buy,) = await buys_of(world, view)
                assert buy.check_at is not None
                assert buy.check_at > world.clock()
            await north.release()

    async def test_two_rounds_at_once_look_at_a_buy_once(self, world: World) -> None:
        async with sandbox("North") as north:
            await a_live_campaign(world, north)
            world.clock.pass_by(minutes=20)
            asked = len(await north.calls("get_media_buys"))
            assert sum(await asyncio.gather(keeping.watch(world.runtime), keeping.watch(world.runtime))) == 1
            assert len(await north.calls("get_media_buys")) - asked == 1


async def test_a_buy_whose_campaign_is_reactivated_while_its_pause_is_under_way_is_resumed(world: World) -> None:
    async with sandbox("North") as north:
        view = await a_live_campaign(world, north)
        world.runtime.policy = replace(world.runtime.policy, execute_deadline=0.2)
        await north.hold("update_media_buy")
        await campaigns.pause(world.work(), view.campaign.id)
        await campaigns.reactivate(world.work(), view.campaign.id)
        await north.release()
        await world.runtime.background.drain(30)
        (buy,) = await buys_of(world, view)
        assert await resumed(world, buy) == (Status.ACTIVE, None)
        assert [b["status"] for b in await north.buys()] == ["active"]


async def resumed(world: World, buy: MediaBuy) -> tuple[Status, PausedBy | None]:
    async with world.work().reading() as tx:
        found = await tx.media_buys.get(buy.id)
    return found.status, found.paused_by
