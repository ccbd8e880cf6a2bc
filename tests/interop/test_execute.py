"""Our whole path, on SQLite, to sellers that this project did not write: from a brief to a live media buy and back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from buyside.domain.advertisers import Advertiser
from buyside.domain.creatives import CreativeSpec
from buyside.domain.decisions import Wanted
from buyside.domain.discovery import AgentState
from buyside.domain.errors import BuysideError, Rejected
from buyside.domain.ids import DiscoveryId
from buyside.domain.media_buys import ErrorOwner, MediaBuy, PausedBy, PendingAt, Status
from buyside.domain.money import Money
from buyside.domain.searches import Wish
from buyside.domain.selections import Choice
from buyside.domain.storefronts import Auth, AuthKind, ProbeStatus
from buyside.services import campaigns, creatives, discovery, keeping, media_buys, storefronts
from buyside.services.campaigns import CampaignView
from buyside.services.campaigns.status import Operational
from buyside.services.discovery import Ask
from buyside.services.storefronts import NewSource, NewStorefront
from tests.builders import World, a_campaign, a_spec, an_advertiser
from tests.interop.conftest import Tell
from tests.interop.counterparts import BRAND, TOKEN, Counterpart
from tests.interop.line import line_to

pytestmark = pytest.mark.interop


async def connect(world: World, shop: Counterpart, url: str | None = None) -> None:
    """As a user registers a storefront: with its address and a token."""
    source = NewSource(url or shop.url, shop.protocol, Auth(AuthKind.BEARER, TOKEN))
    made = await storefronts.register(world.work(), NewStorefront("Hello Seller", [source]))
    (found,) = made.sources
    assert found.source.probe_status is ProbeStatus.REACHABLE


async def staged(
    world: World, shop: Counterpart, *, begun: bool = True, url: str | None = None, creative: bool = True
) -> CampaignView:
    """Connected, searched, selected, a campaign made of it, and a creative in the format that the product takes.

    `begun`: the flight is under way for the seller while it is not for us, so that a date is sent and buys can run.
    Of "asap" this seller cannot speak: see below.
    """
    if begun:
        world.clock.pass_by(hours=-1)
    await connect(world, shop, url)
    advertiser = await an_advertiser(world, brand=BRAND)
    discovery_id = await selected(world, shop, advertiser)
    start = world.clock() + timedelta(minutes=30) if begun else None
    spec = replace(a_spec(shop.example.least, start=start), discovery_id=discovery_id)
    view = await a_campaign(world, advertiser=advertiser, spec=spec)
    if creative:
        (form,) = view.buys[0].packages[0].format_ids
        landing = {"url": f"https://{BRAND}/summer", "url_type": "clickthrough"}
        spot = CreativeSpec("", format_id=form, url_asset=landing)
        await creatives.create(world.work(), view.campaign.id, spec=spot, name="Spot")
    return view


async def selected(world: World, shop: Counterpart, advertiser: Advertiser) -> DiscoveryId:
    wish = Wish(brief="billboards for outdoor people")
    found = await discovery.discover(world.work(), Ask(advertiser.id, wish, wait_seconds=60))
    assert [each.state for each in found.agents] == [AgentState.COMPLETE], found.agents
    assert shop.example.product_id in {product.product_id for group in found.groups for product in group.products}
    await discovery.add(world.work(), found.session.id, [Choice(shop.example.product_id)])
    return found.session.id


async def the_buy(world: World, view: CampaignView) -> MediaBuy:
    (buy,) = (await campaigns.get(world.work(), view.campaign.id)).buys
    return buy


async def watched(world: World, view: CampaignView, until: Status) -> MediaBuy:
    """As the clock would look at it, until the seller has come to its decision."""
    async with asyncio.timeout(60):
        while (buy := await the_buy(world, view)).status is not until:
            world.clock.pass_by(minutes=11)
            await keeping.watch(world.runtime)
            await asyncio.sleep(0.05)
    return buy


def told(buy: MediaBuy) -> str:
    waits = f" ({buy.pending.reason.value})" if buy.pending else ""
    return f"{buy.status.value}{waits}, at the seller {buy.seller_buy_id} {buy.seller_status}"


async def actions(world: World, view: CampaignView) -> list[str]:
    """The decision log of the campaign, oldest first."""
    async with world.work().reading() as tx:
        page = await tx.decisions.page(Wanted(campaign_id=view.campaign.id), limit=100)
    return [entry.action for entry in reversed(page)]


async def test_a_campaign_goes_live_is_paused_and_runs_again(
    world: World, programmatic: Counterpart, tell: Tell
) -> None:
    before = len(await programmatic.orders())
    view = await staged(world, programmatic)
    tell(f"discovered and selected {programmatic.example.product_id}: {told(await the_buy(world, view))}")
    done = await campaigns.execute(world.work(), view.campaign.id)
    assert (done.success, done.before, done.after, done.attempted) == (True, "DRAFT", "ACTIVE", 1)
    live = await the_buy(world, view)
    assert (live.status, live.seller_status) == (Status.ACTIVE, "active")
    assert len(await programmatic.orders()) == before + 1
    tell(f"execute: campaign {done.after.value}, buy {told(live)}")
    again = await campaigns.execute(world.work(), view.campaign.id)
    assert (again.success, again.attempted) == (True, 0)
    assert len(await programmatic.orders()) == before + 1
    tell(f"execute again: {again.attempted} buys sent, its ad server holds one order more than before")
    standing = await campaigns.status(world.work(), view.campaign.id)
    tell(f"status read at the seller: {standing.operational.value}")
    await paused_and_resumed(world, view, tell)
    tell(f"decision log: {', '.join(await actions(world, view))}")


async def paused_and_resumed(world: World, view: CampaignView, tell: Tell) -> None:
    """The campaign with its cascade, then the one buy by a person."""
    held = await campaigns.pause(world.work(), view.campaign.id)
    assert (held.campaign.status, held.failures, len(held.results)) == ("PAUSED", 0, 1)
    buy = await the_buy(world, view)
    assert (buy.status, buy.paused_by) == (Status.PAUSED, PausedBy.CAMPAIGN)
    tell(f"pause the campaign: {told(buy)}")
    freed = await campaigns.reactivate(world.work(), view.campaign.id)
    assert (freed.campaign.status, freed.failures) == ("ACTIVE", 0), freed.results
    buy = await the_buy(world, view)
    assert (buy.status, buy.paused_by) == (Status.ACTIVE, None)
    tell(f"reactivate it: {told(buy)}")
    stopped = await media_buys.pause(world.work(), buy.id)
    assert (stopped.error, stopped.after.status) == (None, Status.PAUSED)
    resumed = await media_buys.reactivate(world.work(), buy.id)
    assert (resumed.error, resumed.after.status) == (None, Status.ACTIVE)
    tell(f"pause the buy: {told(stopped.after)}; resume it: {told(resumed.after)}")


async def test_a_seller_that_approves_later_is_waited_for_and_then_served(
    world: World, reserved: Counterpart, tell: Tell
) -> None:
    view = await staged(world, reserved)
    done = await campaigns.execute(world.work(), view.campaign.id)
    assert (done.success, done.after) == (True, "ACTIVE")
    buy = await the_buy(world, view)
    assert buy.pending is not None
    assert (buy.status, buy.seller_buy_id, buy.pending.at) == (Status.PENDING_APPROVAL, None, PendingAt.SALES_AGENT)
    tell(f"execute: {told(buy)}, task {buy.task_id}")
    live = await watched(world, view, Status.ACTIVE)
    assert live.packages[0].creative_ids
    tell(f"the task followed: {told(live)}, creative on package {live.packages[0].package_id}")
    await paused_and_resumed(world, view, tell)
    delivered = (await media_buys.packages(world.work(), live.id)).packages[0].delivered
    assert delivered is not None
    assert delivered.impressions > 0
    tell(f"delivery: {delivered.impressions} impressions for {delivered.spend:f} USD")


async def test_nothing_serves_of_a_campaign_that_was_paused_while_the_seller_made_up_its_mind(
    world: World, reserved: Counterpart, tell: Tell
) -> None:
    view = await staged(world, reserved)
    await campaigns.execute(world.work(), view.campaign.id)
    await campaigns.pause(world.work(), view.campaign.id)
    held = await watched(world, view, Status.PAUSED)
    assert (held.seller_status, held.paused_by) == ("paused", PausedBy.CAMPAIGN)
    tell(f"paused before the approval came, and seen to run: {told(held)}")


async def test_a_buy_whose_answer_was_lost_is_booked_once_and_found_again(
    world: World, programmatic: Counterpart, tell: Tell
) -> None:
    before = len(await programmatic.orders())
    async with line_to(programmatic.url) as line:
        view = await staged(world, programmatic, url=line.url)
        line.cut_answer_to("create_media_buy")
        done = await campaigns.execute(world.work(), view.campaign.id)
        (failure,) = done.failures
        lost = await the_buy(world, view)
        assert lost.pending is not None
        assert (lost.status, lost.pending.at, line.cut) == (Status.PENDING_APPROVAL, PendingAt.UNKNOWN, 1)
        tell(f"the line was cut after the order: {failure.message} {told(lost)}")
        world.clock.pass_by(minutes=5)
        assert await keeping.sweep(world.runtime) == 1
        await world.runtime.background.drain(60)
        found = await the_buy(world, view)
        assert (found.unsettled, found.status) == (False, Status.ACTIVE)
    orders = await programmatic.orders()
    assert len(orders) == before + 1
    assert found.seller_buy_id in {each["order_id"] for each in orders}
    tell(f"recovery sent the same bytes again: {told(found)}; its ad server holds one order more than before")


async def test_two_executes_at_once_place_the_buy_once(world: World, programmatic: Counterpart, tell: Tell) -> None:
    before = len(await programmatic.orders())
    view = await staged(world, programmatic)
    execute = [campaigns.execute(world.work(), view.campaign.id) for _ in range(3)]
    answers = await asyncio.gather(*execute, return_exceptions=True)
    assert all(isinstance(each, campaigns.Executed | BuysideError) for each in answers)
    assert len(await programmatic.orders()) == before + 1
    tell(f"three executes at once: {[type(each).__name__ for each in answers]}, one order")


async def test_a_buy_that_starts_at_once_stands_though_the_seller_cannot_read_it_back(
    world: World, untouched: Counterpart, tell: Tell
) -> None:
    """It stores the word "asap" for a date and then fails its own check of every answer that contains it."""
    view = await staged(world, untouched, begun=False)
    assert (await campaigns.execute(world.work(), view.campaign.id)).success
    buy = await the_buy(world, view)
    assert (buy.status, buy.seller_status) == (Status.PENDING_APPROVAL, "pending_creatives")
    standing = await campaigns.status(world.work(), view.campaign.id)
    (read,) = standing.buys
    assert read.error is not None
    assert (await the_buy(world, view)).seller_buy_id == buy.seller_buy_id
    tell(f"execute: {told(buy)}; reading: {read.error}")


async def test_a_sandbox_advertiser_does_not_reach_a_seller_that_declares_no_sandbox(
    world: World, programmatic: Counterpart, tell: Tell
) -> None:
    await connect(world, programmatic)
    advertiser = await an_advertiser(world, brand=BRAND)
    async with world.work().writing() as tx:
        advertiser = await tx.advertisers.add(replace(advertiser, sandbox=True))
    found = await discovery.discover(world.work(), Ask(advertiser.id, Wish(brief="billboards"), wait_seconds=60))
    assert not found.agents
    (said,) = found.not_asked
    tell(said)


async def test_an_order_below_the_sellers_minimum_stays_draft_with_its_reason(
    world: World, programmatic: Counterpart, tell: Tell
) -> None:
    before = len(await programmatic.orders())
    view = await staged(world, replace(programmatic, example=replace(programmatic.example, least="100 USD")))
    done = await campaigns.execute(world.work(), view.campaign.id)
    (failure,) = done.failures
    buy = await the_buy(world, view)
    assert len(await programmatic.orders()) == before
    assert buy.budget == Money.of(Decimal(100), "USD")
    tell(f"100 USD where 500 is the least: {failure.message} {told(buy)}")


async def test_delivery_that_the_seller_cannot_state_leaves_what_was_known(
    world: World, programmatic: Counterpart, tell: Tell
) -> None:
    view = await staged(world, programmatic)
    await campaigns.execute(world.work(), view.campaign.id)
    buy = await the_buy(world, view)
    with pytest.raises(Rejected) as refused:
        await media_buys.deliver(world.work(), buy)
    shown = await media_buys.packages(world.work(), buy.id)
    assert shown.packages[0].delivered is None
    tell(f"delivery: {refused.value.message}; shown as not known")


async def test_a_seller_that_only_takes_orders_is_bought_from_once_and_said_to_be_out_of_reach_after(
    world: World, bare: Counterpart, tell: Tell
) -> None:
    view = await staged(world, bare)
    done = await campaigns.execute(world.work(), view.campaign.id)
    assert (done.success, done.attempted) == (True, 1)
    buy = await the_buy(world, view)
    assert buy.seller_buy_id is not None
    tell(f"execute: {told(buy)}; creatives left out: {[d.reason for _, each in done.dropped for d in each]}")
    standing = await campaigns.status(world.work(), view.campaign.id)
    tell(f"status: {standing.operational.value}, {[each.error for each in standing.buys]}")
    await campaigns.pause(world.work(), view.campaign.id)
    buy = await the_buy(world, view)
    standing = await campaigns.status(world.work(), view.campaign.id)
    assert standing.operational is Operational.ATTENTION
    tell(f"pause: {told(buy)}, {standing.operational.value}: {buy.trouble.message if buy.trouble else None}")


async def test_a_refusal_in_full_leaves_the_buy_draft_with_the_sellers_words(
    world: World, bare: Counterpart, tell: Tell
) -> None:
    view = await staged(world, replace(bare, example=replace(bare.example, least="100 USD")))
    done = await campaigns.execute(world.work(), view.campaign.id)
    (failure,) = done.failures
    buy = await the_buy(world, view)
    assert buy.trouble is not None
    assert (buy.status, buy.trouble.owner) == (Status.DRAFT, ErrorOwner.BUYER_INPUT)
    tell(f"100 USD where 500 is the least: {failure.message} ({buy.trouble.code.value}, {buy.trouble.owner.value})")


async def test_a_seller_that_remembers_no_keys_and_shows_no_buys_is_never_asked_twice(
    world: World, bare: Counterpart, tell: Tell
) -> None:
    async with line_to(bare.url) as line:
        view = await staged(world, bare, url=line.url)
        line.cut_answer_to("create_media_buy")
        before = line.times("create_media_buy")
        assert not (await campaigns.execute(world.work(), view.campaign.id)).success
        for _ in range(3):
            world.clock.pass_by(minutes=30)
            await keeping.sweep(world.runtime)
        buy = await the_buy(world, view)
        assert buy.trouble is not None
        assert (buy.unsettled, buy.status) == (True, Status.PENDING_APPROVAL)
        assert line.times("create_media_buy") == before + 1
        tell(f"the line was cut after the order, three recoveries later: {told(buy)}, sent once: {buy.trouble.message}")
