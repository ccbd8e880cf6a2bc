"""Delivery by day: rows come back as they went, are changed in place, and are their account's alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from buyside.domain.delivery import DeliveryDay, Reading
from buyside.domain.ids import AccountId
from buyside.domain.media_buys import Delivered, MediaBuy
from buyside.store.database import Database
from buyside.store.delivery import DeliveryRepository
from tests.builders import Wanted, World, a_campaign, a_seller, a_world
from tests.domain.values import NOW
from tests.sandbox_server import sandbox

DAY = date(2026, 3, 1)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


async def a_buy(world: World) -> MediaBuy:
    async with sandbox("North") as north:
        seller = await a_seller(world, north.mcp_url)
        return (await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])).buys[0]


async def test_days_come_back_whole_and_are_changed_in_place(world: World) -> None:
    buy = await a_buy(world)
    full = DeliveryDay("p1", DAY, Delivered(1, 10**18, 3, 4, 5, 6, 7, 8), NOW, NOW + timedelta(1), True, True)
    bare = DeliveryDay("", DAY + timedelta(1), Delivered(2, 3), NOW, NOW)
    async with world.work().writing() as tx:
        await tx.delivery.keep(buy.id, "USD", [], Reading((full, bare)))
    moved = replace(full, figures=Delivered(9, 9), final=False)
    async with world.work().writing() as tx:
        known = await tx.delivery.days(buy.id)
        assert known == [full, bare]
        await tx.delivery.keep(buy.id, "USD", known, Reading((moved,), gone=(bare.key,)))
    async with world.work().reading() as tx:
        assert await tx.delivery.days(buy.id) == [moved]
    async with world.runtime.database.read.connect() as conn:
        assert await DeliveryRepository(conn, AccountId(999)).days(buy.id) == []
