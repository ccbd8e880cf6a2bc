"""The line that is kept of a buy says what the buy itself says."""

from __future__ import annotations

from typing import Any

import pytest

from buyside.domain.heads import head
from buyside.domain.ids import MediaBuyId
from buyside.services import campaigns
from buyside.store.database import Database
from tests.builders import Wanted, World, a_campaign, a_seller, a_world
from tests.sandbox_server import sandbox


@pytest.fixture
async def world(database: Database) -> Any:
    async with a_world(database) as made:
        yield made


async def test_a_campaign_narrowed_to_a_buy_says_the_same_of_all(world: World) -> None:
    async with sandbox("North") as north, sandbox("East") as east:
        sellers = [await a_seller(world, each.mcp_url, each.name) for each in (north, east)]
        products = [north.product_id("display_reach"), east.product_id("ctv_premium")]
        wanted = [Wanted(seller, product) for seller, product in zip(sellers, products, strict=True)]
        made = (await a_campaign(world, wanted)).campaign.id
        await campaigns.execute(world.work(), made)
        await north.advance(days=1)
    whole = await campaigns.get(world.work(), made)
    one = whole.buys[1]
    narrowed = await campaigns.get(world.work(), made, only=[one.id])
    assert narrowed.buys == (one,)
    assert narrowed.heads == whole.heads == tuple(head(each) for each in whole.buys)
    assert (narrowed.sums, narrowed.formats) == (whole.sums, whole.formats)
    assert len(whole.formats.required) > 1
    nothing = await campaigns.get(world.work(), made, only=[MediaBuyId("mb_none")])
    assert (nothing.buys, nothing.heads) == ((), whole.heads)
