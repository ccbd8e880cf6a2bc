"""Creatives, as much as a buy needs to go live: made, listed, read. Making one asks no seller."""

from __future__ import annotations

from dataclasses import dataclass, replace

from buyside.domain.accounts import Right
from buyside.domain.advertisers import Advertiser
from buyside.domain.campaigns import LISTED, Campaign
from buyside.domain.creatives import Creative, CreativeSpec, FormatRef, not_kept, same_format
from buyside.domain.decisions import Subject
from buyside.domain.errors import Invalid
from buyside.domain.ids import CampaignId, CreativeId
from buyside.domain.media_buys import TERMINAL
from buyside.services.work import Tx, Work


@dataclass(frozen=True)
class CreativeView:
    creative: Creative
    brand_domain: str | None
    target_formats: tuple[FormatRef, ...]
    """What the campaign's products take."""
    agent_count: int
    """Sales agents that the campaign buys from."""
    already_exists: bool = False
    not_kept: tuple[str, ...] = ()
    """What was sent along with the name of a creative that there is already, and differs from what it has."""

    @property
    def synced(self) -> int:
        """Agents that took it."""
        return sum(review.status not in {"failed", "rejected"} for review in self.creative.reviews.values())


async def create(work: Work, campaign_id: CampaignId, spec: CreativeSpec | None, name: str | None) -> CreativeView:
    """A creative on the campaign. A name that was given and is taken answers the one that has it (ruling 0.14).

    Raises: NotFound; Invalid on a campaign that is over.
    """
    work.require(Right.CREATIVES)
    async with work.writing() as tx:
        campaign = await tx.campaigns.lock(campaign_id)
        if campaign.status not in LISTED:
            raise Invalid(f"The campaign is {campaign.status.value} and takes no more creatives.")
        if name is not None and (known := await tx.creatives.named(campaign_id, name)) is not None:
            ignored = not_kept(spec or CreativeSpec(name), known.spec)
            return replace(await _view(tx, campaign, known), already_exists=True, not_kept=ignored)
        given = replace(spec or CreativeSpec(""), name=name or await _free_name(tx, campaign))
        now = work.now()
        creative = Creative(CreativeId(work.new_id("cr", 16)), campaign.advertiser_id, campaign_id, given, now, now)
        await tx.creatives.add(creative)
        await tx.record(
            "creative.created",
            f"{given.name} on {campaign.spec.name}",
            Subject("creative", creative.id, campaign.advertiser_id, campaign_id),
            after={"name": given.name, "formatId": dict(given.format_id) if given.format_id else None},
        )
        return await _view(tx, campaign, creative)


async def _free_name(tx: Tx, campaign: Campaign) -> str:
    taken = {c.spec.name for c in await tx.creatives.of(campaign.id)}
    number = len(taken) + 1
    while f"Creative {number}" in taken:
        number += 1
    return f"Creative {number}"


async def get(work: Work, campaign_id: CampaignId, creative_id: CreativeId) -> CreativeView:
    """Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        campaign = await tx.campaigns.get(campaign_id)
        return await _view(tx, campaign, await tx.creatives.get(campaign_id, creative_id))


async def page(
    work: Work, campaign_id: CampaignId, *, search: str | None, limit: int, offset: int
) -> tuple[list[CreativeView], int]:
    """In the order in which they were made, and how many there are. Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        campaign = await tx.campaigns.get(campaign_id)
        found, total = await tx.creatives.page(campaign_id, search=search, limit=limit, offset=offset)
        advertiser = await tx.advertisers.get(campaign.advertiser_id)
        targets, agents = await _targets(tx, campaign)
    return [_made(creative, advertiser, targets, agents) for creative in found], total


async def _view(tx: Tx, campaign: Campaign, creative: Creative) -> CreativeView:
    advertiser = await tx.advertisers.get(campaign.advertiser_id)
    return _made(creative, advertiser, *await _targets(tx, campaign))


def _made(creative: Creative, advertiser: Advertiser, targets: tuple[FormatRef, ...], agents: int) -> CreativeView:
    return CreativeView(creative, advertiser.spec.brand_domain, targets, agents)


async def _targets(tx: Tx, campaign: Campaign) -> tuple[tuple[FormatRef, ...], int]:
    buys = [b for b in await tx.media_buys.of(campaign.id) if b.status not in TERMINAL]
    formats: list[FormatRef] = []
    for form in (f for b in buys for p in b.packages for f in p.format_ids):
        if not any(same_format(form, known) for known in formats):
            formats.append(form)
    return tuple(formats), len({b.agent_id for b in buys})
