"""Pause and reactivate a campaign with all that serves under it (interchange.md 3.7, ruling 0.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from buyside.domain import settling
from buyside.domain.accounts import Right
from buyside.domain.advertisers import Advertiser
from buyside.domain.campaigns import Action, Campaign, Status
from buyside.domain.errors import Conflict, NotFound, PlatformError
from buyside.domain.ids import CampaignId, MediaBuyId
from buyside.domain.media_buys import LIVE, MediaBuy, PausedBy
from buyside.domain.media_buys import Status as BuyStatus
from buyside.domain.operations import Operation
from buyside.domain.stops import Stop, refusal, under
from buyside.services import seller_accounts
from buyside.services.media_buys import changing, parts, planning
from buyside.services.work import Tx, Work


@dataclass(frozen=True)
class BuyResult:
    media_buy_id: MediaBuyId
    name: str
    before: BuyStatus
    error: str | None = None


@dataclass(frozen=True)
class Cascade:
    campaign: Campaign
    before: Status
    results: tuple[BuyResult, ...]

    @property
    def failures(self) -> int:
        return sum(r.error is not None for r in self.results)


@dataclass(frozen=True)
class Step:
    """A buy that the cascade touches. `told`: it counts in the answer; the others are held quietly."""

    buy: MediaBuy
    told: bool
    operation: Operation | None = None
    error: str | None = None


async def pause(work: Work, campaign_id: CampaignId) -> Cascade:
    """PAUSED at once; each ACTIVE buy is paused at its seller, and one that still waits is asked not to start.

    Raises: NotFound; Invalid unless ACTIVE.
    """
    return await _cascade(work, campaign_id, Action.PAUSE)


async def reactivate(work: Work, campaign_id: CampaignId) -> Cascade:
    """ACTIVE at once; buys that the pause held are resumed, those that a person paused or a stop covers are not.

    Raises: NotFound; Invalid unless PAUSED; Conflict while a stop stands over all of it.
    """
    return await _cascade(work, campaign_id, Action.REACTIVATE)


async def _cascade(work: Work, campaign_id: CampaignId, action: Action) -> Cascade:
    work.require(Right.CAMPAIGNS)
    async with work.writing() as tx:
        campaign, after, steps = await prepare(tx, work, campaign_id, action)
    return Cascade(after, campaign.status, await _carry_out(work, steps))


async def prepare(tx: Tx, work: Work, campaign_id: CampaignId, action: Action) -> tuple[Campaign, Campaign, list[Step]]:
    """The campaign before and after, and what is to be asked of the sellers: all rows, nothing sent."""
    campaign = await tx.campaigns.lock(campaign_id)
    changed, standing = campaign.then(action), await tx.stops.standing(campaign.advertiser_id)
    if action is Action.REACTIVATE:
        _require_no_stop(campaign, standing)
    after = await tx.campaigns.save(campaign, changed, work.now())
    advertiser = await tx.advertisers.get(campaign.advertiser_id)
    buys = [under(buy, standing) for buy in await tx.media_buys.of(campaign_id)]
    steps = [await _step(tx, work, advertiser, *chosen) for chosen in _chosen(buys, action)]
    await tx.record(
        "campaign.paused" if action is Action.PAUSE else "campaign.reactivated",
        f"{campaign.spec.name}: {after.status.value}",
        parts.campaign_subject(campaign),
        before={"status": campaign.status.value},
        after={"status": after.status.value, "mediaBuys": [s.buy.id for s in steps if s.told]},
    )
    return campaign, after, steps


def _require_no_stop(campaign: Campaign, standing: Sequence[Stop]) -> None:
    for stop in standing:
        if stop.scope.storefront_id is None:
            raise refusal(stop, f"campaign {campaign.id}")


def touched(buys: Sequence[MediaBuy], action: Action) -> list[MediaBuy]:
    """The buys at whose sellers the action would ask for something."""
    return [buy for buy, _, _ in _chosen(buys, action) if buy.seller_buy_id is not None]


def _chosen(buys: Sequence[MediaBuy], action: Action) -> list[tuple[MediaBuy, Action, bool]]:
    """Which buys, and whether each counts in the answer."""
    placed = [b for b in buys if b.status in LIVE and not b.unsettled]
    if action is Action.PAUSE:
        return [(b, action, b.status is BuyStatus.ACTIVE) for b in placed if b.status is not BuyStatus.PAUSED]
    return [(b, action, b.status is BuyStatus.PAUSED) for b in placed if b.paused_by is PausedBy.CAMPAIGN]


async def _step(tx: Tx, work: Work, advertiser: Advertiser, buy: MediaBuy, action: Action, told: bool) -> Step:
    if buy.stops and action is Action.REACTIVATE:
        # From now on only the stop holds it: it goes on when that is undone.
        held = await tx.media_buys.save(replace(buy, paused_by=PausedBy.STOP), work.now())
        return Step(held, told, error=refusal(buy.stops[0], f"media buy {buy.id}").message)
    if buy.seller_buy_id is None:
        # Nothing can be asked of the seller yet; the watch holds it the moment that it is seen to run.
        by = buy.paused_by if buy.paused_by in settling.HELD else PausedBy.CAMPAIGN
        marked = replace(buy, paused_by=by if action is Action.PAUSE else None)
        return Step(await tx.media_buys.save(replace(marked, check_at=work.now()), work.now()), told=False)
    try:
        seller = await tx.storefronts.seller(buy.agent_id)
        account = await seller_accounts.numbered(tx, seller, seller_accounts.natural(seller, advertiser, work.policy))
        purpose = "pause campaign" if action is Action.PAUSE else "resume"
        planned = await planning.pause(tx, work, buy, seller, account, paused=action is Action.PAUSE, purpose=purpose)
    except (Conflict, NotFound, PlatformError) as cannot:
        return Step(buy, told, error=cannot.message)
    return Step(buy, told, planned)


async def _carry_out(work: Work, steps: Sequence[Step]) -> tuple[BuyResult, ...]:
    """All at once, within the time that an execute has; what is not done by then goes on and is named."""
    tasks = {
        step.buy.id: work.runtime.background.start(changing.carried_out(work, step.operation))
        for step in steps
        if step.operation is not None
    }
    if tasks:
        await asyncio.wait(tasks.values(), timeout=work.policy.execute_deadline)
    results = []
    for step in (s for s in steps if s.told):
        error, task = step.error, tasks.get(step.buy.id)
        if task is not None:
            error = task.result() if task.done() else changing.STILL_UNDER_WAY
        results.append(BuyResult(step.buy.id, step.buy.name, step.buy.status, error))
    return tuple(results)
