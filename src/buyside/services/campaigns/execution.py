"""Execute: every DRAFT media buy of a campaign goes to its seller, once (interchange.md 3.6, rulings 0.2-0.6)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from buyside.domain import budgets
from buyside.domain.accounts import Right
from buyside.domain.advertisers import Advertiser
from buyside.domain.answers import Exchange
from buyside.domain.campaigns import Action, Campaign, Status
from buyside.domain.errors import BuysideError, Conflict, Forbidden, Invalid, NotFound, PlatformError
from buyside.domain.ids import AgentId, CampaignId, MediaBuyId
from buyside.domain.media_buys import ErrorCode, ErrorOwner, MediaBuy, Trouble
from buyside.domain.media_buys import Status as BuyStatus
from buyside.domain.operations import Operation
from buyside.domain.staging import stale
from buyside.domain.stops import refusal
from buyside.domain.storefronts import Seller
from buyside.services import profiles, seller_accounts
from buyside.services.campaigns.reading import fee_terms
from buyside.services.campaigns.staging import reconcile
from buyside.services.media_buys import latecomers, parts, placing, planning
from buyside.services.media_buys.parts import Parts
from buyside.services.media_buys.placing import Result
from buyside.services.media_buys.settling import DroppedCreative
from buyside.services.work import Tx, Work

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """One line of errors[]. `exchange` only where it was asked for."""

    media_buy_id: MediaBuyId
    agent_id: AgentId
    message: str
    exchange: Exchange | None = None


@dataclass(frozen=True)
class Executed:
    campaign_id: CampaignId
    before: Status
    after: Status
    attempted: int
    failures: tuple[Failure, ...] = ()
    dropped: tuple[tuple[MediaBuyId, tuple[DroppedCreative, ...]], ...] = ()
    stale: tuple[MediaBuyId, ...] = ()

    @property
    def success(self) -> bool:
        return not self.failures


@dataclass(frozen=True)
class Batch:
    """What one transaction committed, before anything left."""

    before: Campaign
    after: Campaign
    planned: tuple[tuple[Operation, Parts], ...] = ()
    failures: tuple[Failure, ...] = ()
    stale: tuple[MediaBuyId, ...] = ()


async def execute(work: Work, campaign_id: CampaignId, *, debug: bool = False) -> Executed:
    """Place what is DRAFT and answer within `policy.execute_deadline`; what is under way then settles by itself.

    Raises: NotFound; Invalid when the status or an empty selection forbids it; InsufficientMediaBudget; Forbidden
    over a spending limit; Conflict when all there is left to place is being placed already, or under a stop.
    """
    work.require(Right.CAMPAIGNS)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + work.policy.execute_deadline
    held_back = await _meet_sellers(work, campaign_id)
    async with work.writing() as tx:
        batch = await prepare(tx, work, campaign_id, held_back)
    tasks = [work.runtime.background.start(_one(work, *each, debug=debug)) for each in batch.planned]
    if tasks:
        await asyncio.wait(tasks, timeout=max(0.0, deadline - loop.time()))
    done = [task.result() for task in tasks if task.done()]
    return _report(batch, [result for result in done if result is not None], debug=debug)


async def _meet_sellers(work: Work, campaign_id: CampaignId) -> Mapping[MediaBuyId, str]:
    """Sellers that were never reached are asked what they are before anything is shaped for them, and those that once
    let a call go unanswered whether they booked it after all. The buys that must not be sent now, with the reason."""
    async with work.reading() as tx:
        campaign = await tx.campaigns.get(campaign_id)
        drafts = [b for b in await tx.media_buys.of(campaign_id) if b.status is BuyStatus.DRAFT]
        agents = {b.agent_id for b in drafts}
        if campaign.spec.discovery_id is not None and campaign.status in {Status.DRAFT, Status.ACTIVE, Status.PAUSED}:
            session = await tx.discoveries.get(campaign.spec.discovery_id, offers=False)
            agents |= {s.agent_id for s in session.selections}
        sellers = await tx.storefronts.agents(agents)
    meeting = work.runtime.background.start(profiles.meet(work, list(sellers.values())))
    held_back = await latecomers.look(work, drafts)
    # A seller that does not say what it is in time is named in the answer; the others do not wait for it.
    await asyncio.wait([meeting], timeout=work.policy.execute_deadline / 3)
    return held_back


async def prepare(tx: Tx, work: Work, campaign_id: CampaignId, held_back: Mapping[MediaBuyId, str]) -> Batch:
    """What is to be sent: all rows, nothing sent."""
    campaign = await tx.campaigns.lock(campaign_id)
    campaign.require(Action.EXECUTE)
    advertiser = await tx.advertisers.get(campaign.advertiser_id)
    advertiser.require_active()
    await _require_no_stop(tx, campaign)
    if campaign.spec.flight.is_over(work.now()):
        raise Invalid("The flight is over.", field="flightDates.endDate")
    buys = await reconcile(tx, work, campaign, advertiser)
    drafts = [b for b in buys if b.status is BuyStatus.DRAFT]
    if not drafts:
        _require_something(buys)
        return Batch(campaign, campaign)
    held_back = {**held_back, **await _stopped(tx, campaign, drafts)}
    budgets.require_room(campaign.spec.budget.total, fee_terms(advertiser, work.policy), buys)
    await _check_limits(tx, work, drafts)
    outdated = await _stale(tx, campaign, drafts)
    ready = [b for b in drafts if b.id not in held_back]
    planned, failures = await _plan(tx, work, campaign, advertiser, ready)
    failures += [Failure(b.id, b.agent_id, held_back[b.id]) for b in drafts if b.id in held_back]
    after = campaign.then(Action.EXECUTE)
    if after.status is not campaign.status:
        after = await tx.campaigns.save(campaign, after, work.now())
    await tx.record(
        "campaign.executed",
        f"{campaign.spec.name}: {len(drafts)} media buys sent",
        parts.campaign_subject(campaign),
        before={"status": campaign.status.value},
        after={"status": after.status.value, "mediaBuys": {b.id: str(b.budget) for b in drafts}},
    )
    return Batch(campaign, after, tuple(planned), tuple(failures), tuple(outdated))


async def _require_no_stop(tx: Tx, campaign: Campaign) -> None:
    """Raises: Conflict naming the stop that stands over all of the campaign."""
    for stop in await tx.stops.standing(campaign.advertiser_id):
        if stop.scope.storefront_id is None:
            raise refusal(stop, f"campaign {campaign.id}")


async def _stopped(tx: Tx, campaign: Campaign, drafts: Sequence[MediaBuy]) -> dict[MediaBuyId, str]:
    """The buys whose seller is stopped, each with the reason. Raises: Conflict when that is all of them."""
    found: dict[MediaBuyId, str] = {}
    for stop in await tx.stops.standing(campaign.advertiser_id):
        said = {buy.id: refusal(stop, f"media buy {buy.id}") for buy in drafts if stop.scope.covers(buy)}
        if len(said) == len(drafts):
            raise refusal(stop, f"what campaign {campaign.id} has left to place")
        found |= {buy_id: error.message for buy_id, error in said.items()}
    return found


def _require_something(buys: Sequence[MediaBuy]) -> None:
    if any(b.unsettled for b in buys):
        names = [b.id for b in buys if b.unsettled]
        raise Conflict(
            f"Media buys {', '.join(names[:5])} are being placed; they settle by themselves, try again shortly.",
            details={"mediaBuyIds": names},
        )
    if all(b.status is BuyStatus.ARCHIVED for b in buys):
        raise Invalid("The campaign has no selected products.", field="products")


async def _check_limits(tx: Tx, work: Work, drafts: Sequence[MediaBuy]) -> None:
    """Raises: Forbidden naming the first limit that these buys would break (ruling 0.9)."""
    limits = await tx.accounts.limits()
    if not limits:
        return
    await tx.accounts.lock()
    for limit in limits:
        covered = [b for b in drafts if limit.covers(work.caller, b.agent_id)]
        if not covered:
            continue
        foreign = next((b for b in covered if b.currency != limit.currency), None)
        if foreign is not None and not any(
            other.currency == foreign.currency
            and other.scope is limit.scope
            and other.covers(work.caller, foreign.agent_id)
            for other in limits
        ):
            raise Forbidden(f"{limit.label} has limits, but none in {foreign.currency}: nothing is spent unlimited.")
        committed = await tx.accounts.committed_on(work.now().date(), limit, [b.id for b in covered])
        for buy in covered:
            if buy.currency == limit.currency:
                limit.check(buy.budget, committed)
                committed = committed + buy.budget


async def _stale(tx: Tx, campaign: Campaign, drafts: Sequence[MediaBuy]) -> list[MediaBuyId]:
    if campaign.spec.discovery_id is None:
        return []
    session = await tx.discoveries.get(campaign.spec.discovery_id, offers=False)
    return stale(drafts, session.selections)


async def _plan(
    tx: Tx, work: Work, campaign: Campaign, advertiser: Advertiser, drafts: Sequence[MediaBuy]
) -> tuple[list[tuple[Operation, Parts]], list[Failure]]:
    """An operation row for each buy; a buy that cannot be sent stays DRAFT and is named."""
    planned: list[tuple[Operation, Parts]] = []
    failures: list[Failure] = []
    sellers = await tx.storefronts.agents({buy.agent_id for buy in drafts})
    for buy in drafts:
        try:
            seller = sellers.get(buy.agent_id)
            if seller is None:
                raise NotFound(f"There is no sales agent {buy.agent_id}.")
            planned.append(await _plan_one(tx, work, campaign, advertiser, buy, seller))
        except (NotFound, PlatformError, Forbidden, Invalid) as error:
            failures.append(Failure(buy.id, buy.agent_id, error.message))
            owner = ErrorOwner.SELLER if isinstance(error, PlatformError) else ErrorOwner.BUYER_INPUT
            code = ErrorCode.SOURCE_UNAVAILABLE if isinstance(error, PlatformError) else ErrorCode.INVALID_REQUEST
            await tx.media_buys.save(replace(buy, trouble=Trouble(code, owner, error.message)), work.now())
    return planned, failures


async def _plan_one(
    tx: Tx, work: Work, campaign: Campaign, advertiser: Advertiser, buy: MediaBuy, seller: Seller
) -> tuple[Operation, Parts]:
    account = seller_accounts.natural(seller, advertiser, work.policy)
    if seller.profile is None:
        raise PlatformError(f"{seller.name} cannot be reached: nothing was sent.")
    if seller.profile.requires_account_id:
        account = await seller_accounts.numbered(tx, seller, account)
    marked, planned = await planning.create(tx, work, campaign, buy, seller, account)
    return planned, Parts(marked, campaign, advertiser, seller, account)


async def _one(work: Work, operation: Operation, have: Parts, *, debug: bool) -> Result | None:
    """Never raises: what goes wrong here is left to the sweep."""
    try:
        return await placing.carry_out(work, operation, have, debug=debug)
    except BuysideError as error:
        log.warning("operation %s was left to the sweep: %s", operation.id, error.message)
    except Exception:
        log.exception("operation %s was left to the sweep", operation.id)
    return None


def _report(batch: Batch, results: Sequence[Result], *, debug: bool) -> Executed:
    failures = [
        Failure(r.buy.id, r.buy.agent_id, r.failed, r.exchange if debug else None)
        for r in results
        if r.failed is not None
    ]
    return Executed(
        batch.before.id,
        batch.before.status,
        batch.after.status,
        len(batch.planned) + len(batch.failures),
        (*batch.failures, *failures),
        tuple((r.buy.id, r.dropped) for r in results if r.dropped),
        batch.stale,
    )
