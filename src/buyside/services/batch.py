"""From the answer to a product query to media buys, in one call that may be repeated (interchange.md 3.11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from buyside.domain import selections
from buyside.domain.accounts import Right
from buyside.domain.campaigns import LISTED, CampaignSpec, Status
from buyside.domain.discovery import Discovery, Selection
from buyside.domain.errors import Invalid, Issue, Path, undotted
from buyside.domain.ids import CampaignId, DiscoveryId, MediaBuyId
from buyside.domain.media_buys import MediaBuy
from buyside.domain.media_buys import Status as BuyStatus
from buyside.domain.money import Money
from buyside.domain.selections import Choice
from buyside.domain.staging import stale
from buyside.services import campaigns
from buyside.services.campaigns import CampaignView, Executed, NewCampaign, staging
from buyside.services.campaigns import reading as campaigns_reading
from buyside.services.discovery import binding, selecting, showing
from buyside.services.work import Tx, Work


@dataclass(frozen=True)
class Whole:
    """A seller's whole proposal, at a total."""

    proposal_id: str
    total: Decimal | None = None
    """Major units; None: what the seller recommends."""


@dataclass(frozen=True)
class Batch:
    query_id: DiscoveryId
    campaign: CampaignId | NewCampaign
    selections: tuple[Choice | Whole, ...]
    replacing: bool = False


@dataclass(frozen=True)
class Done:
    session: Discovery
    view: CampaignView
    created: bool
    proposals: int
    staged: int
    """DRAFT buys that the batch left ready to be sent."""
    changed: bool
    """A buy was made, changed or taken away."""
    executed: Executed | None
    warnings: tuple[str, ...]

    @property
    def is_no_op(self) -> bool:
        return not self.changed and not self.created and (self.executed is None or not self.executed.attempted)


async def stage(work: Work, batch: Batch) -> Done:
    """Select, and put what is selected on DRAFT buys. No seller is asked.

    Said again it changes nothing. Raises: NotFound; Invalid at each selection that cannot be bought;
    CurrencyMismatch; InsufficientMediaBudget.
    """
    work.require(Right.DISCOVERY)
    work.require(Right.CAMPAIGNS)
    async with work.reading() as tx:
        offered = await tx.discoveries.get(batch.query_id)
        search = await showing.search(tx, offered)
    chosen = _chosen(work, offered, batch.selections, search.currency)
    known = await _known(work, offered, batch)
    if isinstance(known, NewCampaign):
        return await _created(work, batch, known, chosen)
    await _bound(work, offered, known)
    return await _added(work, batch, known, chosen)


async def _created(work: Work, batch: Batch, new: NewCampaign, chosen: Sequence[Selection]) -> Done:
    async with work.writing() as tx:
        session = await tx.discoveries.lock(batch.query_id, offers=False)
        selected = selections.merged(session.selections, chosen, replacing=batch.replacing)
        session = await selecting.write(tx, session, selected, selecting.ADDED)
    view = await campaigns.create(work, new)
    async with work.reading() as tx:
        return await _done(tx, batch, session, view, created=True, changed=True)


async def _added(work: Work, batch: Batch, campaign_id: CampaignId, chosen: Sequence[Selection]) -> Done:
    """In one transaction, so that no retry finds half of it."""
    async with work.writing() as tx:
        campaign = await tx.campaigns.lock(campaign_id)
        if campaign.status not in LISTED:
            raise Invalid(
                f"The campaign is {campaign.status.value} and takes no media buys.", field="campaign.campaignId"
            )
        session = await tx.discoveries.lock(batch.query_id, offers=False)
        before, buys = session.selections, await tx.media_buys.of(campaign_id)
        selected = selections.merged(before, chosen, replacing=batch.replacing)
        action = selecting.REPLACED if batch.replacing else selecting.ADDED
        session = await selecting.write(tx, session, selected, action)
        if _must_rebuild(buys, before, selected, replacing=batch.replacing):
            await staging.discard(tx, work, campaign)
        await staging.reconcile(tx, work, campaign, await tx.advertisers.get(campaign.advertiser_id))
        view = await campaigns_reading.view(tx, work.policy, campaign)
        changed = _versions(await tx.media_buys.of(campaign_id)) != _versions(buys)
        return await _done(tx, batch, session, view, created=False, changed=changed)


async def _done(tx: Tx, batch: Batch, session: Discovery, view: CampaignView, *, created: bool, changed: bool) -> Done:
    budget = (await selecting.standing(tx, session)).budget
    return Done(
        session,
        view,
        created,
        sum(isinstance(each, Whole) for each in batch.selections),
        sum(buy.status is BuyStatus.DRAFT for buy in view.buys),
        changed,
        None,
        (*view.warnings, *((budget.warning,) if budget and budget.warning else ())),
    )


async def execute(work: Work, batch: Batch, *, debug: bool = False) -> Done:
    """Stage, then send what is DRAFT. Said again it sends only what is DRAFT still.

    Raises: what staging raises, and what executing the campaign does.
    """
    staged = await stage(work, batch)
    executed = await campaigns.execute(work, staged.view.campaign.id, debug=debug)
    view = await campaigns.get(work, staged.view.campaign.id)
    return replace(staged, view=view, executed=executed)


def _chosen(work: Work, session: Discovery, picks: Sequence[Choice | Whole], currency: str) -> list[Selection]:
    """In the order of the request. Raises: Invalid with every finding, each at its place."""
    issues: list[Issue] = []
    made: dict[int, list[Selection]] = {}
    singles = [(index, each) for index, each in enumerate(picks) if isinstance(each, Choice)]
    try:
        places: list[Path] = [("selections", index) for index, _ in singles]
        found = selections.chosen(session, [each for _, each in singles], currency, work.now(), places)
        made |= {index: [one] for (index, _), one in zip(singles, found, strict=True)}
    except Invalid as refused:
        if type(refused) is not Invalid:
            raise
        issues += refused.issues
    for index, each in enumerate(picks):
        if isinstance(each, Whole):
            try:
                made[index] = _laid_out(work, session, each, currency)
            except Invalid as refused:
                issues.append(Issue(("selections", index, *undotted(refused.field or "")), refused.message))
    if issues:
        raise Invalid.of(sorted(issues, key=lambda each: int(each.path[1])))
    return [one for index in sorted(made) for one in made[index]]


def _laid_out(work: Work, session: Discovery, whole: Whole, currency: str) -> list[Selection]:
    agent, proposal = selecting.one_proposal(session, whole.proposal_id)
    given = None if whole.total is None else Money.of(whole.total, currency, field="totalBudget")
    total = given or selections.recommended(proposal, currency)
    return list(selections.allotted(agent, proposal, total, work.now()).selections)


async def _known(work: Work, session: Discovery, batch: Batch) -> CampaignId | NewCampaign:
    """The campaign that is there; for one to be created, the one that an earlier try of this batch has made."""
    if not isinstance(batch.campaign, NewCampaign):
        return batch.campaign
    new = batch.campaign
    if new.advertiser_id != session.advertiser_id:
        raise Invalid("The product query was made for another advertiser.", field="campaign.create.advertiserId")
    if session.campaign_id is None:
        return replace(new, spec_in=lambda currency: replace(new.spec_in(currency), discovery_id=session.id))
    made = await campaigns.get(work, session.campaign_id)
    if _same(new.spec_in(made.campaign.currency), made.campaign.spec) and made.campaign.status is not Status.ARCHIVED:
        return made.campaign.id
    raise Invalid(
        f"What this product query found is bought by campaign {made.campaign.id} already; name it, or query anew.",
        field="campaign.create",
    )


def _same(wanted: CampaignSpec, made: CampaignSpec) -> bool:
    return (wanted.name, wanted.flight, wanted.budget, wanted.brief) == (
        made.name,
        made.flight,
        made.budget,
        made.brief,
    )


async def _bound(work: Work, session: Discovery, campaign_id: CampaignId) -> None:
    try:
        await binding.require(work, session, campaign_id)
    except Invalid as refused:
        raise Invalid(refused.message, field="campaign.campaignId") from None


def _must_rebuild(
    buys: Sequence[MediaBuy], before: Sequence[Selection], after: Sequence[Selection], *, replacing: bool
) -> bool:
    """Whether DRAFT buys stand for a selection that is not this one. An unchanged batch leaves them as they are."""
    drafts = [buy for buy in buys if buy.status is BuyStatus.DRAFT]
    if replacing and stale(drafts, after):
        return True
    held = {(buy.agent_id, each.product_id, each.selection_id) for buy in drafts for each in buy.packages}
    was = {each.key: each for each in before}
    return any(each.key in held and was.get(each.key) != each for each in after)


def _versions(buys: Sequence[MediaBuy]) -> Mapping[MediaBuyId, int]:
    return {buy.id: buy.version for buy in buys}
