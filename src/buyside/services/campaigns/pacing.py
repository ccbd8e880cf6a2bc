"""Spend beside plan, campaign by campaign, after delivery was read: told, and stopped where the setting says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from buyside.domain import spending
from buyside.domain.campaigns import Campaign
from buyside.domain.decisions import EntryType
from buyside.domain.ids import CampaignId
from buyside.domain.media_buys import MediaBuy, PausedBy, Status
from buyside.domain.spending import Pace
from buyside.services.media_buys import parts
from buyside.services.work import Tx, Work


@dataclass(frozen=True)
class Paced:
    """A campaign's pace, and that of each buy of which something can be said."""

    campaign: Pace | None
    buys: dict[str, Pace]


async def of(tx: Tx, campaign: Campaign, buys: Sequence[MediaBuy], now: datetime) -> Paced:
    today = await tx.delivery.spent_on(campaign.id, now.date())
    paces = {buy.id: pace for buy in buys if (pace := spending.of_buy(buy)) is not None}
    return Paced(spending.of_campaign(campaign, buys, today), {str(which): pace for which, pace in paces.items()})


async def check(work: Work, campaign_id: CampaignId) -> None:
    """Tell what changed between on plan and off it; pause what spends beyond the total or the day's cap, if so set."""
    now = work.now()
    async with work.writing() as tx:
        campaign = await tx.campaigns.lock(campaign_id)
        buys = await tx.media_buys.of(campaign_id, archived=False)
        paced = await of(tx, campaign, buys, now)
        if paced.campaign is None:
            return
        for buy in buys:
            if buy.status is Status.ACTIVE and buy.id in paced.buys:
                told = spending.notice("media_buy", buy.id, buy.name, paced.buys[buy.id], buy.currency)
                await tx.notify(told, parts.subject(campaign, buy))
        told = spending.notice("campaign", campaign.id, campaign.spec.name, paced.campaign, campaign.currency)
        await tx.notify(told, parts.campaign_subject(campaign))
        over, until = spending.must_stop(campaign, paced.campaign, now)
        if over and work.policy.over_budget == "pause":
            await _stop(tx, work, campaign, spending.serving(buys), until, told.message)


async def _stop(
    tx: Tx, work: Work, campaign: Campaign, buys: Sequence[MediaBuy], until: datetime | None, why: str
) -> None:
    """They must not serve any more; the watch, to which they are due at once, pauses them at their sellers."""
    for buy in buys:
        held = replace(buy, paused_by=PausedBy.CAP, held_until=until, check_at=work.now())
        await tx.media_buys.save(held, work.now())
    if buys:
        await tx.record(
            "campaign.capped",
            why,
            parts.campaign_subject(campaign),
            entry_type=EntryType.DECISION,
            after={"paused": [buy.id for buy in buys], "until": until.isoformat() if until else None},
        )
