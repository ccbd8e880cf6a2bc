"""Edits of placed buys: what a seller takes applies, what it refuses changes nothing, what it ponders is pending."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from buyside.domain.campaigns import Campaign, CampaignSpec
from buyside.domain.campaigns import Status as CampaignStatus
from buyside.domain.creatives import CreativeSpec
from buyside.domain.edits import Asked, Do
from buyside.domain.errors import Conflict, InsufficientMediaBudget, Invalid
from buyside.domain.ids import StorefrontId
from buyside.domain.media_buys import MediaBuy, PausedBy, Status
from buyside.domain.money import Money
from buyside.domain.operations import Operation, State
from buyside.domain.package_edits import PackageEdit, ProductEdit
from buyside.services import campaigns, creatives, keeping
from buyside.services.campaigns import CampaignView
from buyside.store.database import Database
from tests.builders import Wanted, World, a_campaign, a_seller, a_spec, a_world
from tests.sandbox_server import SandboxHandle, sandbox

TAG = {"agent_url": "https://creative.adcontextprotocol.org", "id": "display_300x250_tag"}
LANDING = {"url": "https://northwind.example/summer", "url_type": "clickthrough"}


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


def same(campaign: Campaign) -> CampaignSpec:
    return campaign.spec


@dataclass
class Live:
    """A campaign of 1000 USD that runs at one seller, with 400 in one buy."""

    world: World
    seller: SandboxHandle
    view: CampaignView

    @property
    def id(self) -> Any:
        return self.view.campaign.id

    async def buy(self) -> MediaBuy:
        return (await campaigns.get(self.world.work(), self.id)).buys[0]

    async def ask(self, *asked: Asked, **more: Any) -> CampaignView:
        return await campaigns.update(self.world.work(), self.id, more.pop("edit", same), asked=asked, **more)

    async def rebudget(self, budget: str, **more: Any) -> CampaignView:
        buy = await self.buy()
        edit = PackageEdit(buy.packages[0].package_id or "", budget=Decimal(budget))
        return await self.ask(Asked(buy.id, packages=(edit,), at=("mediaBuys", 0)), **more)

    async def theirs(self) -> Any:
        return (await self.seller.buys())[0]

    async def operations(self) -> list[Operation]:
        async with self.world.work().reading() as tx:
            return [
                o for o in await tx.operations.of_buy((await self.buy()).id) if o.prepared.tool == "update_media_buy"
            ]


@contextlib.asynccontextmanager
async def running(world: World, *faults: str, creative: bool = True, budget: str = "400") -> AsyncIterator[Live]:
    async with sandbox("North", faults=faults) as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"), Decimal(budget))])
        if creative:
            spec = CreativeSpec("", format_id=TAG, url_asset=LANDING)
            await creatives.create(world.work(), view.campaign.id, spec, "Banner")
        assert (await campaigns.execute(world.work(), view.campaign.id)).success
        yield Live(world, north, view)


async def test_a_change_that_the_seller_takes_at_once_applies_at_once(world: World) -> None:
    async with running(world) as live:
        before = (await campaigns.get(world.work(), live.id)).campaign.revision
        view = await live.rebudget("600")
        assert view.warnings == ()
        assert (view.buys[0].budget, view.buys[0].change) == (Money(60_000, "USD"), None)
        assert (await live.theirs())["packages"][0]["budget"] == 60_000
        assert view.sums.allocated == Money(60_000, "USD")
        assert view.campaign.revision == before + 1
        assert view.buys[0].paused_by is None
        (operation,) = await live.operations()
        assert (operation.purpose, operation.state, operation.amount) == ("edit", State.DONE, Money(20_000, "USD"))
        assert operation.prepared.arguments["revision"] == (await live.theirs())["revision"] - 1


async def test_what_the_seller_refuses_leaves_the_buy_alone_and_is_a_warning(world: World) -> None:
    async with running(world) as live:
        await live.seller.set_faults("refuse_update", tool="update_media_buy", times=1)
        view = await live.rebudget("600")
        (warning,) = view.warnings
        assert view.buys[0].id in warning
        assert (view.buys[0].budget, view.buys[0].change) == (Money(40_000, "USD"), None)
        assert view.sums.allocated == Money(40_000, "USD")


async def test_a_change_that_waits_for_approval_is_pending_and_counts_the_larger_amount(world: World) -> None:
    async with running(world) as live:
        await live.seller.set_faults("approval", tool="update_media_buy", times=1)
        view = await live.rebudget("600")
        buy = view.buys[0]
        assert "approval" in view.warnings[0]
        assert buy.change is not None
        assert (buy.budget, view.sums.allocated) == (Money(40_000, "USD"), Money(60_000, "USD"))
        with pytest.raises(Invalid):
            await live.rebudget("500")
        await live.seller.decide("approve", task_id=str(buy.change.task_id))
        await campaigns.status(world.work(), live.id)
        after = await live.buy()
        assert (after.budget, after.change, after.paused_by) == (Money(60_000, "USD"), None, None)


async def test_a_change_that_is_declined_in_the_end_leaves_the_buy_alone(world: World) -> None:
    async with running(world) as live:
        await live.seller.set_faults("approval", tool="update_media_buy", times=1)
        buy = (await live.rebudget("600")).buys[0]
        assert buy.change is not None
        await live.seller.decide("reject", task_id=str(buy.change.task_id))
        world.clock.pass_by(seconds=2)
        await keeping.watch(world.runtime)
        after = await campaigns.get(world.work(), live.id)
        assert (after.buys[0].budget, after.buys[0].change) == (Money(40_000, "USD"), None)
        assert after.sums.allocated == Money(40_000, "USD")


async def test_a_stale_revision_is_read_and_the_change_sent_once_more_under_a_new_key(world: World) -> None:
    async with running(world) as live:
        await live.seller.set_faults("stale_revision", tool="update_media_buy", times=1)
        view = await live.rebudget("600")
        assert (view.warnings, view.buys[0].budget) == ((), Money(60_000, "USD"))
        first, second = await live.operations()
        assert first.prepared.key != second.prepared.key
        assert (first.state, second.state) == (State.REFUSED, State.DONE)


async def test_a_seller_that_stays_ahead_is_left_alone_after_the_second_try(world: World) -> None:
    async with running(world) as live:
        await live.seller.set_faults("stale_revision", tool="update_media_buy", times=5)
        view = await live.rebudget("600")
        assert len(view.warnings) == 1
        assert (view.buys[0].budget, view.buys[0].change) == (Money(40_000, "USD"), None)
        assert len(await live.operations()) == 2


@pytest.mark.parametrize("cut", ["cut_after_commit", "cut_before_commit"])
async def test_an_unanswered_change_is_replayed_with_the_same_bytes(world: World, cut: str) -> None:
    async with running(world) as live:
        await live.seller.set_faults(cut, tool="update_media_buy", times=1)
        view = await live.rebudget("600")
        assert view.buys[0].change is not None
        assert view.sums.allocated == Money(60_000, "USD")
        world.clock.pass_by(seconds=5)
        await keeping.sweep(world.runtime)
        after = await live.buy()
        assert (after.budget, after.change, after.paused_by) == (Money(60_000, "USD"), None, None)
        assert (await live.theirs())["packages"][0]["budget"] == 60_000
        sent = await live.seller.calls("update_media_buy")
        assert len({call["arguments_sha256"] for call in sent}) == 1


@pytest.mark.parametrize(("cut", "budget"), [("cut_after_commit", 60_000), ("cut_before_commit", 40_000)])
async def test_where_no_key_is_honoured_a_reading_decides_and_nothing_is_sent_twice(
    world: World, cut: str, budget: int
) -> None:
    async with running(world, "no_idempotency") as live:
        await live.seller.set_faults(cut, tool="update_media_buy", times=1)
        assert (await live.rebudget("600")).buys[0].change is not None
        for _ in range(6):
            world.clock.pass_by(seconds=60)
            await keeping.sweep(world.runtime)
            await keeping.watch(world.runtime)
        after = await live.buy()
        assert (after.budget, after.change, after.paused_by) == (Money(budget, "USD"), None, None)
        assert len(await live.seller.calls("update_media_buy")) == 1


async def test_a_slow_seller_is_not_waited_for_past_the_deadline(world: World) -> None:
    async with running(world) as live:
        await live.seller.hold("update_media_buy")
        world.runtime.policy = replace(world.runtime.policy, execute_deadline=0.3)
        view = await live.rebudget("600")
        assert "under way" in view.warnings[0]
        assert view.buys[0].change is not None
        await live.seller.release()
        await world.runtime.background.drain(30)
        assert (await live.buy()).budget == Money(60_000, "USD")


async def test_a_seller_that_says_yes_and_does_otherwise_is_paused(world: World) -> None:
    async with running(world) as live:
        await live.rebudget("600")
        # Behind our back the seller's copy shrinks.
        theirs = await live.theirs()
        async with world.work().writing() as tx:
            buy = await tx.media_buys.get((await live.buy()).id)
            grown = replace(buy, packages=(replace(buy.packages[0], budget=Money(70_000, "USD")),))
            await tx.media_buys.save(grown, world.clock())
        assert theirs["packages"][0]["budget"] == 60_000
        await campaigns.status(world.work(), live.id)
        assert (await live.buy()).paused_by is PausedBy.GUARD


async def test_a_cancellation_is_sent_with_its_reason_and_ends_the_buy(world: World) -> None:
    async with running(world) as live:
        buy = await live.buy()
        view = await live.ask(Asked(buy.id, Do.CANCEL, reason="The season is over.", at=("mediaBuys", 0)))
        assert (view.warnings, view.buys[0].status) == ((), Status.CANCELED)
        assert view.campaign.status is CampaignStatus.CANCELED
        sent = (await live.operations())[0].prepared.arguments
        assert (sent["canceled"], sent["cancellation_reason"]) == (True, "The season is over.")
        assert (await live.theirs())["canceled"]


async def test_a_cancellation_overtakes_a_change_that_waits_for_approval(world: World) -> None:
    async with running(world) as live:
        await live.seller.set_faults("approval", tool="update_media_buy", times=1)
        buy = (await live.rebudget("600")).buys[0]
        view = await live.ask(Asked(buy.id, Do.CANCEL, at=("mediaBuys", 0)))
        assert (view.buys[0].status, view.buys[0].change) == (Status.CANCELED, None)


async def test_dates_pacing_goals_and_audiences_reach_the_seller(world: World) -> None:
    async with running(world) as live:
        buy = await live.buy()
        end = buy.end - timedelta(days=3)
        goal = {"kind": "metric", "metric": "clicks"}
        edit = PackageEdit(buy.packages[0].package_id or "", pacing="front_loaded", include=("aud_1",))
        view = await live.ask(Asked(buy.id, end=end, goals=(goal,), packages=(edit,), at=("mediaBuys", 0)))
        assert view.warnings == ()
        (package,) = (await live.theirs())["packages"]
        assert (package["pacing"], package["optimization_goals"]) == ("front_loaded", [goal])
        assert package["targeting_overlay"]["audience_include"] == ["aud_1"]
        after = view.buys[0]
        assert (after.end, after.goals, after.packages[0].pacing) == (end, (goal,), "front_loaded")
        assert after.paused_by is None


async def test_chosen_creatives_replace_what_is_carried_by_itself(world: World) -> None:
    async with running(world) as live:
        spec = CreativeSpec("", format_id=TAG, url_asset=LANDING)
        second = await creatives.create(world.work(), live.id, spec, "Second")
        first = (await live.buy()).packages[0].creative_ids
        view = await live.ask(Asked((await live.buy()).id, creative_ids=(second.creative.id,), at=("mediaBuys", 0)))
        assert view.buys[0].creative_ids == (second.creative.id,)
        (package,) = (await live.theirs())["packages"]
        assert [a["creative_id"] for a in package["creative_assignments"]] == [second.creative.id]
        assert first != (second.creative.id,)


async def test_more_than_the_campaign_has_left_is_refused_before_anything_is_sent(world: World) -> None:
    async with running(world) as live:
        with pytest.raises(InsufficientMediaBudget):
            await live.rebudget("1000.01")
        assert await live.operations() == []


async def test_a_lower_total_is_taken_together_with_the_buy_that_makes_room(world: World) -> None:
    async with running(world) as live:

        def lower(campaign: Campaign) -> CampaignSpec:
            return replace(campaign.spec, budget=replace(campaign.spec.budget, total=Money(30_000, "USD")))

        with pytest.raises(InsufficientMediaBudget):
            await live.ask(edit=lower)
        view = await live.rebudget("250", edit=lower)
        assert (view.campaign.spec.budget.total, view.buys[0].budget) == (Money(30_000, "USD"), Money(25_000, "USD"))


async def test_a_lower_total_waits_where_the_seller_does_not_make_room(world: World) -> None:
    async with running(world) as live:

        def lower(campaign: Campaign) -> CampaignSpec:
            budget = replace(campaign.spec.budget, total=Money(30_000, "USD"))
            return replace(campaign.spec, budget=budget, name="Autumn")

        await live.seller.set_faults("refuse_update", tool="update_media_buy", times=1)
        view = await live.rebudget("250", edit=lower)
        assert len(view.warnings) == 2
        assert (view.campaign.spec.budget.total, view.campaign.spec.name) == (Money(100_000, "USD"), "Autumn")
        assert view.sums.unallocated.minor >= 0


async def test_nobody_is_asked_to_make_room_for_an_edit_that_is_refused(world: World) -> None:
    async with running(world) as live:

        def lower(campaign: Campaign) -> CampaignSpec:
            budget = replace(campaign.spec.budget, total=Money(30_000, "USD"))
            return replace(campaign.spec, budget=budget, storefront_ids=(StorefrontId(999_999),))

        with pytest.raises(Invalid):
            await live.rebudget("250", edit=lower)
        assert await live.seller.calls("update_media_buy") == []


async def test_a_stale_revision_of_the_campaign_is_refused(world: World) -> None:
    async with running(world) as live:
        revision = (await campaigns.get(world.work(), live.id)).campaign.revision
        await live.rebudget("300", expected_revision=revision)
        with pytest.raises(Conflict):
            await live.rebudget("200", expected_revision=revision)


async def test_a_product_that_is_taken_off_a_draft_is_not_bought_by_the_next_execute(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        wanted = [
            Wanted(seller, north.product_id("display_reach"), Decimal(400)),
            Wanted(seller, north.product_id("ctv_auction"), Decimal(300), Decimal(20)),
        ]
        view = await a_campaign(world, wanted)
        (buy,) = view.buys
        gone = ProductEdit(buy.packages[1].product_id, remove=True)
        more = ProductEdit(buy.packages[0].product_id, budget=Decimal("450.50"), pacing="asap")
        view = await campaigns.update(
            world.work(), view.campaign.id, same, asked=[Asked(buy.id, products=(gone, more), name="Mine")]
        )
        (buy,) = view.buys
        assert (buy.name, buy.budget, len(buy.packages)) == ("Mine", Money(45_050, "USD"), 1)
        assert await north.buys() == []
        assert (await campaigns.execute(world.work(), view.campaign.id)).success
        (theirs,) = await north.buys()
        assert [p["budget"] for p in theirs["packages"]] == [45_050]


async def test_a_draft_that_is_deleted_is_gone_and_not_bought_again(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"), Decimal(400))])
        (buy,) = view.buys
        view = await campaigns.update(world.work(), view.campaign.id, same, asked=[Asked(buy.id, Do.DELETE)])
        assert (view.buys, view.sums.allocated) == ((), Money(0, "USD"))
        with pytest.raises(Invalid):
            await campaigns.execute(world.work(), view.campaign.id)
        assert await north.buys() == []


async def test_eight_editors_of_different_buys_lose_no_update(world: World) -> None:
    async with contextlib.AsyncExitStack() as stack:
        north = [await stack.enter_async_context(sandbox(f"North{n}")) for n in range(8)]
        wanted = [
            Wanted(await a_seller(world, each.mcp_url, each.name), each.product_id("display_reach"), Decimal(100))
            for each in north
        ]
        view = await a_campaign(world, wanted, spec=a_spec("2000 USD"))
        assert (await campaigns.execute(world.work(), view.campaign.id)).success
        revision = (await campaigns.get(world.work(), view.campaign.id)).campaign.revision

        async def edit(index: int, buy: MediaBuy) -> CampaignView:
            change = PackageEdit(buy.packages[0].package_id or "", budget=Decimal(150 + index))
            return await campaigns.update(
                world.work(), view.campaign.id, same, asked=[Asked(buy.id, packages=(change,))]
            )

        placed = (await campaigns.get(world.work(), view.campaign.id)).buys
        done = await asyncio.gather(*(edit(i, b) for i, b in enumerate(placed)))
        assert all(each.warnings == () for each in done)
        after = await campaigns.get(world.work(), view.campaign.id)
        assert sorted(b.budget.minor for b in after.buys) == [15_000 + 100 * i for i in range(8)]
        assert after.campaign.revision == revision + 8
        theirs = [(await each.buys())[0]["packages"][0]["budget"] for each in north]
        assert sorted(theirs) == [15_000 + 100 * i for i in range(8)]
