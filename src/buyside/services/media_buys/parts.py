"""What every step on a media buy needs to have at hand, loaded together."""

from __future__ import annotations

from dataclasses import dataclass

from buyside.domain.advertisers import Advertiser
from buyside.domain.campaigns import Campaign
from buyside.domain.decisions import Subject
from buyside.domain.ids import MediaBuyId
from buyside.domain.media_buys import MediaBuy
from buyside.domain.orders import AccountRef
from buyside.domain.stops import Stop, under
from buyside.domain.storefronts import Seller
from buyside.services import seller_accounts
from buyside.services.work import Tx, Work


@dataclass(frozen=True)
class Parts:
    buy: MediaBuy
    campaign: Campaign
    advertiser: Advertiser
    seller: Seller
    account: AccountRef


async def load(work: Work, buy_id: MediaBuyId) -> Parts:
    """For a call: one reading, then the account as the seller names it. Raises: NotFound."""
    async with work.reading() as tx:
        buy = await tx.media_buys.get(buy_id)
        campaign = await tx.campaigns.get(buy.campaign_id)
        advertiser = await tx.advertisers.get(campaign.advertiser_id)
        seller = await tx.storefronts.seller(buy.agent_id)
    natural = seller_accounts.natural(seller, advertiser, work.policy)
    return Parts(buy, campaign, advertiser, seller, await seller_accounts.known(work, seller, natural))


async def locked(tx: Tx, buy_id: MediaBuyId) -> tuple[Campaign, MediaBuy]:
    """The buy and its campaign, both ours until the transaction ends; the campaign is locked first.

    The buy bears the marks of the stops that stand over it now, whoever has come to touch it (ADR 0013).
    """
    campaign = await tx.campaigns.lock_of(buy_id)
    return campaign, under(await tx.media_buys.get(buy_id), await tx.stops.standing(campaign.advertiser_id))


async def standing_over(work: Work, campaign: Campaign, buy: MediaBuy) -> Stop | None:
    """A stop that stands over the buy now."""
    async with work.reading() as tx:
        standing = await tx.stops.standing(campaign.advertiser_id)
    return next((stop for stop in standing if stop.scope.covers(buy)), None)


def subject(campaign: Campaign, buy: MediaBuy) -> Subject:
    return Subject("media_buy", buy.id, campaign.advertiser_id, campaign.id, buy.id)


def campaign_subject(campaign: Campaign) -> Subject:
    return Subject("campaign", campaign.id, campaign.advertiser_id, campaign.id)
