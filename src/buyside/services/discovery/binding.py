"""Which campaign a session works for: a campaign buys what is selected in the one session that it is bound to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from buyside.domain.campaigns import LISTED, Campaign, CampaignSpec, Status
from buyside.domain.discovery import Discovery
from buyside.domain.errors import Invalid, NotFound
from buyside.domain.ids import CampaignId, DiscoveryId
from buyside.services import campaigns
from buyside.services.work import Tx, Work


@dataclass(frozen=True)
class Binding:
    campaign: Campaign | None
    """The campaign that is bound to the session, whatever its status."""
    warning: str | None

    @property
    def is_bound(self) -> bool:
        return self.warning is None


async def state(tx: Tx, session: Discovery) -> Binding:
    if session.campaign_id is None:
        return Binding(None, "The session is not attached to a campaign: pass campaignId, or give it as discoveryId.")
    campaign = await tx.campaigns.get(session.campaign_id)
    if campaign.spec.discovery_id != session.id:
        return Binding(None, f"Campaign {campaign.id} buys from another session: {campaign.spec.discovery_id}.")
    if campaign.status is Status.ARCHIVED:
        return Binding(campaign, f"Campaign {campaign.id} is archived.")
    return Binding(campaign, None)


async def attach(work: Work, session: Discovery, campaign: Campaign) -> Discovery:
    """Bind them if the campaign is free: it has no session yet, or one in which nothing was ever selected."""
    if campaign.spec.discovery_id != session.id and await _is_free(work, campaign):
        before = campaign.spec.discovery_id
        await campaigns.update(work, campaign.id, lambda now: _with(now, session.id, before))
    async with work.reading() as tx:
        return await tx.discoveries.get(session.id, offers=False)


def _with(campaign: Campaign, session_id: DiscoveryId, before: DiscoveryId | None) -> CampaignSpec:
    # Somebody else was quicker: theirs stands.
    return campaign.spec if campaign.spec.discovery_id != before else replace(campaign.spec, discovery_id=session_id)


async def _is_free(work: Work, campaign: Campaign) -> bool:
    if campaign.status not in LISTED or campaign.committed:
        return False
    if campaign.spec.discovery_id is None:
        return True
    async with work.reading() as tx:
        if await tx.media_buys.of(campaign.id, archived=False):
            return False
        try:
            return not (await tx.discoveries.get(campaign.spec.discovery_id, offers=False)).selections
        except NotFound:
            return True


async def require(work: Work, session: Discovery, campaign_id: CampaignId) -> Discovery:
    """The session, bound to that campaign. Raises: NotFound; Invalid when either belongs elsewhere."""
    async with work.reading() as tx:
        campaign = await tx.campaigns.get(campaign_id)
    if campaign.advertiser_id != session.advertiser_id:
        raise Invalid("The campaign belongs to another advertiser.", field="campaignId")
    if session.campaign_id not in (None, campaign_id):
        raise Invalid(f"The discovery session belongs to campaign {session.campaign_id}.", field="campaignId")
    bound = await attach(work, session, campaign)
    async with work.reading() as tx:
        binding = await state(tx, bound)
    if binding.campaign is None:
        other = f" buys from session {campaign.spec.discovery_id}" if campaign.spec.discovery_id else " cannot take one"
        raise Invalid(f"The session is not attached to campaign {campaign_id}, which{other}.", field="campaignId")
    return bound
