"""The campaign as a whole: its own row, its buys, and what follows from them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from buyside.domain import budgets
from buyside.domain.accounts import Right
from buyside.domain.advertisers import Advertiser, ApplyMode, FeeTerm
from buyside.domain.audiences import Audience
from buyside.domain.campaigns import LISTED, Campaign, Mode, Status
from buyside.domain.creatives import Creative, FormatRef, fits, format_key, same_format
from buyside.domain.discovery import Discovery
from buyside.domain.errors import NotFound
from buyside.domain.frequency import KeptCap, Level
from buyside.domain.heads import Head, head
from buyside.domain.ids import AdvertiserId, CampaignId, MediaBuyId
from buyside.domain.media_buys import TERMINAL, MediaBuy
from buyside.domain.media_buys import Status as BuyStatus
from buyside.domain.property_lists import Applied, applied
from buyside.domain.staging import staged_keys
from buyside.domain.storefronts import Storefront
from buyside.services.campaigns import pointing
from buyside.services.work import Policy, Tx, Work
from buyside.store.campaigns import Filter

__all__ = [
    "CampaignView",
    "Formats",
    "Page",
    "ProductsView",
    "fee_terms",
    "formats",
    "get",
    "page",
    "products",
    "property_lists",
    "view",
    "wanted",
]


@dataclass(frozen=True)
class Formats:
    """Which creative formats the bought and selected products ask for, and which of them a creative covers."""

    required: tuple[FormatRef, ...] = ()
    covered: tuple[FormatRef, ...] = ()

    @property
    def missing(self) -> tuple[FormatRef, ...]:
        return tuple(r for r in self.required if not any(same_format(r, c) for c in self.covered))


@dataclass(frozen=True)
class CampaignView:
    campaign: Campaign
    advertiser: Advertiser
    heads: tuple[Head, ...]
    """A line for each buy, archived ones left out."""
    buys: tuple[MediaBuy, ...]
    """Those that are shown."""
    sums: budgets.Sums
    formats: Formats
    creatives: tuple[Creative, ...] = ()
    storefronts: tuple[Storefront, ...] = ()
    discovery: Discovery | None = None
    """With its selections, without the offers; only while the campaign is not committed (ruling 0.4)."""
    warnings: tuple[str, ...] = ()
    frequency_caps: tuple[KeptCap, ...] = ()
    audiences: tuple[Audience, ...] = ()
    """Those that are linked now."""

    @property
    def apply_mode(self) -> ApplyMode:
        return self.campaign.spec.apply_mode or self.advertiser.spec.apply_mode


async def get(work: Work, campaign_id: CampaignId, *, only: Collection[MediaBuyId] = ()) -> CampaignView:
    """`only`: the buys to show, all without; what is said of the campaign stays the same. Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        return await view(tx, work.policy, await tx.campaigns.get(campaign_id), only=only)


async def view(
    tx: Tx,
    policy: Policy,
    campaign: Campaign,
    warnings: Sequence[str] = (),
    *,
    only: Collection[MediaBuyId] = (),
) -> CampaignView:
    advertiser = await tx.advertisers.get(campaign.advertiser_id)
    buys = await tx.media_buys.of(campaign.id, only=only)
    every = await tx.media_buys.heads(campaign.id, campaign.currency) if only else [head(b) for b in buys]
    listed = tuple(h for h in every if h.status is not BuyStatus.ARCHIVED)
    discovery = await _bound(tx, campaign)
    creatives = tuple(await tx.creatives.of(campaign.id))
    return CampaignView(
        campaign,
        advertiser,
        listed,
        tuple(b for b in buys if b.status is not BuyStatus.ARCHIVED),
        budgets.sums_of(campaign.spec.budget.total, fee_terms(advertiser, policy), [each.allocated for each in every]),
        formats(listed, creatives),
        creatives,
        tuple(await tx.storefronts.by_ids(campaign.spec.storefront_ids)) if campaign.spec.storefront_ids else (),
        discovery,
        tuple(warnings),
        tuple(await tx.frequency_caps.of(Level.CAMPAIGN, campaign.id)) if campaign.spec.frequency_caps else (),
        tuple(await pointing.audiences_of(tx, campaign.advertiser_id, campaign.spec)),
    )


async def _bound(tx: Tx, campaign: Campaign) -> Discovery | None:
    if campaign.committed or campaign.spec.discovery_id is None:
        return None
    try:
        return await tx.discoveries.get(campaign.spec.discovery_id, offers=False)
    except NotFound:
        return None


def fee_terms(advertiser: Advertiser, policy: Policy) -> tuple[FeeTerm, ...]:
    """The advertiser's schedule, else the installation's (ruling 0.1)."""
    return policy.default_fees if advertiser.spec.fees is None else advertiser.spec.fees


def formats(heads: Sequence[Head], creatives: Sequence[Creative]) -> Formats:
    asked = {format_key(f): f for h in heads if h.status not in TERMINAL for f in h.outline.formats}
    required: list[FormatRef] = []
    for form in asked.values():
        if not any(same_format(form, known) for known in required):
            required.append(form)
    covered = [form for form in required if any(fits(c.spec, (form,)) for c in creatives)]
    return Formats(tuple(required), tuple(covered))


async def property_lists(work: Work, campaign_id: CampaignId) -> list[Applied]:
    """The lists that the campaign's packages carry. Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        await tx.campaigns.get(campaign_id)
        return applied(await tx.media_buys.of(campaign_id, archived=False))


@dataclass(frozen=True)
class Page:
    campaigns: tuple[Campaign, ...]
    product_counts: dict[CampaignId, int]
    total: int
    exact: bool
    more: bool
    next: tuple[datetime, str] | None
    """What the next page comes after."""


async def page(
    work: Work, wanted: Filter, *, after: tuple[datetime, str] | None = None, limit: int = 50, offset: int = 0
) -> Page:
    """Newest first. One more than asked is read, to know whether there is more."""
    work.require(Right.READ)
    async with work.reading() as tx:
        found = await tx.campaigns.page(wanted, after=after, limit=limit + 1, offset=offset)
        total, exact = await tx.campaigns.count(wanted)
        shown = found[:limit]
        counts = await tx.discoveries.counts([c.spec.discovery_id for c in shown if c.spec.discovery_id])
    last = shown[-1] if len(found) > limit else None
    return Page(
        tuple(shown),
        {c.id: counts.get(c.spec.discovery_id, 0) for c in shown if c.spec.discovery_id and not c.committed},
        total,
        exact,
        len(found) > limit,
        (last.created_at, last.id) if last else None,
    )


def wanted(
    *,
    statuses: Sequence[str] = (),
    archived: bool = False,
    advertiser_id: AdvertiserId | None = None,
    name: str | None = None,
    modes: tuple[Mode, ...] = (),
    buy_statuses: tuple[BuyStatus, ...] = (),
    none: bool = False,
) -> Filter:
    """What a list shows. "ALL" stands for every status; `none` for what this server never has."""
    chosen = tuple(Status) if "ALL" in statuses else tuple(Status(s) for s in dict.fromkeys(statuses)) or LISTED
    if archived and Status.ARCHIVED not in chosen:
        chosen = (*chosen, Status.ARCHIVED)
    return Filter(() if none else chosen, advertiser_id, name, modes, buy_statuses)


@dataclass(frozen=True)
class ProductsView:
    """Every product of a campaign: on its buys, and selected but not on one yet."""

    campaign: Campaign
    discovery: Discovery | None
    buys: tuple[MediaBuy, ...]
    pending: tuple[int, ...]
    """Indexes of the discovery's selections that sit on no buy."""


async def products(work: Work, campaign_id: CampaignId) -> ProductsView:
    """Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        campaign = await tx.campaigns.get(campaign_id)
        buys = await tx.media_buys.of(campaign_id, archived=False)
        discovery = await tx.discoveries.selected(campaign.spec.discovery_id) if campaign.spec.discovery_id else None
    held = staged_keys(buys)
    selections = discovery.selections if discovery else ()
    pending = tuple(i for i, s in enumerate(selections) if (s.agent_id, s.product_id, s.selection_id) not in held)
    return ProductsView(campaign, discovery, tuple(buys), pending)
