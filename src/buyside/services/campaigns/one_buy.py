"""One media buy changed by its own address (interchange.md 3.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from buyside.domain import budgets, edits
from buyside.domain.accounts import Right
from buyside.domain.advertisers import Advertiser
from buyside.domain.campaigns import Campaign, facts
from buyside.domain.decisions import changes
from buyside.domain.edits import Asked
from buyside.domain.errors import InsufficientMediaBudget, Invalid
from buyside.domain.media_buys import MediaBuy
from buyside.services.campaigns.reading import fee_terms
from buyside.services.media_buys import amending, parts
from buyside.services.media_buys.amending import Amendment, Written
from buyside.services.work import Tx, Work


@dataclass(frozen=True)
class Updated:
    buy: MediaBuy
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Applied:
    """What a transaction wrote."""

    written: Written
    before: Campaign
    after: Campaign
    amendment: Amendment


async def update(work: Work, asked: Asked) -> Updated:
    """Change one buy. Dates outside the campaign's flight widen it.

    Raises: NotFound; Invalid; Conflict where the buy's state forbids it; Forbidden over a spending limit.
    """
    work.require(Right.CAMPAIGNS)
    async with work.writing() as tx:
        done = await apply(tx, work, asked)
    warnings = [*done.amendment.plan.warnings, *await amending.carry_out(work, done.written)]
    async with work.reading() as tx:
        return Updated(await tx.media_buys.get(asked.media_buy_id), tuple(warnings))


async def apply(tx: Tx, work: Work, asked: Asked) -> Applied:
    """One transaction of `update`."""
    campaign, _ = await parts.locked(tx, asked.media_buy_id)
    advertiser = await tx.advertisers.get(campaign.advertiser_id)
    buys = await tx.media_buys.of(campaign.id)
    amendment = await amending.planned(tx, work, campaign, advertiser, buys, [asked], alone=True)
    amendment.require()
    if not amendment.plan.entries:
        return Applied(Written(), campaign, campaign, amendment)
    _require_room(work, campaign, advertiser, buys, amendment)
    flight = amendment.plan.flight or campaign.spec.flight
    after = replace(campaign, spec=replace(campaign.spec, flight=flight))
    saved = await tx.campaigns.save(campaign, after, work.now())
    if amendment.plan.flight is not None:
        old, new = changes(facts(campaign.spec), facts(saved.spec))
        said = f"{campaign.spec.name}: its flight was widened for a media buy"
        await tx.record("campaign.edited", said, parts.campaign_subject(campaign), before=old, after=new)
    return Applied(await amending.write(tx, work, saved, amendment), campaign, saved, amendment)


def _require_room(
    work: Work, campaign: Campaign, advertiser: Advertiser, buys: Sequence[MediaBuy], amendment: Amendment
) -> None:
    """On this route what is left of the campaign's budget is a matter of the request: 400 (interchange.md 3.11)."""
    total = campaign.spec.budget.total
    try:
        projected = amendment.plan.projected(buys)
        edits.require_room(total, total, fee_terms(advertiser, work.policy), buys, projected)
    except InsufficientMediaBudget as short:
        left = budgets.sums(total, fee_terms(advertiser, work.policy), buys).unallocated
        said = f"{short.message} {left} is left."
        raise Invalid(said, field=_grown(amendment), details=short.details) from None


def _grown(amendment: Amendment) -> str:
    asked = amendment.plan.entries[0].asked
    fields = [f"packages[{i}].budget" for i, each in enumerate(asked.packages) if each.budget is not None]
    fields += [f"products[{i}].budget" for i, each in enumerate(asked.products) if each.budget is not None]
    return fields[0] if fields else "packages"
