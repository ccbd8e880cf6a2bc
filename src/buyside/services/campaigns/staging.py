"""The selection of a discovery session put on DRAFT media buys (interchange.md 3.6, step 1). No seller is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from buyside.domain import budgets
from buyside.domain.accounts import Right
from buyside.domain.advertisers import Advertiser
from buyside.domain.campaigns import Campaign
from buyside.domain.discovery import AgentResult, Discovery, Selection
from buyside.domain.errors import Invalid, Issue
from buyside.domain.ids import CampaignId, DiscoveryId, MediaBuyId
from buyside.domain.media_buys import MediaBuy, Status
from buyside.domain.money import Money
from buyside.domain.pacing import ceiling
from buyside.domain.packaging import planned, require_fits
from buyside.domain.staging import Pick, gross_room
from buyside.domain.staging import stage as plan
from buyside.services.campaigns.reading import CampaignView, fee_terms, view
from buyside.services.media_buys import parts
from buyside.services.work import Tx, Work


async def stage(work: Work, campaign_id: CampaignId, *, replace_drafts: bool = False) -> CampaignView:
    """Stage what is selected now; `replace_drafts` first takes away the DRAFT buys that are there.

    Raises: NotFound; Invalid for a product that cannot be bought; InsufficientMediaBudget.
    """
    work.require(Right.CAMPAIGNS)
    async with work.writing() as tx:
        campaign = await tx.campaigns.lock(campaign_id)
        advertiser = await tx.advertisers.get(campaign.advertiser_id)
        if replace_drafts:
            await discard(tx, work, campaign)
        await reconcile(tx, work, campaign, advertiser)
        return await view(tx, work.policy, campaign)


async def discard(tx: Tx, work: Work, campaign: Campaign) -> None:
    """Archive the campaign's DRAFT buys."""
    for buy in await tx.media_buys.of(campaign.id):
        if buy.status is Status.DRAFT:
            await tx.media_buys.save(replace(buy, status=Status.ARCHIVED), work.now())
            await tx.record(
                "media_buy.deleted",
                f"{buy.name}: DRAFT replaced by a new selection",
                parts.subject(campaign, buy),
                before={"status": buy.status.value},
                after={"status": Status.ARCHIVED.value},
            )


async def reconcile(tx: Tx, work: Work, campaign: Campaign, advertiser: Advertiser) -> list[MediaBuy]:
    """Bring the DRAFT buys up to the selection and return all buys. The campaign is locked by the caller."""
    buys = await tx.media_buys.of(campaign.id)
    if campaign.spec.discovery_id is None:
        return buys
    session = await tx.discoveries.selected(campaign.spec.discovery_id)
    terms = fee_terms(advertiser, work.policy)
    left = budgets.sums(campaign.spec.budget.total, terms, buys).unallocated
    percent = budgets.margin(terms)
    made = plan(
        campaign,
        picks(session),
        buys,
        room=_room(campaign, buys, gross_room(left, percent)),
        fee_percent=percent,
        new_id=lambda: MediaBuyId(work.new_id("mb")),
        now=work.now(),
    )
    for buy in made.new:
        await tx.media_buys.add(buy)
        await _log(tx, campaign, buy)
    for buy in made.changed:
        await tx.media_buys.save(buy, work.now())
        await _log(tx, campaign, buy)
    every = await tx.media_buys.of(campaign.id) if made.new or made.changed else buys
    budgets.require_room(campaign.spec.budget.total, terms, every)
    require_fits(campaign.spec.pacing_periods, every)
    return every


def _room(campaign: Campaign, buys: Sequence[MediaBuy], left: Money) -> Money:
    """What products without a budget share: no more than pacing periods with budgets of their own hold."""
    most = ceiling(campaign.spec.pacing_periods)
    return left if most is None else min(left, most - planned(buys, most.currency))


def picks(session: Discovery) -> list[Pick]:
    """The selections with their products. Raises: Invalid naming those that the session no longer offers."""
    found, issues = [], []
    for index, selection in enumerate(session.selections):
        offer = session.find(selection.product_id, selection.agent_id)
        if offer is None:
            issues.append(Issue(("products", index, "productId"), f"{selection.product_id} is no longer offered."))
        else:
            found.append(Pick(selection, offer[1], offer[0]))
    if issues:
        raise Invalid.of(issues)
    return found


async def bind(tx: Tx, work: Work, campaign: Campaign, discovery_id: DiscoveryId) -> None:
    """Make a session the campaign's, with the refusals that the route promises.

    Raises: NotFound for a session that is unknown; Invalid for one of another advertiser or another campaign.
    """
    session = await tx.discoveries.lock(discovery_id, offers=False)
    if session.advertiser_id != campaign.advertiser_id:
        raise Invalid("The discovery session belongs to another advertiser.", field="discoveryId")
    if session.campaign_id is not None and session.campaign_id != campaign.id:
        raise Invalid(f"The discovery session belongs to campaign {session.campaign_id}.", field="discoveryId")
    if session.campaign_id is None:
        await tx.discoveries.save(replace(session, campaign_id=campaign.id, updated_at=work.now()))


async def _log(tx: Tx, campaign: Campaign, buy: MediaBuy) -> None:
    count = len(buy.packages)
    await tx.record(
        "media_buy.staged",
        f"{buy.name}: {count} {'product' if count == 1 else 'products'}, {buy.budget}",
        parts.subject(campaign, buy),
        after={
            "status": buy.status.value,
            "budget": str(buy.budget),
            "packages": {p.ref: {"productId": p.product_id, "budget": str(p.budget)} for p in buy.packages},
        },
    )


def selection(agent: AgentResult, product_id: str, now: datetime) -> Selection:
    """A product picked with nothing settled about it: the campaign's rules fill in the rest."""
    return Selection(
        product_id,
        agent.agent_id,
        now,
        group_id=agent.group_id,
        group_name=agent.group_name,
        product=agent.shelf.find(product_id),
    )
