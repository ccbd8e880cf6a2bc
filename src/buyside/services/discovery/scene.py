"""What is known before anybody is asked: for whom, which sellers, what for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from buyside.domain import groups, refinements, searches
from buyside.domain.advertisers import Advertiser
from buyside.domain.campaigns import Campaign
from buyside.domain.discovery import Discovery
from buyside.domain.errors import Forbidden, Invalid
from buyside.domain.groups import Page
from buyside.domain.ids import AdvertiserId, AgentId, CampaignId, DiscoveryId
from buyside.domain.orders import AccountRef
from buyside.domain.refinements import Refinement
from buyside.domain.searches import Search, Wish
from buyside.domain.storefronts import Seller
from buyside.services import seller_accounts
from buyside.services.work import Tx, Work


@dataclass(frozen=True)
class Ask:
    """One discover-products."""

    advertiser_id: AdvertiserId
    wish: Wish = field(default_factory=Wish)
    discovery_id: DiscoveryId | None = None
    campaign_id: CampaignId | None = None
    refine: tuple[Refinement, ...] = ()
    wait_seconds: int = groups.QUICK_WAIT
    progressive: bool = False
    page: Page = field(default_factory=Page)
    channels: tuple[str, ...] = searches.DEFAULT_CHANNELS
    """Searched when neither the caller nor the campaign names any; none: all."""
    refine_key: str = "id"
    """What the surface calls the id in a refinement: errors point there."""

    @property
    def is_progressive(self) -> bool:
        """A refinement is answered whole."""
        return self.progressive and not self.refine


@dataclass(frozen=True)
class Scene:
    advertiser: Advertiser
    campaign: Campaign | None
    before: Discovery | None
    """The session as it was: with its offers if they are to be refined, else with the standing of its agents."""
    sellers: tuple[Seller, ...]
    search: Search
    plan: refinements.Plan = field(default_factory=dict)
    not_asked: tuple[str, ...] = ()
    """Sentences: whom the search leaves out, and why."""
    accounts: Mapping[AgentId, AccountRef] = field(default_factory=dict)
    """The advertiser's account as those sellers know it that have met it."""


async def scene_of(work: Work, ask: Ask) -> Scene:
    """Raises: NotFound; Invalid; Conflict for an archived advertiser."""
    async with work.reading() as tx:
        advertiser = await tx.advertisers.get(ask.advertiser_id)
        advertiser.require_active()
        campaign = await _campaign(tx, ask)
        before = await _before(tx, ask)
        every = await tx.storefronts.sellers()
    search = _search(ask, advertiser, campaign, before)
    plan: refinements.Plan = {}
    if ask.refine and before is not None:
        plan = refinements.plan(ask.refine, before, id_field=ask.refine_key)
        wanted = [each for each in every if each.id in plan]
    else:
        wanted = [each for each in every if searches.reaches(search, each)]
    sellers, refused = _allowed(wanted, advertiser)
    async with work.reading() as tx:
        met = [each for each in sellers if each.profile is not None]
        accounts = await seller_accounts.established(tx, met, advertiser, work.policy)
    not_asked = (*_unknown(search, every), *refused)
    return Scene(advertiser, campaign, before, sellers, search, plan, not_asked, accounts)


def _search(ask: Ask, advertiser: Advertiser, campaign: Campaign | None, before: Discovery | None) -> Search:
    currency = campaign.currency if campaign else advertiser.spec.currency
    earlier = searches.read(before.request, currency) if before and ask.refine else None
    return searches.settled(
        ask.wish,
        currency=currency,
        campaign=campaign.spec if campaign else None,
        before=earlier,
        channels=ask.channels,
    )


async def _campaign(tx: Tx, ask: Ask) -> Campaign | None:
    if ask.campaign_id is None:
        return None
    campaign = await tx.campaigns.get(ask.campaign_id)
    if campaign.advertiser_id != ask.advertiser_id:
        raise Invalid("The campaign belongs to another advertiser.", field="campaignId")
    return campaign


async def _before(tx: Tx, ask: Ask) -> Discovery | None:
    if ask.discovery_id is None:
        if ask.refine:
            raise Invalid("A refinement needs the discoveryId of the session that it refines.", field="discoveryId")
        return None
    before = await tx.discoveries.get(ask.discovery_id, offers=bool(ask.refine))
    if before.advertiser_id != ask.advertiser_id:
        raise Invalid("The discovery session belongs to another advertiser.", field="discoveryId")
    if ask.campaign_id is not None and before.campaign_id not in (None, ask.campaign_id):
        raise Invalid(f"The discovery session belongs to campaign {before.campaign_id}.", field="campaignId")
    return before if ask.refine else replace(before, agents=await tx.discoveries.standing(before.id))


def _allowed(sellers: Sequence[Seller], advertiser: Advertiser) -> tuple[tuple[Seller, ...], tuple[str, ...]]:
    """Those that this advertiser may reach (ruling 0.7). Of one never met, that is found out by meeting it."""
    allowed, refused = [], []
    for each in sellers:
        try:
            if each.profile is not None:
                seller_accounts.check_sandbox(each, advertiser)
            allowed.append(each)
        except Forbidden:
            refused.append(each.name)
    if not refused:
        return tuple(allowed), ()
    names = ", ".join(refused[:5]) + (" …" if len(refused) > 5 else "")
    said = f"Live sellers were not asked ({len(refused)}), since this is a sandbox advertiser: {names}."
    return tuple(allowed), (said,)


def _unknown(search: Search, every: Sequence[Seller]) -> list[str]:
    connected = {each.storefront_id for each in every}
    missing = [str(each) for each in search.storefront_ids if each not in connected]
    return [f"Storefronts that are not connected, or not there: {', '.join(missing)}."] if missing else []
