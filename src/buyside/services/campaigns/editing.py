"""Campaigns made, changed and archived."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from buyside.domain import edits, media_buys
from buyside.domain.accounts import Right
from buyside.domain.advertisers import Advertiser
from buyside.domain.campaigns import Action, Campaign, CampaignSpec, Mode, Status, check, facts, warnings
from buyside.domain.decisions import changes
from buyside.domain.edits import Asked
from buyside.domain.errors import (
    BuysideError,
    Conflict,
    CurrencyMismatch,
    InsufficientMediaBudget,
    Invalid,
    Issue,
    NotFound,
)
from buyside.domain.frequency import Level
from buyside.domain.ids import AdvertiserId, CampaignId, DiscoveryId, StorefrontId
from buyside.domain.media_buys import MediaBuy
from buyside.domain.pacing import ceiling
from buyside.domain.packaging import planned, require_fits
from buyside.domain.staging import follow
from buyside.services.campaigns import advisories, pointing, staging
from buyside.services.campaigns.reading import CampaignView, fee_terms, view
from buyside.services.media_buys import amending, latecomers, parts
from buyside.services.media_buys.amending import Amendment, Written
from buyside.services.work import Tx, Work

Edit = Callable[[Campaign], CampaignSpec]


@dataclass(frozen=True)
class NewCampaign:
    advertiser_id: AdvertiserId
    spec_in: Callable[[str], CampaignSpec]
    """The spec in a currency: amounts cannot be read before it is known."""
    currency: str | None = None
    """None: the advertiser's."""
    mode: Mode | None = None
    """None: performance when there are goals, else discovery."""
    product_ids: tuple[str, ...] = field(default=())
    """Products of the session that are selected at once."""


async def create(work: Work, new: NewCampaign) -> CampaignView:
    """A DRAFT campaign, with DRAFT buys for what its discovery session has selected.

    Raises: Invalid, CurrencyMismatch, NotFound for an unknown session, InsufficientMediaBudget.
    """
    work.require(Right.CAMPAIGNS)
    now = work.now()
    async with work.writing() as tx:
        advertiser = await _advertiser(tx, new)
        spec = new.spec_in(advertiser.spec.currency)
        mode = _mode(new, spec)
        check(spec)
        spec = await pointing.settled(tx, work, advertiser.id, spec)
        campaign = Campaign(
            CampaignId(work.new_number("cmp")), advertiser.id, spec, Status.DRAFT, mode, 1, False, now, now
        )
        await _check_storefronts(tx, spec.storefront_ids)
        await tx.campaigns.add(campaign)
        await _keep_caps(tx, work, campaign)
        if not advertiser.currency_locked:
            await tx.advertisers.save(replace(advertiser, currency_locked=True))
        await tx.record(
            "campaign.created",
            f"{spec.name}: {spec.budget.total}",
            parts.campaign_subject(campaign),
            after=facts(spec),
        )
        await _start_session(tx, work, campaign, advertiser, new.product_ids)
        told = (*warnings(spec.budget), *await advisories.caps(tx, campaign))
        return await view(tx, work.policy, campaign, told)


async def _start_session(
    tx: Tx, work: Work, campaign: Campaign, advertiser: Advertiser, product_ids: Sequence[str]
) -> None:
    """Bind the session that the campaign begins with, select what was asked, and stage it."""
    discovery_id = campaign.spec.discovery_id
    if product_ids and discovery_id is None:
        raise Invalid("productIds need a discoveryId.", field="productIds")
    if discovery_id is not None:
        await staging.bind(tx, work, campaign, discovery_id)
        await _select(tx, work, discovery_id, product_ids)
        await staging.reconcile(tx, work, campaign, advertiser)


def _mode(new: NewCampaign, spec: CampaignSpec) -> Mode:
    if new.mode is Mode.PERFORMANCE and not spec.performance_config:
        raise Invalid("A performance campaign needs performanceConfig.", field="performanceConfig")
    return new.mode or (Mode.PERFORMANCE if spec.performance_config else Mode.DISCOVERY)


async def _advertiser(tx: Tx, new: NewCampaign) -> Advertiser:
    try:
        advertiser = await tx.advertisers.get(new.advertiser_id)
        if not advertiser.currency_locked:
            # It is about to be written back: under the lock, so that no edit made meanwhile is lost.
            advertiser = await tx.advertisers.lock(new.advertiser_id)
    except NotFound as unknown:
        raise Invalid(unknown.message, field="advertiserId") from None
    advertiser.require_active()
    advertiser.require_brand()
    if new.currency is not None and new.currency != advertiser.spec.currency:
        raise CurrencyMismatch(
            f"{advertiser.spec.name} buys in {advertiser.spec.currency}, not in {new.currency}.",
            field="budget.currency",
        )
    return advertiser


async def _check_storefronts(tx: Tx, ids: Sequence[StorefrontId]) -> None:
    known = {each.id for each in await tx.storefronts.by_ids(ids)} if ids else set()
    issues = [
        Issue(("storefrontIds", index), f"There is no storefront {each}.")
        for index, each in enumerate(ids)
        if each not in known
    ]
    if issues:
        raise Invalid.of(issues)


async def _select(tx: Tx, work: Work, discovery_id: DiscoveryId, product_ids: Sequence[str]) -> None:
    """Add products to the session's selection. Raises: Invalid for one that the session does not offer."""
    if not product_ids:
        return
    from_offers = await tx.discoveries.get(discovery_id)
    chosen = list(from_offers.selections)
    issues = []
    for index, product_id in enumerate(product_ids):
        found = from_offers.find(product_id)
        if found is None:
            issues.append(Issue(("productIds", index), f"{product_id} is not in discovery session {discovery_id}."))
        elif not any(s.product_id == product_id and s.agent_id == found[0].agent_id for s in chosen):
            chosen.append(staging.selection(found[0], product_id, work.now()))
    if issues:
        raise Invalid.of(issues)
    await tx.discoveries.select(discovery_id, chosen)


async def update(
    work: Work,
    campaign_id: CampaignId,
    edit: Edit,
    *,
    expected_revision: int | None = None,
    asked: Sequence[Asked] = (),
) -> CampaignView:
    """Change what the buyer wants, of the campaign and of its buys. `edit` makes the new spec from the campaign as it
    is under the lock; `asked` is about buys. Either all of it is taken or nothing; a seller's no is a warning.

    A change of nothing leaves the revision as it is.
    Raises: NotFound, Conflict when stale, Invalid, CurrencyMismatch, InsufficientMediaBudget, Forbidden.
    """
    work.require(Right.CAMPAIGNS)
    await amending.suspects(work, asked)
    async with work.writing() as tx:
        done = await apply(tx, work, campaign_id, edit, asked, expected_revision=expected_revision)
        if not done.written.anything:
            return await view(tx, work.policy, done.campaign, done.warnings)
    said = [*done.warnings, *await amending.carry_out(work, done.written)]
    if done.later is not None:
        said += await _rest(work, campaign_id, edit, done.later)
    async with work.reading() as tx:
        return await view(tx, work.policy, await tx.campaigns.get(campaign_id), said)


@dataclass(frozen=True)
class Applied:
    """What a transaction wrote. `later`: what has to wait until sellers have made room for it; None: nothing."""

    campaign: Campaign
    written: Written = field(default_factory=Written)
    warnings: tuple[str, ...] = ()
    later: tuple[Asked, ...] | None = None
    amendment: Amendment | None = None


async def apply(
    tx: Tx,
    work: Work,
    campaign_id: CampaignId,
    edit: Edit,
    asked: Sequence[Asked] = (),
    *,
    expected_revision: int | None = None,
    touched: bool = False,
) -> Applied:
    """One transaction of `update`. `touched`: the campaign moves on though nothing of its own changes."""
    campaign = await tx.campaigns.lock(campaign_id)
    _require_revision(campaign, expected_revision)
    spec = edit(campaign)
    if spec == campaign.spec and not asked and not touched:
        return Applied(campaign)
    edited = campaign
    if spec != campaign.spec:
        check(spec)
        spec = await pointing.settled(tx, work, campaign.advertiser_id, spec, campaign.spec)
        edited = campaign.edited(spec)
        await _check_storefronts(tx, [s for s in spec.storefront_ids if s not in campaign.spec.storefront_ids])
    advertiser = await tx.advertisers.get(campaign.advertiser_id)
    buys = await tx.media_buys.of(campaign_id)
    moved = [followed(campaign, edited, buy) for buy in buys]
    amendment = await amending.planned(tx, work, edited, advertiser, moved, asked)
    amendment.require()
    if spec == campaign.spec and not amendment.plan.entries and not touched:
        return Applied(campaign, warnings=amendment.plan.warnings, amendment=amendment)
    projected = amendment.plan.projected(moved)
    _check_buys(campaign, spec, projected)
    terms = fee_terms(advertiser, work.policy)
    edits.require_room(campaign.spec.budget.total, spec.budget.total, terms, buys, projected)
    first = edits.first(spec.budget.total, terms, moved, amendment.plan.entries)
    if first is not None:
        # Sellers have to take the smaller amounts before anybody is promised what they leave.
        written = await amending.write(tx, work, edited, amendment.only(first))
        rest = tuple(each for each in asked if each.media_buy_id not in first)
        return Applied(campaign, written, later=rest, amendment=amendment)
    saved, said = await _save(tx, work, campaign, edited)
    recapped = spec.frequency_caps != campaign.spec.frequency_caps
    if recapped:
        await _keep_caps(tx, work, saved)
    told = {entry.before.id for entry in amendment.plan.entries}
    for old, new in zip(buys, moved, strict=True):
        if new != old and new.id not in told:
            await tx.media_buys.save(new, work.now())
    written = await amending.write(tx, work, saved, amendment)
    await _drafts_fit(tx, work, saved, advertiser, projected)
    await _rebind(tx, work, campaign, saved, advertiser)
    advice = await advisories.caps(tx, saved) if recapped else ()
    return Applied(saved, written, (*amendment.plan.warnings, *said, *advice), amendment=amendment)


async def _save(tx: Tx, work: Work, campaign: Campaign, edited: Campaign) -> tuple[Campaign, tuple[str, ...]]:
    """The campaign's own row and its log entry. The saved campaign, and what there is to warn of."""
    saved = await tx.campaigns.save(campaign, edited, work.now())
    before, after = changes(facts(campaign.spec), facts(edited.spec))
    if after:
        await tx.record(
            "campaign.edited",
            f"{edited.spec.name}: {', '.join(after)} changed",
            parts.campaign_subject(campaign),
            before=before,
            after=after,
        )
    return saved, warnings(edited.spec.budget) if after else ()


async def _rebind(tx: Tx, work: Work, before: Campaign, saved: Campaign, advertiser: Advertiser) -> None:
    """What another discovery session has selected takes the place of what the last one had staged."""
    had, has = before.spec.discovery_id, saved.spec.discovery_id
    if has is None or has == had:
        return
    if had is not None:
        await staging.discard(tx, work, before)
    await staging.bind(tx, work, saved, has)
    await staging.reconcile(tx, work, saved, advertiser)


async def _rest(work: Work, campaign_id: CampaignId, edit: Edit, asked: Sequence[Asked]) -> list[str]:
    """The part of a request for which sellers had to make room. Where they did not, the total and the buys that would
    have grown stay as they are, and that is said."""
    try:
        async with work.writing() as tx:
            done = await apply(tx, work, campaign_id, edit, asked, touched=True)
    except InsufficientMediaBudget as short:
        async with work.writing() as tx:
            kept = await apply(tx, work, campaign_id, lambda c: _same_total(c, edit(c)), touched=True)
            lowered = edit(kept.campaign).budget.total != kept.campaign.spec.budget.total
        told = ["budget.total", *(f"Media buy {each.media_buy_id}" for each in asked)]
        return [f"{each} was left as it is: {short.message}" for each in told[0 if lowered else 1 :]]
    except BuysideError as error:
        return [f"Only what gives way was asked of the sellers, the rest was left as it is: {error.message}"]
    return [*done.warnings, *await amending.carry_out(work, done.written)]


async def _keep_caps(tx: Tx, work: Work, campaign: Campaign) -> None:
    await tx.frequency_caps.replace(Level.CAMPAIGN, campaign.id, campaign.spec.frequency_caps, work.now())


def _same_total(campaign: Campaign, spec: CampaignSpec) -> CampaignSpec:
    return replace(spec, budget=replace(spec.budget, total=campaign.spec.budget.total))


def _require_revision(campaign: Campaign, expected: int | None) -> None:
    if expected is not None and expected != campaign.revision:
        raise Conflict(
            f"The campaign is at revision {campaign.revision}, not {expected}; read it again.",
            field="expectedRevision",
            details={"revision": campaign.revision},
        )


def _check_buys(campaign: Campaign, spec: CampaignSpec, buys: Sequence[MediaBuy]) -> None:
    """Raises: Invalid when a placed buy would run outside the new flight; Conflict when one is being placed in the
    periods that are to change."""
    for buy in buys:
        if spec.pacing_periods != campaign.spec.pacing_periods:
            buy.require_settled()
        if buy.status in media_buys.LIVE and not spec.flight.holds(buy.start, buy.end):
            raise Invalid(f"Media buy {buy.id} runs outside the new flight.", field="flightDates")


def followed(before: Campaign, after: Campaign, buy: MediaBuy) -> MediaBuy:
    """DRAFT buys keep having what they had from their campaign: its dates, its goals."""
    return follow(buy, before.spec, after.spec) if buy.status is media_buys.Status.DRAFT else buy


async def _drafts_fit(tx: Tx, work: Work, campaign: Campaign, advertiser: Advertiser, buys: Sequence[MediaBuy]) -> None:
    """DRAFT buys that need more than the pacing periods hold are staged anew. Raises: Invalid where that is no help."""
    most = ceiling(campaign.spec.pacing_periods)
    if most is None or planned(buys, most.currency) <= most:
        return
    if campaign.spec.discovery_id is not None:
        await staging.discard(tx, work, campaign)
        await staging.reconcile(tx, work, campaign, advertiser)
    require_fits(campaign.spec.pacing_periods, await tx.media_buys.of(campaign.id))


_HOLDING = frozenset({media_buys.Status.ACTIVE, media_buys.Status.PENDING_APPROVAL, media_buys.Status.INPUT_REQUIRED})


async def delete(work: Work, campaign_id: CampaignId) -> None:
    """Archive the campaign and its DRAFT buys; archived already: nothing.

    Raises: NotFound; Conflict while a buy runs or waits (ruling 0.18).
    """
    work.require(Right.CAMPAIGNS)
    async with work.reading() as tx:
        drafts = await tx.media_buys.of((await tx.campaigns.get(campaign_id)).id)
    doubts = await latecomers.look(work, drafts)
    if doubts:
        raise Conflict(next(iter(doubts.values())), details={"mediaBuyIds": list(doubts)})
    async with work.writing() as tx:
        campaign = await tx.campaigns.lock(campaign_id)
        if campaign.status is Status.ARCHIVED:
            return
        buys = await tx.media_buys.of(campaign_id)
        held = [b.id for b in buys if b.status in _HOLDING]
        if held:
            raise Conflict(
                f"Media buys {', '.join(held[:5])} still run or wait; cancel them first.",
                details={"mediaBuyIds": held},
            )
        saved = await tx.campaigns.save(campaign, campaign.then(Action.DELETE), work.now())
        await tx.record(
            "campaign.deleted",
            f"{campaign.spec.name}: archived",
            parts.campaign_subject(campaign),
            before={"status": campaign.status.value},
            after={"status": saved.status.value},
        )
        await staging.discard(tx, work, campaign)
