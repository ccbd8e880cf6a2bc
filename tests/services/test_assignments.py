"""A seller that overlooks where creatives go is told once more, and a yes that is none is looked into."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from buyside.domain.answers import Answer, Prepared
from buyside.domain.creatives import CreativeSpec
from buyside.domain.discovery import Selection
from buyside.domain.media_buys import MediaBuy, PendingReason, Status
from buyside.domain.storefronts import Seller
from buyside.services import campaigns, creatives, keeping, media_buys
from buyside.services.campaigns import CampaignView
from buyside.store.database import Database
from tests.builders import Wanted, World, a_campaign, a_seller, a_world
from tests.sandbox_server import SandboxHandle, sandbox

TAG = {"agent_url": "https://creative.adcontextprotocol.org", "id": "display_300x250_tag"}
LANDING = {"url": "https://northwind.example/summer", "url_type": "clickthrough"}


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


@pytest.fixture
def overlooked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sellers that never hear the assignments in sync_creatives."""
    calling = world.runtime.sellers.call

    async def call(seller: Seller, prepared: Prepared, *, timeout: float, debug: bool = False) -> Answer:
        if prepared.tool == "sync_creatives":
            arguments = json.loads(prepared.body)
            del arguments["assignments"]
            prepared = replace(prepared, body=json.dumps(arguments).encode())
        return await calling(seller, prepared, timeout=timeout, debug=debug)

    monkeypatch.setattr(world.runtime.sellers, "call", call)


async def with_a_banner(world: World, north: SandboxHandle) -> CampaignView:
    seller = await a_seller(world, north.mcp_url)
    view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"), Decimal(400))])
    await creatives.create(world.work(), view.campaign.id, CreativeSpec("", format_id=TAG, url_asset=LANDING), "Banner")
    return view


async def the_buy(world: World, view: CampaignView) -> MediaBuy:
    (buy,) = (await campaigns.get(world.work(), view.campaign.id)).buys
    return buy


@pytest.mark.usefixtures("overlooked")
async def test_creatives_that_a_seller_left_unassigned_are_assigned_with_the_buy(world: World) -> None:
    async with sandbox("North") as north:
        view = await with_a_banner(world, north)
        assert (await campaigns.execute(world.work(), view.campaign.id)).success
        assert (await the_buy(world, view)).status is Status.ACTIVE
        (told,) = await north.calls("update_media_buy")
        assert "creative_assignments" in told["arguments"]["packages"][0]


async def test_creatives_that_were_assigned_with_their_sync_are_not_assigned_again(world: World) -> None:
    async with sandbox("North", faults=["creative_review"]) as north:
        view = await with_a_banner(world, north)
        await campaigns.execute(world.work(), view.campaign.id)
        world.clock.pass_by(minutes=1)
        await keeping.watch(world.runtime)
        assert (await the_buy(world, view)).seller_status == "pending_creatives"
        assert not await north.calls("update_media_buy")


@pytest.mark.usefixtures("overlooked")
async def test_a_seller_is_told_of_an_assignment_once(world: World) -> None:
    async with sandbox("North") as north:
        await north.set_faults(refuse_update="INVALID_STATE")
        view = await with_a_banner(world, north)
        await campaigns.execute(world.work(), view.campaign.id)
        for _ in range(3):
            world.clock.pass_by(minutes=1)
            await keeping.watch(world.runtime)
        assert (await the_buy(world, view)).status is Status.PENDING_APPROVAL
        assert len(await north.calls("update_media_buy")) == 1


async def test_a_resume_that_is_answered_with_paused_is_looked_into(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox("North") as north:
        view = await with_a_banner(world, north)
        await campaigns.execute(world.work(), view.campaign.id)
        buy = await the_buy(world, view)
        await media_buys.pause(world.work(), buy.id)
        calling = world.runtime.sellers.call

        async def call(seller: Seller, prepared: Prepared, **more: Any) -> Answer:
            answer = await calling(seller, prepared, **more)
            return replace(answer, data={**answer.data, "media_buy_status": "paused"})

        monkeypatch.setattr(world.runtime.sellers, "call", call)
        resumed = await media_buys.reactivate(world.work(), buy.id)
        assert (resumed.error, resumed.after.status, resumed.after.paused_by) == (None, Status.ACTIVE, None)


async def test_a_buy_that_has_its_creatives_waits_for_their_approval_though_it_cannot_be_read(world: World) -> None:
    async with sandbox("North") as north:
        view = await with_a_banner(world, north)
        await north.set_faults(http_error=500, tool="get_media_buys")
        await campaigns.execute(world.work(), view.campaign.id)
        buy = await the_buy(world, view)
        assert buy.pending is not None
        assert (buy.status, buy.pending.reason) == (Status.PENDING_APPROVAL, PendingReason.CREATIVE_APPROVAL)


async def test_a_creative_that_a_seller_took_goes_with_a_later_buy_too(world: World) -> None:
    async with sandbox("North") as north:
        view = await with_a_banner(world, north)
        await campaigns.execute(world.work(), view.campaign.id)
        await select(world, view, north.product_id("display_auction"))
        await campaigns.execute(world.work(), view.campaign.id)
        buys = (await campaigns.get(world.work(), view.campaign.id)).buys
        assert [buy.status for buy in buys] == [Status.ACTIVE, Status.ACTIVE]
        assert len({p.creative_ids for buy in buys for p in buy.packages}) == 1


async def select(world: World, view: CampaignView, product_id: str) -> None:
    """Another product of the same seller, with a bid."""
    discovery_id = view.campaign.spec.discovery_id
    assert discovery_id is not None
    async with world.work().writing() as tx:
        session = await tx.discoveries.get(discovery_id)
        agent = session.agents[0].agent_id
        more = Selection(product_id, agent, world.clock(), budget=Decimal(300), bid=Decimal(9))
        await tx.discoveries.select(discovery_id, [*session.selections, more])
