"""After the answer to an edit or a cancellation, and while its seller takes its time to decide."""

from __future__ import annotations

from dataclasses import replace

from buyside.domain import media_buys, settling
from buyside.domain.answers import Answer, Outcome
from buyside.domain.campaigns import Campaign
from buyside.domain.errors import Rejected
from buyside.domain.media_buys import MediaBuy
from buyside.domain.operations import Operation, State
from buyside.services.media_buys import parts, planning, resolving
from buyside.services.media_buys import settling as settle_rows
from buyside.services.media_buys.parts import Parts
from buyside.services.media_buys.settling import Settled
from buyside.services.work import Tx, Work


def is_edit(held: Operation) -> bool:
    return held.purpose.partition(" ")[0] in {planning.EDIT, planning.CANCEL}


async def settle(work: Work, held: Operation, answer: Answer) -> Settled:
    """Write down what became of an edit that this process sent. Any answer but UNKNOWN."""
    refused = answer.outcome is Outcome.REJECTED
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, settle_rows.buy_id(held))
        over = settle_rows.over(held, State.REFUSED if refused else State.DONE, answer.message)
        if not await tx.operations.conclude(held, over):
            return Settled(buy)
        change = buy.change
        if change is None or change.operation_id != held.id:
            return Settled(buy)
        if refused and _may_try_again(held, answer):
            return Settled(buy, answer.message, read=True)
        if refused:
            why = answer.message or "The seller refused."
            after = await resolving.dropped(tx, campaign, buy, change, why, "media_buy.edit_refused")
        elif answer.outcome is Outcome.ACCEPTED:
            after = await resolving.accepted(tx, campaign, buy, change)
            observed = work.sellers.observed(answer.data)
            if observed is not None and observed.seller_buy_id == buy.seller_buy_id:
                after = settling.seen(after, observed, work.now())
        else:
            after = replace(buy, change=replace(change, task_id=answer.task_id or "", is_unknown=False))
        saved = await _save(tx, work, campaign, buy, after)
    # What it says is one thing, what it shows another: the reading is held against what is now asked for.
    read = saved.status in media_buys.LIVE and answer.outcome is not Outcome.PENDING
    return Settled(saved, (answer.message or "The seller refused.") if refused else None, read=read)


def _may_try_again(held: Operation, answer: Answer) -> bool:
    """Somebody else was first: the same change goes out once more, with the revision that is read next."""
    stale = answer.error is not None and answer.error.code == "CONFLICT"
    return stale and not held.purpose.endswith(planning.AGAIN)


async def poll(work: Work, have: Parts) -> None:
    """Ask the seller's task how a change stands, where there is one. Raises: PlatformError."""
    change = have.buy.change
    if change is None or not change.task_id:
        return
    lost, answer = False, Answer(Outcome.PENDING)
    try:
        answer = await work.sellers.task(have.seller, change.task_id, have.account, timeout=work.policy.read_timeout)
    except Rejected:
        lost = True  # the seller has lost the task; what it shows decides
    undecided = answer.outcome in {Outcome.PENDING, Outcome.UNKNOWN, Outcome.NEEDS_INPUT}
    if not lost and (undecided or (answer.outcome is Outcome.REJECTED and not answer.reached)):
        return
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, have.buy.id)
        change = buy.change
        if change is None or have.buy.change is None or change.task_id != have.buy.change.task_id:
            return
        if lost:
            after = replace(buy, change=replace(change, task_id=None))
        elif answer.outcome is Outcome.ACCEPTED:
            after = await resolving.accepted(tx, campaign, buy, change)
        else:
            why = answer.message or "The seller declined the change."
            await _refused_at_last(tx, buy, why)
            after = await resolving.dropped(tx, campaign, buy, change, why, "media_buy.edit_refused")
        await _save(tx, work, campaign, buy, after)


async def _refused_at_last(tx: Tx, buy: MediaBuy, why: str) -> None:
    if buy.change is not None and buy.change.operation_id is not None and not buy.change.withdrawn:
        asked = await tx.operations.get(buy.change.operation_id)
        await tx.operations.save(replace(asked, state=State.REFUSED, message=why))


async def _save(tx: Tx, work: Work, campaign: Campaign, before: MediaBuy, after: MediaBuy) -> MediaBuy:
    saved = await tx.media_buys.save(settle_rows.watched(work, campaign, before, after), work.now())
    if saved.status not in media_buys.LIVE:
        await settle_rows.campaign_after(tx, work, campaign)
    return saved
