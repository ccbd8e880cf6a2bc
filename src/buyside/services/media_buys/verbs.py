"""What a person asks of one media buy (interchange.md 3.11)."""

from __future__ import annotations

from dataclasses import dataclass

from buyside.domain.accounts import Right
from buyside.domain.campaigns import Campaign
from buyside.domain.campaigns import Status as CampaignStatus
from buyside.domain.errors import Conflict, PlatformError
from buyside.domain.ids import MediaBuyId
from buyside.domain.media_buys import MediaBuy, Status
from buyside.domain.operations import Operation
from buyside.domain.stops import refusal
from buyside.services import seller_accounts
from buyside.services.media_buys import changing, parts, planning
from buyside.services.work import Tx, Work


@dataclass(frozen=True)
class Changed:
    """Before and after a pause or resume, and why it did not come about, if it did not."""

    before: MediaBuy
    after: MediaBuy
    error: str | None


async def get(work: Work, buy_id: MediaBuyId) -> MediaBuy:
    """Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        return await tx.media_buys.get(buy_id)


async def pause(work: Work, buy_id: MediaBuyId) -> Changed:
    """Raises: NotFound; Conflict unless ACTIVE."""
    return await _change(work, buy_id, paused=True)


async def reactivate(work: Work, buy_id: MediaBuyId) -> Changed:
    """Raises: NotFound; Conflict unless PAUSED, while its campaign is paused, or under a stop."""
    return await _change(work, buy_id, paused=False)


async def _change(work: Work, buy_id: MediaBuyId, *, paused: bool) -> Changed:
    work.require(Right.CAMPAIGNS)
    async with work.writing() as tx:
        before, planned = await prepare(tx, work, buy_id, paused=paused)
    if isinstance(planned, PlatformError):
        return Changed(before, before, planned.message)
    error = await changing.in_time(work, planned)
    return Changed(before, await get(work, buy_id), error)


async def prepare(
    tx: Tx, work: Work, buy_id: MediaBuyId, *, paused: bool
) -> tuple[MediaBuy, Operation | PlatformError]:
    """The buy as it is, and what is to be asked of its seller, or why it cannot be; nothing is sent."""
    campaign, before = await parts.locked(tx, buy_id)
    _require(campaign, before, paused=paused)
    advertiser = await tx.advertisers.get(campaign.advertiser_id)
    seller = await tx.storefronts.seller(before.agent_id)
    natural = seller_accounts.natural(seller, advertiser, work.policy)
    account = await seller_accounts.numbered(tx, seller, natural)
    purpose = "pause person" if paused else "resume"
    try:
        return before, await planning.pause(tx, work, before, seller, account, paused=paused, purpose=purpose)
    except PlatformError as cannot:
        return before, cannot


def _require(campaign: Campaign, buy: MediaBuy, *, paused: bool) -> None:
    buy.require_settled()
    wanted = Status.ACTIVE if paused else Status.PAUSED
    if buy.status is not wanted:
        verb = "paused" if paused else "reactivated"
        raise Conflict(f"Only a buy that is {wanted.value} can be {verb}; this one is {buy.status.value}.")
    if not paused and buy.stops:
        raise refusal(buy.stops[0], f"media buy {buy.id}")
    if not paused and campaign.status is not CampaignStatus.ACTIVE:
        hint = "; reactivate it first" if campaign.status is CampaignStatus.PAUSED else ", now or later"
        raise Conflict(f"The campaign is {campaign.status.value}: nothing of it may serve{hint}.")
