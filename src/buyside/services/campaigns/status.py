"""How every buy of a campaign stands at its seller, read now (interchange.md 3.9)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from buyside.domain.accounts import Right
from buyside.domain.campaigns import Campaign
from buyside.domain.campaigns import Status as CampaignStatus
from buyside.domain.errors import PlatformError
from buyside.domain.ids import CampaignId
from buyside.domain.media_buys import LIVE, MediaBuy, PendingReason, Status
from buyside.domain.settling import wants_pause
from buyside.services.campaigns import pacing
from buyside.services.campaigns.pacing import Paced
from buyside.services.media_buys import parts, placing, settling
from buyside.services.work import Work


class Operational(StrEnum):
    NO_MEDIA_BUYS = "no_media_buys"
    NOT_SUBMITTED = "not_submitted"
    DRAFT = "draft"
    PENDING_CREATIVES = "pending_creatives"
    PENDING_START = "pending_start"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    ATTENTION = "attention_required"


class Refreshed(StrEnum):
    DIRECT = "direct_agent"
    NOT_SUBMITTED = "not_submitted"
    TERMINAL = "persisted_terminal"
    FAILED = "refresh_failed"


@dataclass(frozen=True)
class BuyStatus:
    before: MediaBuy
    after: MediaBuy
    source: Refreshed
    error: str | None = None


@dataclass(frozen=True)
class CampaignStanding:
    campaign: Campaign
    operational: Operational
    buys: tuple[BuyStatus, ...]
    paced: Paced

    @property
    def agents_queried(self) -> int:
        return len({b.after.agent_id for b in self.buys if b.source in {Refreshed.DIRECT, Refreshed.FAILED}})


async def status(work: Work, campaign_id: CampaignId) -> CampaignStanding:
    """Ask all sellers at once; one that fails is named and fails nothing. What is found is kept. Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        await tx.campaigns.get(campaign_id)
        buys = await tx.media_buys.of(campaign_id, archived=False)
    read = await asyncio.gather(*(_read(work, buy) for buy in buys))
    async with work.reading() as tx:
        campaign = await tx.campaigns.get(campaign_id)
        paced = await pacing.of(tx, campaign, [b.after for b in read], work.now())
    return CampaignStanding(campaign, campaign_operational(campaign, [b.after for b in read]), tuple(read), paced)


async def _read(work: Work, buy: MediaBuy) -> BuyStatus:
    if buy.status is Status.DRAFT:
        return BuyStatus(buy, buy, Refreshed.NOT_SUBMITTED)
    if buy.status not in LIVE:
        return BuyStatus(buy, buy, Refreshed.TERMINAL)
    if buy.unsettled:
        return BuyStatus(buy, buy, Refreshed.FAILED, "The buy is being placed; its outcome is not known yet.")
    try:
        settled = await settling.observe(work, await parts.load(work, buy.id))
    except PlatformError as error:
        return BuyStatus(buy, buy, Refreshed.FAILED, error.message)
    if settled is None and buy.seller_buy_id is not None:
        return BuyStatus(buy, buy, Refreshed.FAILED, "The seller does not list this media buy.")
    if settled is None:
        return BuyStatus(buy, buy, Refreshed.DIRECT)
    after, _ = await placing.follow(work, settled)
    return BuyStatus(buy, after, Refreshed.DIRECT)


def buy_operational(buy: MediaBuy) -> Operational:
    if buy.status in {Status.FAILED, Status.REJECTED, Status.INPUT_REQUIRED} or buy.trouble is not None:
        return Operational.ATTENTION
    match buy.status:
        case Status.DRAFT:
            return Operational.NOT_SUBMITTED
        case Status.PENDING_APPROVAL if buy.pending and buy.pending.reason in _CREATIVES:
            return Operational.PENDING_CREATIVES
        case Status.PENDING_APPROVAL:
            return Operational.PENDING_START
        case Status.ACTIVE:
            return Operational.ACTIVE
        case Status.PAUSED:
            return Operational.PAUSED
    return Operational.COMPLETED


_CREATIVES = frozenset(
    {
        PendingReason.NO_CREATIVES,
        PendingReason.CREATIVES_REJECTED,
        PendingReason.CREATIVE_PROCESSING,
        PendingReason.CREATIVE_APPROVAL,
    }
)


def campaign_operational(campaign: Campaign, buys: Sequence[MediaBuy]) -> Operational:
    """The most restrictive first (interchange.md 2.3, DECISION)."""
    if not buys:
        return Operational.NO_MEDIA_BUYS
    states = {buy_operational(b) for b in buys}
    if any(b.status is Status.ACTIVE and wants_pause(b, campaign.status) for b in buys):
        return Operational.ATTENTION  # it spends though nothing of the campaign may
    for state in (Operational.ATTENTION, Operational.PENDING_CREATIVES, Operational.PENDING_START):
        if state in states:
            return state
    if states == {Operational.NOT_SUBMITTED}:
        return Operational.DRAFT
    rest = states - {Operational.NOT_SUBMITTED, Operational.COMPLETED}
    if campaign.status is CampaignStatus.PAUSED or rest == {Operational.PAUSED}:
        return Operational.PAUSED
    return Operational.ACTIVE if Operational.ACTIVE in states else Operational.COMPLETED
