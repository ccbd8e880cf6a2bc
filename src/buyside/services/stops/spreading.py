"""What stops mean for each buy in a scope, one campaign and one transaction at a time. Run twice it does nothing twice.

Making a stop and undoing one are the same walk: each buy is brought to what the stops that stand now ask of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from buyside.domain import jobs, settling
from buyside.domain.advertisers import Advertiser
from buyside.domain.campaigns import Campaign
from buyside.domain.campaigns import Status as CampaignStatus
from buyside.domain.errors import BuysideError, PlatformError
from buyside.domain.ids import CampaignId
from buyside.domain.media_buys import LIVE, ErrorCode, ErrorOwner, MediaBuy, PausedBy, Status, Trouble
from buyside.domain.operations import Operation
from buyside.domain.stops import Scope, Stop, under
from buyside.services import seller_accounts
from buyside.services.media_buys import planning
from buyside.services.work import Tx, Work

_PAGE = 200

Standing = Callable[[Sequence[Stop], Campaign], Sequence[Stop]]
"""For previews: the stops that would stand, of those that do."""


@dataclass(frozen=True)
class Step:
    """A buy that the walk changed, what was planned at its seller, and why nothing could be."""

    before: MediaBuy
    after: MediaBuy
    operation: Operation | None = None
    error: BuysideError | None = None


async def campaigns_in(work: Work, scope: Scope) -> AsyncIterator[CampaignId]:
    """In the order of their ids, read in parts: the walk never holds up the store for long."""
    last: CampaignId | None = None
    while True:
        async with work.reading() as tx:
            found = await tx.media_buys.campaigns_in(scope, after=last, limit=_PAGE)
        for campaign_id in found:
            yield campaign_id
        if len(found) < _PAGE:
            return
        last = found[-1]


async def bring(
    tx: Tx, work: Work, campaign_id: CampaignId, scope: Scope, standing: Standing | None = None
) -> list[Step]:
    """Bring the campaign's buys in the scope to what the stops ask, calls to sellers planned. It is locked here."""
    campaign = await tx.campaigns.lock(campaign_id)
    advertiser = await tx.advertisers.get(campaign.advertiser_id)
    stops: Sequence[Stop] = await tx.stops.standing(campaign.advertiser_id)
    if standing is not None:
        stops = standing(stops, campaign)
    steps = []
    for before in await tx.media_buys.of(campaign_id, archived=False):
        if before.status in LIVE and scope.covers(before):
            step = await _step(tx, work, campaign, advertiser, before, under(before, stops))
            steps += [step] if step is not None else []
    return steps


async def _step(
    tx: Tx, work: Work, campaign: Campaign, advertiser: Advertiser, before: MediaBuy, marked: MediaBuy
) -> Step | None:
    paused = _wanted(before, marked, campaign)
    if paused is None:
        if marked is before:
            return None
        # One that waits is looked at now: it may have begun to run, and the watch holds it the moment that it does.
        check_at = marked.check_at if marked.unsettled or marked.status is Status.PAUSED else work.now()
        return Step(before, await tx.media_buys.save(replace(marked, check_at=check_at), work.now()))
    planned, error = None, None
    try:
        seller = await tx.storefronts.seller(marked.agent_id)
        natural = seller_accounts.natural(seller, advertiser, work.policy)
        account = await seller_accounts.numbered(tx, seller, natural)
        purpose = "pause stop" if paused else "resume"
        planned = await planning.pause(tx, work, marked, seller, account, paused=paused, purpose=purpose)
        if not work.dry:
            await tx.later(jobs.take_up(work.caller.account, planned.id, work.now()))
    except BuysideError as cannot:
        error = cannot
        if isinstance(cannot, PlatformError):
            trouble = Trouble(ErrorCode.PLATFORM_ERROR, ErrorOwner.SELLER, cannot.message)
            marked = replace(marked, trouble=trouble)
    return Step(before, await tx.media_buys.save(replace(marked, check_at=work.now()), work.now()), planned, error)


def _wanted(before: MediaBuy, marked: MediaBuy, campaign: Campaign) -> bool | None:
    """Whether its seller has to be asked to pause it (True) or to resume it (False); None: nothing to ask."""
    if marked.unsettled or marked.seller_buy_id is None:
        return None
    if marked.stops:
        return True if marked.status is not Status.PAUSED else None
    released = before.paused_by is PausedBy.STOP and marked.paused_by is PausedBy.CAMPAIGN
    if settling.wants_resume(marked, campaign.status) or (released and campaign.status is CampaignStatus.ACTIVE):
        return False
    return None
