"""Discovery sessions that nobody bought from are forgotten after a while; those that a campaign has are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from buyside.domain.errors import NotFound
from buyside.services import keeping
from buyside.store.database import Database
from tests.builders import Wanted, World, a_campaign, a_seller, a_session, a_world, an_advertiser
from tests.sandbox_server import sandbox


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


async def test_an_old_session_is_forgotten_unless_a_campaign_has_it(world: World) -> None:
    async with sandbox("North") as north:
        wanted = [Wanted(await a_seller(world, north.mcp_url), north.product_id("display_reach"))]
        advertiser = await an_advertiser(world)
        bought = (await a_campaign(world, wanted, advertiser=advertiser)).campaign.spec.discovery_id
        old = [await a_session(world, advertiser, wanted) for _ in range(20)]
        world.clock.pass_by(days=89)
        fresh = await a_session(world, advertiser, wanted)
        assert await keeping.tidy(world.runtime) == 0
        world.clock.pass_by(days=2)
        assert await keeping.tidy(world.runtime) == 20
        async with world.work().reading() as tx:
            for session in old:
                with pytest.raises(NotFound):
                    await tx.discoveries.get(session)
            assert bought is not None
            for kept in (bought, fresh):
                assert (await tx.discoveries.get(kept)).selections
        assert await keeping.tidy(world.runtime) == 0


async def test_how_long_is_a_setting(world: World) -> None:
    async with sandbox("North") as north:
        wanted = [Wanted(await a_seller(world, north.mcp_url), north.product_id("display_reach"))]
        await a_session(world, await an_advertiser(world), wanted)
        world.runtime.policy = replace(world.runtime.policy, discovery_retention=7)
        world.clock.pass_by(days=8)
        assert await keeping.tidy(world.runtime) == 1
