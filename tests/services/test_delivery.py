"""Delivery that is read by itself: by day, restated, re-read until it is final."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from buyside.domain.decisions import EntryType
from buyside.domain.decisions import Wanted as Entries
from buyside.domain.delivery import DeliveryDay
from buyside.domain.media_buys import MICROS, MediaBuy, Status
from buyside.services import campaigns, decisions, keeping, media_buys
from buyside.store.database import Database
from tests.builders import Wanted, World, a_campaign, a_seller, a_spec, a_world
from tests.sandbox_server import SandboxHandle, sandbox
from tests.services.test_execute import a_banner, buys_of


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


async def a_live_buy(world: World, north: SandboxHandle, *, days: int = 30) -> MediaBuy:
    seller = await a_seller(world, north.mcp_url)
    view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))], spec=a_spec(days=days))
    await a_banner(world, view)
    await campaigns.execute(world.work(), view.campaign.id)
    (buy,) = await buys_of(world, view)
    assert buy.status is Status.ACTIVE
    return buy


async def known(world: World, buy: MediaBuy) -> list[DeliveryDay]:
    async with world.work().reading() as tx:
        return await tx.delivery.days(buy.id)


async def pass_by(world: World, north: SandboxHandle, *, days: float) -> None:
    world.clock.pass_by(days=days)
    await north.advance(days=days)


async def test_the_watch_reads_delivery_by_package_and_day_and_no_more_often_than_it_should(world: World) -> None:
    async with sandbox("North") as north:
        buy = await a_live_buy(world, north)
        await pass_by(world, north, days=3)
        await keeping.watch(world.runtime)
        days = await known(world, buy)
        assert len({each.day for each in days}) >= 3
        assert {each.ref for each in days} == {buy.packages[0].ref}
        after = await media_buys.get(world.work(), buy.id)
        assert after.delivered is not None
        assert sum(each.figures.spend_micros for each in days) == after.delivered.spend_micros > 0
        world.clock.pass_by(minutes=30)
        await keeping.watch(world.runtime)
        assert len(await north.calls("get_media_buy_delivery")) == 1
        world.clock.pass_by(minutes=31)
        await keeping.watch(world.runtime)
        assert len(await north.calls("get_media_buy_delivery")) == 2


async def test_a_restatement_of_a_day_that_was_over_is_written_down_with_before_and_after(world: World) -> None:
    async with sandbox("North") as north:
        buy = await a_live_buy(world, north)
        await pass_by(world, north, days=3)
        await media_buys.deliver(world.work(), buy)
        before = {each.day: each.figures.spend_micros for each in await known(world, buy)}
        await north.set_faults(restate="50")
        await media_buys.deliver(world.work(), buy)
        after = {each.day: each.figures.spend_micros for each in await known(world, buy)}
        day = sorted(before)[1]
        assert abs(after[day] * 2 - before[day]) <= 2 * MICROS // 100
        found = await decisions.page(world.work(), Entries(EntryType.ANOMALY, media_buy_id=buy.id), limit=5)
        (entry,) = found.entries
        assert entry.action == "media_buy.delivery_restated"
        assert entry.before is not None
        assert entry.after is not None
        assert f"{buy.packages[0].ref} {day}" in entry.before
        assert entry.before != entry.after


async def test_a_seller_that_gives_totals_only_has_them_put_on_the_days_of_the_readings(world: World) -> None:
    async with sandbox("North", faults=["totals_only"]) as north:
        buy = await a_live_buy(world, north)
        for _ in range(2):
            await pass_by(world, north, days=1)
            await media_buys.deliver(world.work(), buy)
        days = await known(world, buy)
        assert [each.inferred for each in days] == [True, True]
        after = await media_buys.get(world.work(), buy.id)
        assert after.delivered is not None
        assert sum(each.figures.spend_micros for each in days) == after.delivered.spend_micros


async def test_a_finished_buy_is_read_until_its_delivery_is_final(world: World) -> None:
    async with sandbox("North") as north:
        buy = await a_live_buy(world, north, days=3)
        await pass_by(world, north, days=4)
        for _ in range(2):
            await keeping.watch(world.runtime)
            world.clock.pass_by(seconds=1)
        after = await media_buys.get(world.work(), buy.id)
        assert (after.status, after.check_at) == (Status.COMPLETED, None)
        assert all(each.final for each in await known(world, buy))


async def test_a_seller_that_never_calls_it_final_is_asked_once_a_day_for_as_long_as_is_set(world: World) -> None:
    async with sandbox("North") as north:
        buy = await a_live_buy(world, north, days=3)
        async with world.work().writing() as tx:
            held = replace(await tx.media_buys.get(buy.id), status=Status.COMPLETED, over_at=world.clock())
            await tx.media_buys.save(replace(held, check_at=world.clock()), world.clock())
        asked = [len(await north.calls("get_media_buy_delivery"))]
        for _ in range(32):
            await keeping.watch(world.runtime)
            asked.append(len(await north.calls("get_media_buy_delivery")))
            world.clock.pass_by(days=1, seconds=1)
        assert asked[-1] == 31
        assert (await media_buys.get(world.work(), buy.id)).check_at is None
        assert timedelta(days=world.runtime.policy.delivery_rereads) == timedelta(days=30)
