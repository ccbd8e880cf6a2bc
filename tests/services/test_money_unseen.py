"""What sellers can do to a budget while nobody looks, and what is done about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from buyside.connectors.registry import open_sellers
from buyside.domain import settling
from buyside.domain.delivery import delivered
from buyside.domain.errors import Conflict
from buyside.domain.media_buys import PausedBy, Status
from buyside.domain.money import Money
from buyside.domain.orders import DeliveryRow
from buyside.services import campaigns, keeping
from buyside.store.database import Database
from tests.builders import Wanted, World, a_campaign, a_seller, a_spec, a_world
from tests.domain.values import a_buy, observed
from tests.sandbox_server import sandbox
from tests.services.test_execute import a_banner, buys_of


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


async def test_what_a_finished_buy_delivered_stays_spent(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))], spec=a_spec(days=3))
        await a_banner(world, view)
        await campaigns.execute(world.work(), view.campaign.id)
        await north.advance(days=4)
        await campaigns.status(world.work(), view.campaign.id)
        unread = await campaigns.get(world.work(), view.campaign.id)
        assert [b.status for b in unread.buys] == [Status.COMPLETED]
        assert unread.sums.allocated == Money.of(1000, "USD")
        world.clock.pass_by(seconds=1)
        await keeping.watch(world.runtime)
        after = await campaigns.get(world.work(), view.campaign.id)
        assert after.buys[0].delivered is not None
        spent = Money.rounded(after.buys[0].delivered.spend, "USD")
        assert after.sums.allocated == spent > Money.zero("USD")
        assert after.buys[0].check_at is None


async def test_a_persons_pause_outlasts_the_campaigns(world: World) -> None:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await a_banner(world, view)
        await campaigns.execute(world.work(), view.campaign.id)
        (buy,) = await buys_of(world, view)
        async with world.work().writing() as tx:
            held = await tx.media_buys.get(buy.id)
            await tx.media_buys.save(replace(held, paused_by=PausedBy.PERSON), world.clock())
        await campaigns.pause(world.work(), view.campaign.id)
        (buy,) = await buys_of(world, view)
        assert (buy.status, buy.paused_by) == (Status.PAUSED, PausedBy.PERSON)
        await campaigns.reactivate(world.work(), view.campaign.id)
        assert [b["status"] for b in await north.buys()] == ["paused"]


async def test_a_buy_whose_task_is_lost_is_found_by_our_own_id(world: World) -> None:
    async with sandbox("North", faults=["approval=manual"]) as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await campaigns.execute(world.work(), view.campaign.id)
        (buy,) = await buys_of(world, view)
        assert buy.task_id is not None
        await north.decide("approve", task_id=buy.task_id)
        async with world.work().writing() as tx:
            await tx.media_buys.save(replace(await tx.media_buys.get(buy.id), task_id=None), world.clock())
        await campaigns.status(world.work(), view.campaign.id)
        (buy,) = await buys_of(world, view)
        assert buy.seller_buy_id == (await north.buys())[0]["media_buy_id"]


async def test_a_buy_that_is_booked_late_comes_to_light_and_its_campaign_is_not_deleted(world: World) -> None:
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
        with pytest.raises(Conflict):
            await campaigns.delete(world.work(), view.campaign.id)
        (buy,), (theirs,) = await buys_of(world, view), await north.buys()
        assert buy.seller_buy_id == theirs["media_buy_id"]


async def test_a_second_booking_under_one_buy_is_said(world: World) -> None:
    async with sandbox("North", faults=["no_idempotency"]) as north:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await north.hold("create_media_buy")
        world.runtime.policy = replace(world.runtime.policy, call_timeout=0.3)
        await campaigns.execute(world.work(), view.campaign.id)
        for _ in range(3):
            world.clock.pass_by(minutes=20)
            await keeping.sweep(world.runtime)
        world.runtime.policy = replace(world.runtime.policy, call_timeout=3, execute_deadline=0.5)
        await campaigns.execute(world.work(), view.campaign.id)
        await north.release()
        await world.runtime.background.drain(30)
        await campaigns.status(world.work(), view.campaign.id)
        (buy,) = await buys_of(world, view)
        assert len(await north.buys()) == 2
        assert buy.trouble is not None
        assert "also holds" in buy.trouble.message


async def test_an_unheard_create_is_repeated_under_its_own_key_while_the_seller_remembers_it(
    database: Database,
) -> None:
    never_open = open_sellers(allow_private=True, failures=100)
    async with sandbox("North") as north, a_world(database, sellers=never_open) as world:
        seller = await a_seller(world, north.mcp_url)
        view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
        await north.set_faults("cut_before_commit", tool="create_media_buy")
        await campaigns.execute(world.work(), view.campaign.id)
        for _ in range(12):
            world.clock.pass_by(minutes=15)
            await keeping.sweep(world.runtime)
        assert [b.status for b in await buys_of(world, view)] == [Status.DRAFT]
        await north.clear_faults("cut_before_commit")
        assert (await campaigns.execute(world.work(), view.campaign.id)).success
        assert len({call["arguments_sha256"] for call in await north.calls("create_media_buy")}) == 1


@pytest.mark.parametrize("change", ["total", "package"])
def test_more_money_than_was_asked_is_found_out_wherever_it_stands(change: str) -> None:
    buy = settling.dispatched(a_buy(), a_buy().created_at)
    seen = observed(buy)
    more = replace(seen.packages[0], package_id="extra", buyer_ref=None, product_id="other")
    seen = (
        replace(seen, total_budget=Decimal(99999))
        if change == "total"
        else replace(seen, packages=(*seen.packages, more))
    )
    assert len(settling.mismatches(buy, seen)) == 1


@pytest.mark.parametrize("word", ["failed", "input-required", "cancelled", "CANCELED", "expired", "never heard of"])
def test_no_word_that_may_end_a_running_buy_is_ignored(word: str) -> None:
    buy = a_buy(Status.ACTIVE, seller_buy_id="seller_1")
    after = settling.seen(buy, observed(buy, word), buy.created_at)
    assert after.status is not Status.ACTIVE or after.trouble is not None


def test_delivery_in_another_currency_is_not_taken_for_ours() -> None:
    buy = a_buy(Status.ACTIVE, seller_buy_id="seller_1")
    row = DeliveryRow("seller_1", "s_p1", None, 10, 1, Decimal(40000), "JPY")
    after = delivered(buy, [row], now=buy.created_at)
    assert (after.delivered, after.trouble is not None) == (None, True)
