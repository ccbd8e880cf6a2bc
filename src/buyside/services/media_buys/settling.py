"""After an answer or a reading: the rows, the log entry and what must follow, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from buyside.domain import jobs, media_buys, notifications, proposals, settling
from buyside.domain.answers import Answer, Outcome
from buyside.domain.campaigns import Campaign
from buyside.domain.creatives import Creative, SellerReview, fits
from buyside.domain.decisions import EntryType, changes
from buyside.domain.errors import Conflict, PlatformError, Rejected
from buyside.domain.ids import MediaBuyId
from buyside.domain.media_buys import ErrorCode, ErrorOwner, MediaBuy, PausedBy, Status, Trouble
from buyside.domain.operations import LATE, Kind, Operation, State, backoff
from buyside.domain.orders import ObservedBuy
from buyside.services.media_buys import parts, planning, resolving
from buyside.services.media_buys.parts import Parts
from buyside.services.work import Tx, Work

_BY: dict[str, PausedBy | None] = {
    "pause campaign": PausedBy.CAMPAIGN,
    "pause person": PausedBy.PERSON,
    "pause guard": PausedBy.GUARD,
    "pause stop": PausedBy.STOP,
    "pause cap": PausedBy.CAP,
    "resume": None,
}


@dataclass(frozen=True)
class DroppedCreative:
    creative_id: str
    format_id: str | None
    reason: str


@dataclass(frozen=True)
class Settled:
    buy: MediaBuy
    failed: str | None = None
    read: bool = False
    planned: tuple[Operation, ...] = ()
    dropped: tuple[DroppedCreative, ...] = field(default=())
    tried: str | None = None
    """"pause" or "resume", where that was just asked of the seller: what is read next does not ask it again."""


async def settle(work: Work, held: Operation, have: Parts, answer: Answer) -> Settled:
    """Write down what became of an operation that this process holds."""
    if answer.outcome is Outcome.UNKNOWN:
        return await _unanswered(work, held, answer)
    match held.kind:
        case Kind.CREATE:
            return await _created(work, held, have, answer)
        case Kind.CREATIVES:
            return await _carried(work, held, have, answer)
    return await _changed(work, held, have, answer)


async def _unanswered(work: Work, held: Operation, answer: Answer) -> Settled:
    now, message = work.now(), answer.message or "The seller did not answer in time."
    wait = backoff(held.attempts - 1, work.policy.sweep_every / 2, work.policy.pending_poll_max)
    if answer.error is not None and answer.error.retry_after is not None:
        wait = max(wait, timedelta(seconds=answer.error.retry_after))
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, buy_id(held))
        open_still = replace(held, state=State.UNKNOWN, message=message, lease_until=None, next_at=now + wait)
        if not await tx.operations.conclude(held, open_still):
            return Settled(buy)
        if buy.change is not None and buy.change.operation_id == held.id:
            buy = await tx.media_buys.save(replace(buy, change=replace(buy.change, is_unknown=True)), now)
        if held.kind is Kind.CREATE and buy.operation_id == held.id:
            buy = await store(tx, work, campaign, buy, settling.unknown(buy, message, now), "media_buy.unanswered")
    return Settled(buy, message)


async def _created(work: Work, held: Operation, have: Parts, answer: Answer) -> Settled:
    now = work.now()
    observed = work.sellers.observed(answer.data) if answer.outcome is not Outcome.REJECTED else None
    if answer.outcome is Outcome.ACCEPTED and observed is None:
        unclear = replace(answer, outcome=Outcome.UNKNOWN, error=None, data={"message": "The answer names no buy."})
        return await _unanswered(work, held, unclear)
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, buy_id(held))
        if buy.operation_id != held.id:
            return Settled(buy)
        placed = settling.placed(_resting(buy, campaign), answer, observed, now)
        ended = over(held, State.REFUSED if placed.failed else State.DONE, answer.message)
        if not await tx.operations.conclude(held, ended):
            return Settled(buy)  # the lease ran out: whoever took it over decides, maybe after sending it again
        if placed.failed is not None:
            saved = await store(tx, work, campaign, buy, placed.buy, "media_buy.refused")
            return Settled(saved, placed.failed)
        await tx.campaigns.commit(campaign)
        after, planned = await _guard(tx, work, have, campaign, placed.buy, observed)
        saved = await store(tx, work, campaign, buy, after, "media_buy.placed")
        saved, more = await _follow_ups(tx, work, have, campaign, saved)
        creatives = [c for c in await tx.creatives.of(campaign.id) if saved.wants_creative(c.id)]
        missing = any(not _fits(each, saved) for each in creatives)
        every = await tx.media_buys.of(campaign.id, archived=False) if missing else []
        dropped = _unfit(creatives, saved, every, have)
    return Settled(saved, None, placed.read, (*planned, *more), dropped)


def _unfit(
    creatives: Sequence[Creative], buy: MediaBuy, every: Sequence[MediaBuy], have: Parts
) -> tuple[DroppedCreative, ...]:
    """The creatives that this buy goes without, and why. One that is meant for another buy is no loss to this one,
    unless it leaves this one with none."""
    if have.seller.profile is not None and not have.seller.profile.takes("sync_creatives"):
        return tuple(_drop(c, "The seller takes no creatives over AdCP.") for c in creatives if _fits(c, buy))
    bare = not any(_fits(creative, buy) for creative in creatives)
    missed = [c for c in creatives if not _fits(c, buy) and (bare or not any(_fits(c, other) for other in every))]
    return tuple(_drop(c, "No product of this buy takes its format.") for c in missed)


def _fits(creative: Creative, buy: MediaBuy) -> bool:
    return any(fits(creative.spec, package.format_ids) for package in buy.packages)


def _drop(creative: Creative, reason: str) -> DroppedCreative:
    form = creative.spec.format_id
    return DroppedCreative(creative.id, str(form["id"]) if form else None, reason)


async def observe(work: Work, have: Parts, *, tried: str | None = None) -> Settled | None:
    """Read the buy at its seller. None when nothing can be read of it yet. Raises: PlatformError."""
    buy = have.buy
    if buy.unsettled or (buy.status not in media_buys.LIVE and buy.doubted_until is None):
        return None
    if buy.seller_buy_id is None:
        return await _task(work, have)
    # After a create that nobody answered the whole list is read: a second one may have been booked late.
    ids = () if _may_be_doubled(work, buy) else (buy.seller_buy_id,)
    found = await work.sellers.media_buys(
        have.seller, have.account, seller_buy_ids=ids, timeout=work.policy.read_timeout
    )
    observed = next((each for each in found if each.seller_buy_id == buy.seller_buy_id), None)
    if observed is None:
        return None
    extra = [] if ids else [each for each in settling.own(found, buy) if each is not observed]
    return await adopt(work, have, observed, tried=tried, extra=extra)


def _may_be_doubled(work: Work, buy: MediaBuy) -> bool:
    return buy.absent_at is not None and work.now() < buy.absent_at + LATE


async def _task(work: Work, have: Parts) -> Settled | None:
    if have.buy.task_id is None:
        return await _by_context(work, have)
    try:
        answer = await work.sellers.task(have.seller, have.buy.task_id, have.account, timeout=work.policy.read_timeout)
    except Rejected:
        return await _by_context(work, have)  # the seller has lost the task; the buy may be there all the same
    if answer.outcome in {Outcome.PENDING, Outcome.UNKNOWN} or (
        answer.outcome is Outcome.REJECTED and not answer.reached
    ):
        return None
    observed = work.sellers.observed(answer.data)
    if answer.outcome is Outcome.NEEDS_INPUT:
        observed = ObservedBuy("", "input-required", message=answer.message)
    elif answer.outcome is Outcome.REJECTED:
        observed = ObservedBuy("", "rejected", message=answer.message)
    return await adopt(work, have, observed) if observed is not None else None


async def _by_context(work: Work, have: Parts) -> Settled | None:
    """A buy that its seller took without an id, or whose task is lost, is found by our own."""
    listed = await work.sellers.media_buys(have.seller, have.account, timeout=work.policy.read_timeout)
    mine = settling.own(listed, have.buy)
    return await adopt(work, have, mine[0], extra=mine[1:]) if mine else None


async def adopt(
    work: Work,
    have: Parts,
    observed: ObservedBuy,
    *,
    action: str = "media_buy.observed",
    tried: str | None = None,
    extra: Sequence[ObservedBuy] = (),
) -> Settled:
    """Take over what was read, guard the money, and see to it that nothing serves that must not."""
    now = work.now()
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, have.buy.id)
        if buy.unsettled:
            return Settled(buy)
        alive = settling.revived(settling.released(buy, now), observed)
        if alive.status is not buy.status:
            action = "media_buy.revived"
        seen = settling.seen(_resting(alive, campaign), observed, now)
        seen = settling.doubted(alive, seen, now, own_time=have.account.sandbox)
        seen = replace(seen, seller_buy_id=observed.seller_buy_id or buy.seller_buy_id, checks=buy.checks + 1)
        if tried == "pause" and seen.status is Status.ACTIVE:
            seen = replace(seen, trouble=buy.trouble)  # why it still runs
        seen = await resolving.read(tx, campaign, seen, observed)
        after, planned = await _guard(tx, work, have, campaign, seen, observed)
        saved = await store(tx, work, campaign, buy, settling.doubled(after, extra), action)
        saved, more = await _follow_ups(tx, work, have, campaign, saved, tried)
        more += await _assign(tx, work, have, saved, observed)
        if saved.status not in media_buys.LIVE:  # with one that lives the campaign is not over
            await campaign_after(tx, work, campaign)
    return Settled(saved, planned=(*planned, *more))


async def believe(work: Work, which: MediaBuyId) -> MediaBuy:
    """Nothing spoke for the buy while its end was doubted: it is over, and maybe its campaign with it."""
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, which)
        if buy.doubted_until is None or work.now() < buy.doubted_until:
            return buy
        saved = await tx.media_buys.save(replace(buy, doubted_until=None, check_at=work.now()), work.now())
        await campaign_after(tx, work, campaign)
    return saved


async def not_read(work: Work, which: MediaBuyId) -> MediaBuy:
    """Look again later."""
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, which)
        return await tx.media_buys.save(watched(work, campaign, buy, replace(buy, checks=buy.checks + 1)), work.now())


def _resting(buy: MediaBuy, campaign: Campaign) -> MediaBuy:
    """A buy that is placed while its campaign rests is held by the campaign."""
    if buy.paused_by is None and buy.status in media_buys.LIVE and settling.wants_pause(buy, campaign.status):
        return replace(buy, paused_by=PausedBy.CAMPAIGN)
    return buy


async def _guard(
    tx: Tx, work: Work, have: Parts, campaign: Campaign, buy: MediaBuy, observed: ObservedBuy | None
) -> tuple[MediaBuy, list[Operation]]:
    """Compare what was booked with what was asked; a difference pauses the buy and says so (adcp.md 5.7)."""
    if observed is None or buy.status not in media_buys.LIVE or buy.paused_by is PausedBy.GUARD:
        return buy, []
    findings = settling.mismatches(buy, observed)
    # While a change is under way the seller may show the buy as it was or as it is to be.
    if not findings or any(not settling.mismatches(each, observed) for each in proposals.proposed(buy)):
        return buy, []
    guarded = settling.guarded(buy, findings)
    await tx.record(
        "media_buy.guarded",
        guarded.trouble.message if guarded.trouble else "",
        parts.subject(campaign, buy),
        entry_type=EntryType.ANOMALY,
        metadata={"findings": findings},
    )
    if buy.seller_buy_id is None or buy.status is Status.PAUSED:
        return guarded, []
    return await _pause(tx, work, have, guarded, "pause guard")


async def _follow_ups(
    tx: Tx, work: Work, have: Parts, campaign: Campaign, buy: MediaBuy, tried: str | None = None
) -> tuple[MediaBuy, list[Operation]]:
    """What must be done at the seller now: stop what must not serve, resume what may, carry creatives.

    What was just `tried` in vain waits for the next look: asking at once would go on for ever.
    """
    if buy.seller_buy_id is None or buy.status not in media_buys.LIVE:
        return buy, []
    after, planned = buy, list[Operation]()
    if buy.status is Status.ACTIVE and settling.wants_pause(buy, campaign.status):
        if tried != "pause":
            after, planned = await _pause(tx, work, have, buy, _purpose(buy))
    elif settling.wants_resume(buy, campaign.status) and tried != "resume":
        after, planned = await _pause(tx, work, have, buy, "resume")
    if after is not buy:
        after = await tx.media_buys.save(after, work.now())
    return after, [*planned, *await _carry(tx, work, have, campaign, after)]


def _purpose(buy: MediaBuy) -> str:
    by = buy.paused_by or (PausedBy.STOP if buy.stops else PausedBy.CAMPAIGN)
    return f"pause {by.value}"


async def _carry(tx: Tx, work: Work, have: Parts, campaign: Campaign, buy: MediaBuy) -> list[Operation]:
    if await tx.operations.of_buy(buy.id, kind=Kind.CREATIVES, opened=True):
        return []
    try:
        carry = await planning.creatives(tx, work, campaign, buy, have.seller, have.account)
    except PlatformError:
        return []  # named among the dropped ones when the buy was placed
    return [carry] if carry else []


async def _assign(tx: Tx, work: Work, have: Parts, buy: MediaBuy, observed: ObservedBuy) -> list[Operation]:
    """Many sellers take creatives and overlook where they are to go: those are told once more, with the buy itself."""
    wanted = settling.unassigned(buy, observed)
    if not wanted or await tx.operations.of_buy(buy.id, opened=True):
        return []
    bodies = [o.prepared.body.decode() for o in await tx.operations.of_buy(buy.id) if o.purpose == planning.ASSIGN]
    untold = [(p, ids) for p, ids in wanted if not any(p in b and all(i in b for i in ids) for b in bodies)]
    try:
        return [await planning.assign(tx, work, buy, have.seller, have.account, untold)] if untold else []
    except PlatformError:
        return []  # it takes creatives only with sync_creatives, and has them


async def _pause(tx: Tx, work: Work, have: Parts, buy: MediaBuy, purpose: str) -> tuple[MediaBuy, list[Operation]]:
    """Plan it; the buy says so where its seller has no way to be asked."""
    paused = purpose != "resume"
    try:
        planned = await planning.pause(tx, work, buy, have.seller, have.account, paused=paused, purpose=purpose)
    except Conflict:
        return buy, []  # the change under way is settled first; the next reading sees what is left to do
    except PlatformError as cannot:
        message = f"It cannot be {'paused' if paused else 'resumed'} at the seller: {cannot.message}"
        return replace(buy, trouble=Trouble(ErrorCode.PLATFORM_ERROR, ErrorOwner.SELLER, message)), []
    await tx.later(jobs.take_up(work.caller.account, planned.id, work.now()))
    return buy, [planned]


async def _changed(work: Work, held: Operation, have: Parts, answer: Answer) -> Settled:
    now = work.now()
    refused = answer.outcome is Outcome.REJECTED
    observed = None if refused else work.sellers.observed(answer.data)
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, buy_id(held))
        if not await tx.operations.conclude(held, over(held, State.REFUSED if refused else State.DONE, answer.message)):
            return Settled(buy)
        after = _refused_change(buy, held, answer) if refused else _accepted_change(buy, held)
        if observed is not None and observed.seller_buy_id == buy.seller_buy_id:
            after = settling.seen(after, observed, now)
        action = "media_buy.change_refused" if refused else f"media_buy.{_past(held.purpose)}"
        saved = await store(tx, work, campaign, buy, after, action, always=True)
        if refused and held.purpose.startswith("pause"):
            await tx.notify(notifications.pause_refused(saved, answer.message), parts.subject(campaign, saved))
    failed = answer.message or "The seller refused." if refused else None
    unclear = refused or observed is None or observed.status is None or _contrary(held, saved, campaign)
    return Settled(saved, failed, read=unclear, tried=held.purpose.partition(" ")[0])


def _contrary(held: Operation, after: MediaBuy, campaign: Campaign) -> bool:
    """The seller said yes and yet names a status that nobody asked for. What it shows when it is read decides; after
    a pause nothing is read, or one that it never shows would be asked for again and again."""
    if held.purpose == planning.ASSIGN:
        return after.status is Status.ACTIVE and settling.wants_pause(after, campaign.status)
    if held.purpose != "resume":
        return settling.wants_resume(after, campaign.status)  # its stop was undone while it was being paused
    return after.status is Status.PAUSED or settling.wants_pause(after, campaign.status)


def _accepted_change(buy: MediaBuy, held: Operation) -> MediaBuy:
    if held.purpose not in _BY:
        return buy
    by = _BY[held.purpose]
    if by in {PausedBy.CAMPAIGN, PausedBy.STOP} and buy.paused_by in settling.HELD:
        return buy  # a person's hold, or the guard's, outlasts the campaign's and a stop's
    if by is PausedBy.STOP and not buy.stops:
        by = PausedBy.CAMPAIGN  # undone meanwhile: it goes on with its campaign
    return replace(buy, paused_by=by)


def _refused_change(buy: MediaBuy, held: Operation, answer: Answer) -> MediaBuy:
    if not held.purpose.startswith("pause"):
        return buy
    message = f"The seller did not pause it: {answer.message}"
    return replace(buy, trouble=Trouble(ErrorCode.SOURCE_REJECTED, ErrorOwner.SELLER, message))


def unmet(held: Operation, after: MediaBuy) -> str | None:
    """What a change was for and did not bring about, though the seller said yes."""
    if held.kind is not Kind.CHANGE:
        return None
    if held.purpose.startswith("pause") and after.status is Status.ACTIVE:
        return "The seller accepted the pause, but still reports the buy as active."
    if held.purpose == "resume" and after.status is Status.PAUSED:
        return "The seller accepted, but still reports the buy as paused."
    return None


async def _carried(work: Work, held: Operation, have: Parts, answer: Answer) -> Settled:
    now = work.now()
    verdicts = {v.creative_id: v for v in work.sellers.creative_verdicts(answer.data)}
    refused = answer.outcome is Outcome.REJECTED
    lasting = refused and answer.error is not None and answer.error.recovery.value != "transient"
    dropped: list[DroppedCreative] = []
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, buy_id(held))
        if not await tx.operations.conclude(held, over(held, State.REFUSED if refused else State.DONE, answer.message)):
            return Settled(buy)
        taken: set[str] = set()
        for creative, _ in planning.carriable(await tx.creatives.of(campaign.id), buy):
            verdict = verdicts.get(creative.id)
            good = not refused and (verdict is None or verdict.taken)
            if good:
                taken.add(creative.id)
            else:
                reason = (verdict.message if verdict else answer.message) or "The seller did not take it."
                dropped.append(_drop(creative, reason))
            if good or not refused or lasting:
                said = (verdict.status if verdict else None) or ("synced" if good else "failed")
                review = SellerReview(buy.agent_id, said, now, verdict.message if verdict else answer.message or None)
                await tx.creatives.save(replace(creative, reviews={**creative.reviews, buy.agent_id: review}))
        fitting = [
            replace(p, creative_ids=tuple(dict.fromkeys((*p.creative_ids, *_for(p, taken, held)))))
            for p in buy.packages
        ]
        after = settling.dressed(buy, fitting, now)
        saved = await store(tx, work, campaign, buy, after, "media_buy.creatives_carried", always=True)
    unique = tuple({d.creative_id: d for d in dropped}.values())
    return Settled(saved, None, read=bool(taken), dropped=unique)


def _for(package: media_buys.Package, taken: set[str], held: Operation) -> Sequence[str]:
    """Which of the taken creatives this very operation put on the package."""
    text = held.prepared.body.decode()
    return [c for c in sorted(taken) if package.package_id is not None and c in text and package.package_id in text]


async def store(
    tx: Tx, work: Work, campaign: Campaign, before: MediaBuy, after: MediaBuy, action: str, *, always: bool = False
) -> MediaBuy:
    """Store the buy with its next look, and log the change where there is one."""
    saved = await tx.media_buys.save(watched(work, campaign, before, after), work.now())
    old, new = changes(facts(before), facts(after))
    if (notice := notifications.of_change(before, after, action)) is not None:
        await tx.notify(notice, parts.subject(campaign, after))
    if new or always:
        await tx.record(action, _sentence(after, action), parts.subject(campaign, after), before=old, after=new)
    return saved


def watched(work: Work, campaign: Campaign, before: MediaBuy, after: MediaBuy) -> MediaBuy:
    """When the buy is looked at next: soon while something waits, rarely while it runs, never when it is over."""
    policy, moved = work.policy, before.status is not after.status
    if moved and after.status in media_buys.RAN:
        after = replace(after, over_at=work.now())
    if after.status is Status.DRAFT and _may_be_doubled(work, after):
        return replace(after, check_at=work.now() + timedelta(seconds=policy.pending_poll_max), checks=0)
    if after.doubted_until is not None:
        again = settling.next_doubt(after, work.now(), timedelta(seconds=policy.pending_poll_max))
        return replace(after, check_at=work.now() if moved else again, checks=0)
    if after.status in media_buys.RAN and after.seller_buy_id is not None and (moved or before.check_at is not None):
        # Its last delivery is still to be read: until then all of it counts as spent.
        wait = timedelta() if moved else backoff(after.checks, policy.pending_poll, policy.pending_poll_max)
        return replace(after, check_at=work.now() + wait, checks=0 if moved else after.checks)
    if after.unsettled or after.status not in media_buys.LIVE:
        return replace(after, check_at=None, checks=0)
    checks = 0 if moved else after.checks
    waits = after.status in {Status.PENDING_APPROVAL, Status.INPUT_REQUIRED} or after.change is not None
    if settling.wants_pause(after, campaign.status) and after.status is not Status.PAUSED:
        pause = timedelta(seconds=policy.pending_poll)  # it may go live at any moment and must not serve
    elif waits:
        pause = backoff(checks, policy.pending_poll, policy.pending_poll_max)
    else:
        pause = timedelta(seconds=policy.pending_poll_max)
    return replace(after, check_at=work.now() + pause, checks=checks)


async def campaign_after(tx: Tx, work: Work, campaign: Campaign) -> Campaign:
    """The campaign, over where its buys or its flight are. What of it still runs is looked at, and paused, at once."""
    now = work.now()
    buys = await tx.media_buys.of(campaign.id)
    after = settling.campaign_after(campaign, buys, now)
    if after.status is campaign.status:
        return campaign
    saved = await tx.campaigns.save(campaign, after, now)
    why = "Its flight is over" if campaign.spec.flight.is_over(now) else "Every media buy is over"
    await tx.record(
        f"campaign.{saved.status.value.lower()}",
        f"{why}: the campaign is {saved.status.value}.",
        parts.campaign_subject(campaign),
        before={"status": campaign.status.value},
        after={"status": saved.status.value},
    )
    await tx.notify(notifications.campaign_over(saved, why), parts.campaign_subject(campaign))
    for buy in buys:
        if buy.status in media_buys.LIVE and not buy.unsettled:
            await tx.media_buys.save(replace(buy, check_at=now), now)
    return saved


def facts(buy: MediaBuy) -> dict[str, Any]:
    """What the log keeps of a buy."""
    made: dict[str, Any] = {
        "status": buy.status.value,
        "sellerStatus": buy.seller_status,
        "sellerMediaBuyId": buy.seller_buy_id,
        "taskId": buy.task_id,
        "pausedBy": buy.paused_by.value if buy.paused_by else None,
        "pendingReason": buy.pending.reason.value if buy.pending else None,
        "pendingAt": buy.pending.at.value if buy.pending else None,
        "error": buy.trouble.message if buy.trouble else None,
        "budget": str(buy.budget),
        "packages": {p.ref: _package(p) for p in buy.packages},
    }
    return {k: v for k, v in made.items() if v is not None}


def _package(package: media_buys.Package) -> Mapping[str, Any]:
    return {
        "productId": package.product_id,
        "packageId": package.package_id,
        "budget": str(package.budget),
        "status": package.status,
        "creatives": list(package.creative_ids),
    }


def _sentence(buy: MediaBuy, action: str) -> str:
    verb = action.removeprefix("media_buy.").replace("_", " ")
    why = f" ({buy.trouble.message})" if buy.trouble else ""
    return f"{buy.name}: {verb}; {buy.status.value}{why}"


def _past(purpose: str) -> str:
    return {"resume": "resumed", planning.ASSIGN: "creatives_assigned"}.get(purpose, "paused")


def over(held: Operation, state: State, message: str) -> Operation:
    return replace(held, state=state, message=message or None, lease_until=None, next_at=None)


def buy_id(held: Operation) -> MediaBuyId:
    assert held.media_buy_id is not None
    return held.media_buy_id
