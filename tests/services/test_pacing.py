"""Pace that is watched: told when it changes, and stopped where the setting says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from buyside.domain.campaigns import Budget
from buyside.domain.decisions import Wanted as Entries
from buyside.domain.ids import CampaignId
from buyside.domain.media_buys import PausedBy, Status
from buyside.domain.money import Money
from buyside.domain.notifications import Notification, Wanted
from buyside.services import campaigns, decisions, keeping, notifications
from buyside.services.campaigns import CampaignView
from buyside.store.database import Database
from tests.builders import Wanted as Selected
from tests.builders import World, a_campaign, a_seller, a_spec, a_world
from tests.sandbox_server import SandboxHandle, sandbox
from tests.services.test_execute import a_banner, buys_of


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


async def a_live_campaign(world: World, north: SandboxHandle, *, cap: str | None = None) -> CampaignView:
    seller = await a_seller(world, north.mcp_url)
    spec = a_spec(days=30)
    if cap is not None:
        spec = replace(spec, budget=Budget(spec.budget.total, Money.of(cap, "USD")))
    view = await a_campaign(world, [Selected(seller, north.product_id("display_reach"))], spec=spec)
    await a_banner(world, view)
    await campaigns.execute(world.work(), view.campaign.id)
    return view


async def told(world: World, campaign: CampaignId) -> list[Notification]:
    page = await notifications.page(world.work(), Wanted(campaign_id=campaign), limit=50)
    return [each for each in page.notifications if each.notice.topic.split(":")[0].endswith("pacing")]


async def pass_by(world: World, north: SandboxHandle, *, ours: float, theirs: float) -> None:
    """In days."""
    world.clock.pass_by(days=ours)
    await north.advance(days=theirs)
    await keeping.watch(world.runtime)


async def test_a_buy_on_plan_is_not_told_of_and_one_that_falls_behind_is_told_once(world: World) -> None:
    async with sandbox("North") as north:
        view = await a_live_campaign(world, north)
        await pass_by(world, north, ours=10, theirs=10)
        assert await told(world, view.campaign.id) == []
        standing = await campaigns.status(world.work(), view.campaign.id)
        assert standing.paced.campaign is not None
        assert standing.paced.campaign.verdict.value == "on"
        for _ in range(2):
            await pass_by(world, north, ours=4, theirs=0)
        behind = await told(world, view.campaign.id)
        assert {(n.notice.type, n.notice.state) for n in behind} == {
            ("media_buy.unhealthy", "behind"),
            ("campaign.unhealthy", "behind"),
        }
        assert len(behind) == 2
        await pass_by(world, north, ours=0.1, theirs=8)
        healthy = [n.notice.type for n in await told(world, view.campaign.id) if n.notice.state == "on"]
        assert sorted(healthy) == ["campaign.healthy", "media_buy.healthy"]


async def test_over_its_daily_cap_a_campaign_is_told_and_serves_on_unless_set_otherwise(world: World) -> None:
    async with sandbox("North") as north:
        view = await a_live_campaign(world, north, cap="0.01")
        await pass_by(world, north, ours=3, theirs=3)
        assert "over cap" in {n.notice.state for n in await told(world, view.campaign.id)}
        assert [b["status"] for b in await north.buys()] == ["active"]


async def test_over_its_daily_cap_what_serves_is_paused_and_resumed_the_next_day(world: World) -> None:
    async with sandbox("North") as north:
        view = await a_live_campaign(world, north, cap="0.01")
        world.runtime.policy = replace(world.runtime.policy, over_budget="pause")
        await pass_by(world, north, ours=3, theirs=3)
        (buy,) = await buys_of(world, view)
        assert buy.paused_by is PausedBy.CAP
        assert buy.held_until is not None
        await keeping.watch(world.runtime)
        assert [b["status"] for b in await north.buys()] == ["paused"]
        found = await decisions.page(world.work(), Entries(campaign_id=view.campaign.id), limit=50)
        (entry,) = [e for e in found.entries if e.action == "campaign.capped"]
        assert "daily cap" in entry.text
        until_then = buy.held_until - world.clock() + timedelta(minutes=1)
        world.clock.pass_by(seconds=until_then.total_seconds())
        world.runtime.policy = replace(world.runtime.policy, over_budget="notify")
        await keeping.watch(world.runtime)
        (buy,) = await buys_of(world, view)
        assert (buy.status, buy.paused_by, buy.held_until) == (Status.ACTIVE, None, None)
        assert [b["status"] for b in await north.buys()] == ["active"]


async def test_a_capped_buy_of_a_paused_campaign_stays_paused_the_next_day(world: World) -> None:
    async with sandbox("North") as north:
        view = await a_live_campaign(world, north, cap="0.01")
        world.runtime.policy = replace(world.runtime.policy, over_budget="pause")
        await pass_by(world, north, ours=3, theirs=3)
        await keeping.watch(world.runtime)
        await campaigns.pause(world.work(), view.campaign.id)
        await pass_by(world, north, ours=2, theirs=2)
        (buy,) = await buys_of(world, view)
        assert (buy.status, buy.paused_by) == (Status.PAUSED, PausedBy.CAMPAIGN)
        assert [b["status"] for b in await north.buys()] == ["paused"]
