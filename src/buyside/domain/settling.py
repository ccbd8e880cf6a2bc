"""What an answer, or a later reading, makes of a media buy. Pure: the caller stores what comes out and does the rest.

Rulings 0.2, 0.3 and 0.5 of interchange.md live here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from buyside.domain import campaigns, lifecycle
from buyside.domain.answers import Answer, Outcome, SellerError
from buyside.domain.media_buys import (
    LIVE,
    RAN,
    SELLER_WORDS,
    TRANSITIONS,
    Action,
    ErrorCode,
    ErrorOwner,
    MediaBuy,
    Package,
    PausedBy,
    Pending,
    PendingAt,
    PendingReason,
    Status,
    Trouble,
)
from buyside.domain.money import Money, total
from buyside.domain.orders import ObservedBuy, ObservedPackage
from buyside.domain.packaging import gathered

HELD = frozenset({PausedBy.PERSON, PausedBy.GUARD, PausedBy.STOP, PausedBy.CAP})
STOPPED = "STOPPED"
"""Our own no, said before the call: a stop stands over the buy."""
_RESTING = frozenset(
    {campaigns.Status.PAUSED, campaigns.Status.ARCHIVED, campaigns.Status.COMPLETED, campaigns.Status.CANCELED}
)


def wants_pause(buy: MediaBuy, campaign: campaigns.Status) -> bool:
    """Whether the buy must not serve now, whatever its seller thinks."""
    return campaign in _RESTING or buy.paused_by in HELD or bool(buy.stops)


def wants_resume(buy: MediaBuy, campaign: campaigns.Status) -> bool:
    """Whether only a campaign's earlier pause still holds the buy."""
    held = buy.paused_by is not PausedBy.CAMPAIGN or bool(buy.stops)
    return campaign is campaigns.Status.ACTIVE and not held and buy.status is Status.PAUSED


def released(buy: MediaBuy, now: datetime) -> MediaBuy:
    """The buy without the daily cap's hold once that day is over: from then on it goes with its campaign."""
    if buy.paused_by is not PausedBy.CAP or buy.held_until is None or now < buy.held_until:
        return buy
    return replace(buy, paused_by=PausedBy.CAMPAIGN if buy.status is Status.PAUSED else None, held_until=None)


def dispatched(buy: MediaBuy, now: datetime) -> MediaBuy:
    """On its way: what it is until its seller has answered (ruling 0.5)."""
    return replace(
        buy.then(Action.DISPATCH),
        pending=Pending(PendingAt.SALES_AGENT, PendingReason.RETRYING, now),
        trouble=None,
        forwarded_at=now,
    )


def unknown(buy: MediaBuy, message: str, now: datetime) -> MediaBuy:
    """The call ended without an answer (ruling 0.3)."""
    return replace(
        buy,
        pending=Pending(PendingAt.UNKNOWN, PendingReason.RETRYING, _since(buy, now)),
        trouble=Trouble(ErrorCode.SOURCE_UNAVAILABLE, ErrorOwner.SELLER, message),
    )


def withdrawn(buy: MediaBuy, trouble: Trouble) -> MediaBuy:
    """The seller provably holds nothing: DRAFT again, with the reason; execute will try once more."""
    return replace(
        gathered(buy).then(Action.WITHDRAW),
        pending=None,
        trouble=trouble,
        operation_id=None,
        task_id=None,
        check_at=None,
        forwarded_at=None,
        stops=(),
        paused_by=None if buy.paused_by is PausedBy.STOP else buy.paused_by,
    )


def refusal(answer: Answer) -> Trouble:
    """A seller's no in the buyer's words: which kind, and whose it is to mend."""
    error = answer.error
    if error is None:
        return Trouble(ErrorCode.SOURCE_REJECTED, ErrorOwner.SELLER, answer.message or "The seller refused the buy.")
    if error.code == STOPPED:
        return Trouble(ErrorCode.INVALID_REQUEST, ErrorOwner.BUYER_INPUT, error.message)
    if not answer.reached or error.code in {"RATE_LIMITED", "SERVICE_UNAVAILABLE", "INTERNAL_ERROR"}:
        return Trouble(ErrorCode.SOURCE_UNAVAILABLE, ErrorOwner.SELLER, error.message)
    code, owner = _KINDS.get(error.code, (None, None))
    if code is None or owner is None:
        code, owner = _by_recovery(error)
    return Trouble(code, owner, error.message)


_KINDS: dict[str, tuple[ErrorCode, ErrorOwner]] = {
    "PRODUCT_NOT_FOUND": (ErrorCode.PRODUCT_GONE, ErrorOwner.BUYER_INPUT),
    "PRODUCT_UNAVAILABLE": (ErrorCode.PRODUCT_GONE, ErrorOwner.BUYER_INPUT),
    "PRODUCT_EXPIRED": (ErrorCode.QUOTE_EXPIRED, ErrorOwner.BUYER_INPUT),
    "PROPOSAL_EXPIRED": (ErrorCode.QUOTE_EXPIRED, ErrorOwner.BUYER_INPUT),
    "AUTH_INVALID": (ErrorCode.PLATFORM_ERROR, ErrorOwner.PLATFORM),
    "AUTH_REQUIRED": (ErrorCode.PLATFORM_ERROR, ErrorOwner.PLATFORM),
    "POLICY_VIOLATION": (ErrorCode.SOURCE_REJECTED, ErrorOwner.BUYER_INPUT),
}


def _by_recovery(error: SellerError) -> tuple[ErrorCode, ErrorOwner]:
    match error.recovery.value:
        case "correctable":
            return ErrorCode.INVALID_REQUEST, ErrorOwner.BUYER_INPUT
        case "transient":
            return ErrorCode.SOURCE_UNAVAILABLE, ErrorOwner.SELLER
    return ErrorCode.SOURCE_REJECTED, ErrorOwner.SELLER


@dataclass(frozen=True)
class Placed:
    """What became of a create. `failed` is its line for errors[]; None when there is nothing to complain of."""

    buy: MediaBuy
    failed: str | None = None
    read: bool = False
    """The answer did not say how the buy stands: read it at the seller."""


def placed(buy: MediaBuy, answer: Answer, observed: ObservedBuy | None, now: datetime) -> Placed:
    """Settle a create whose answer is an answer (UNKNOWN is `unknown`)."""
    if answer.outcome is Outcome.REJECTED:
        trouble = refusal(answer)
        return Placed(withdrawn(buy, trouble), trouble.message)
    settled = replace(buy, operation_id=None, task_id=answer.task_id, trouble=None)
    if answer.outcome is Outcome.NEEDS_INPUT:
        asked = answer.message or "The seller asks for more."
        trouble = Trouble(ErrorCode.INVALID_REQUEST, ErrorOwner.BUYER_INPUT, asked)
        reason = Pending(PendingAt.SALES_AGENT, PendingReason.NEEDS_CORRECTION, now)
        return Placed(replace(settled.then(Action.ASK), pending=reason, trouble=trouble))
    if observed is None:
        reason = Pending(PendingAt.SALES_AGENT, PendingReason.SOURCE_MODERATION, now)
        return Placed(replace(settled.then(Action.WAIT), pending=reason))
    if observed.status == "rejected":
        message = observed.message or answer.message or "The seller rejected the buy."
        trouble = Trouble(ErrorCode.SOURCE_REJECTED, ErrorOwner.SELLER, message)
        return Placed(withdrawn(buy, trouble), message)
    return Placed(
        seen(settled, observed, now), read=observed.status is None or answer.replayed or not observed.packages
    )


DOUBTED_FOR = timedelta(hours=24)


def doubted(before: MediaBuy, after: MediaBuy, now: datetime, *, own_time: bool) -> MediaBuy:
    """`after`, in doubt when its seller calls it over before its end: such words have been taken back.

    `own_time`: the seller is a sandbox, whose clock may have reached the end already.
    """
    ran = before.status in {Status.ACTIVE, Status.PAUSED}
    over = after.status in RAN or (ran and after.status in {Status.FAILED, Status.REJECTED})
    if before.status not in LIVE or not over or now >= after.end:
        return after
    if own_time and after.status is Status.COMPLETED:
        return after
    return replace(after, doubted_until=min(now + DOUBTED_FOR, after.end), over_at=now)


def revived(buy: MediaBuy, observed: ObservedBuy) -> MediaBuy:
    """The buy alive again where its seller's new word says so."""
    word = SELLER_WORDS.get((observed.status or "").strip().lower())
    if buy.doubted_until is None or word not in {Action.ACTIVATE, Action.PAUSE, Action.WAIT}:
        return buy
    return replace(buy.then(Action.REVIVE), doubted_until=None, over_at=None, trouble=None)


def next_doubt(buy: MediaBuy, now: datetime, shortest: timedelta) -> datetime | None:
    """When a doubted buy is looked at next: soon at first, then ever more rarely."""
    if buy.doubted_until is None:
        return None
    since = now - buy.over_at if buy.over_at is not None else shortest
    return min(now + max(shortest, since), max(now, buy.doubted_until))


def seen(buy: MediaBuy, observed: ObservedBuy, now: datetime) -> MediaBuy:
    """The buy after a reading: the seller's word stands beside ours and moves ours where the move is legal."""
    known = replace(
        buy,
        seller_buy_id=observed.seller_buy_id,
        seller_status=observed.status or buy.seller_status,
        seller_revision=observed.revision if observed.revision is not None else buy.seller_revision,
        valid_actions=observed.valid_actions or buy.valid_actions,
        packages=_matched(buy.packages, observed.packages),
    )
    action = SELLER_WORDS.get((observed.status or "").strip().lower())
    if action is None and observed.status and known.status in {Status.ACTIVE, Status.PAUSED}:
        said = f"The seller reports a status that is not known here: {observed.status[:100]}."
        return replace(known, trouble=Trouble(ErrorCode.PLATFORM_ERROR, ErrorOwner.SELLER, said))
    if action is None:
        if known.status is Status.PENDING_APPROVAL and known.pending is not None and not buy.seller_status:
            return replace(known, pending=replace(known.pending, reason=PendingReason.TRAFFICKING))
        return known
    if not lifecycle.may(TRANSITIONS, known.status, action):
        return known
    return _moved(known.then(action), action, observed, now)


def _moved(buy: MediaBuy, action: Action, observed: ObservedBuy, now: datetime) -> MediaBuy:
    match action:
        case Action.WAIT:
            return replace(buy, pending=_waiting(buy, observed, now))
        case Action.ASK:
            reason = Pending(PendingAt.SALES_AGENT, PendingReason.NEEDS_CORRECTION, _since(buy, now))
            said = Trouble(ErrorCode.INVALID_REQUEST, ErrorOwner.BUYER_INPUT, observed.message or "It asks for more.")
            return replace(buy, pending=reason, trouble=said)
        case Action.DECLINE | Action.FAIL:
            said = Trouble(ErrorCode.SOURCE_REJECTED, ErrorOwner.SELLER, observed.message or "The seller declined.")
            return replace(buy, pending=None, trouble=said)
        case Action.PAUSE:
            return replace(buy, pending=None, paused_by=buy.paused_by or PausedBy.SELLER, trouble=_lasting(buy))
        case Action.ACTIVATE:
            # Only a seller's own pause ends by its running again; who else paused it still wants it paused.
            by = None if buy.paused_by is PausedBy.SELLER else buy.paused_by
            return replace(buy, pending=None, paused_by=by, trouble=_lasting(buy))
    return replace(buy, pending=None)


def _lasting(buy: MediaBuy) -> Trouble | None:
    return buy.trouble if buy.paused_by is PausedBy.GUARD else None


def _waiting(buy: MediaBuy, observed: ObservedBuy, now: datetime) -> Pending:
    match observed.status:
        case "pending_creatives":
            assigned = any(p.creative_ids for p in buy.packages)
            reason = PendingReason.CREATIVE_APPROVAL if assigned else PendingReason.NO_CREATIVES
        case "pending_start":
            reason = PendingReason.SCHEDULED
        case _ if observed.confirmed_at is not None:
            reason = PendingReason.TRAFFICKING
        case _:
            reason = PendingReason.SOURCE_MODERATION
    since = _since(buy, now) if buy.pending and buy.pending.reason is reason else now
    return Pending(PendingAt.SALES_AGENT, reason, since)


def dressed(buy: MediaBuy, packages: Sequence[Package], now: datetime) -> MediaBuy:
    """The buy with the creatives that its seller took: from now on it waits for their approval and not for them."""
    after, pending = replace(buy, packages=tuple(packages)), buy.pending
    if pending is None or pending.reason is not PendingReason.NO_CREATIVES or not any(p.creative_ids for p in packages):
        return after
    return replace(after, pending=replace(pending, reason=PendingReason.CREATIVE_APPROVAL, since=now))


def _since(buy: MediaBuy, now: datetime) -> datetime:
    return buy.pending.since if buy.pending else now


def _matched(ours: Sequence[Package], theirs: Sequence[ObservedPackage]) -> tuple[Package, ...]:
    return tuple(_known(p, counterpart(p, ours, theirs)) for p in ours)


def counterpart(package: Package, ours: Sequence[Package], theirs: Sequence[ObservedPackage]) -> ObservedPackage | None:
    """By the seller's own id, by our reference, by the product where it is the only one, by the order of its periods,
    else by position."""
    for found in theirs:
        if package.package_id is not None and found.package_id == package.package_id:
            return found
    for found in theirs:
        if found.buyer_ref is not None and found.buyer_ref == package.ref:
            return found
    same = [t for t in theirs if t.product_id == package.product_id]
    if len(same) == 1 and sum(p.product_id == package.product_id for p in ours) == 1:
        return same[0]
    mine = [p for p in ours if p.product_id == package.product_id]
    if package.period is not None and len(same) == len(mine) and all(t.buyer_ref is None for t in same):
        return same[mine.index(package)]
    if len(theirs) == len(ours) and all(t.buyer_ref is None and t.product_id is None for t in theirs):
        return theirs[list(ours).index(package)]
    return None


def _known(package: Package, found: ObservedPackage | None) -> Package:
    if found is None:
        return package
    status = found.status or ("paused" if found.paused else None) or package.status or "active"
    return replace(package, package_id=found.package_id, status=status)


def own(listed: Sequence[ObservedBuy], buy: MediaBuy) -> list[ObservedBuy]:
    """What a seller holds under this buy's context, the living first. One that it rejected is nothing that it holds."""
    mine = [each for each in listed if each.context_id == buy.id and each.status != "rejected"]
    return sorted(mine, key=lambda each: each.status in {"canceled", "completed"})


def doubled(buy: MediaBuy, extra: Sequence[ObservedBuy]) -> MediaBuy:
    """The seller holds more than one: nothing is canceled unasked, a person must look."""
    names = ", ".join(each.seller_buy_id for each in extra if each.status not in {"canceled", "completed"})
    if not names:
        return buy
    said = f"The seller also holds {names} for this buy; cancel what is not wanted there."
    return replace(buy, trouble=Trouble(ErrorCode.PLATFORM_ERROR, ErrorOwner.SELLER, said))


def mismatches(buy: MediaBuy, observed: ObservedBuy) -> list[str]:
    """What the seller booked otherwise than asked, in sentences; empty when all that it said agrees (adcp.md 5.7)."""
    found: list[str] = []
    if observed.currency is not None and observed.currency != buy.currency:
        found.append(f"booked in {observed.currency}, asked in {buy.currency}")
    if observed.end is not None and apart(observed.end, buy.end):
        found.append(f"ends {observed.end:%Y-%m-%dT%H:%M:%SZ}, asked {buy.end:%Y-%m-%dT%H:%M:%SZ}")
    # A start that had passed was sent as "asap": any date may come back.
    dated = buy.start is not None and buy.forwarded_at is not None and buy.start > buy.forwarded_at
    if dated and observed.start is not None and apart(observed.start, buy.start):
        found.append(f"starts {observed.start:%Y-%m-%dT%H:%M:%SZ}, asked {buy.start:%Y-%m-%dT%H:%M:%SZ}")
    asked = buy.media
    # Whether a package that was canceled still counts into the total is told by no specification.
    whole = total([buy.media_part(p.budget) for p in buy.packages], buy.currency)
    if observed.total_budget is not None and Money.rounded(observed.total_budget, buy.currency) not in {asked, whole}:
        found.append(f"total {observed.total_budget} {buy.currency}, asked {asked}")
    ours = [their for p in buy.packages if (their := counterpart(p, buy.packages, observed.packages)) is not None]
    added = [t for t in observed.packages if t not in ours and t.status != "canceled"]
    if added and len(ours) == len(buy.packages):
        found.append(f"packages that nobody asked for: {', '.join(t.package_id for t in added[:5])}")
    for package in buy.packages:
        their = counterpart(package, buy.packages, observed.packages)
        if their is not None:
            found += [f"package {package.ref}: {what}" for what in _package_mismatches(buy, package, their)]
    return found


def apart(one: datetime, other: datetime | None) -> bool:
    return other is not None and abs((one - other).total_seconds()) >= 1


def _package_mismatches(buy: MediaBuy, package: Package, their: ObservedPackage) -> list[str]:
    found: list[str] = []
    asked = buy.media_part(package.budget)
    if their.currency is not None and their.currency != buy.currency:
        found.append(f"booked in {their.currency}, asked in {buy.currency}")
    elif their.budget is not None and Money.rounded(their.budget, buy.currency) != asked:
        found.append(f"budget {their.budget} {buy.currency}, asked {asked}")
    if their.pricing_option_id is not None and their.pricing_option_id != package.pricing_option_id:
        found.append(f"pricing option {their.pricing_option_id}, asked {package.pricing_option_id}")
    fixed = package.price if package.bid is None else None
    if their.price is not None and fixed is not None and Decimal(their.price) != fixed:
        found.append(f"price {their.price}, offered {fixed}")
    return found


def unassigned(buy: MediaBuy, observed: ObservedBuy) -> list[tuple[str, tuple[str, ...]]]:
    """Seller packages, each with the creatives that the seller took for it and does not show on it, while the buy
    waits for creatives. Source: AdCP 3.1, `sync_creatives.assignments` is optional for sellers to follow."""
    if observed.status != "pending_creatives":
        return []
    shown = {package.package_id: set(package.creative_ids) for package in observed.packages}
    return [
        (p.package_id, p.creative_ids)
        for p in buy.packages
        if p.package_id is not None and set(p.creative_ids) - shown.get(p.package_id, set())
    ]


def guarded(buy: MediaBuy, findings: Sequence[str]) -> MediaBuy:
    """Marked for a person: paused until somebody has looked."""
    message = f"The seller booked something else than was asked: {'; '.join(findings)}. It must not run."
    return replace(buy, paused_by=PausedBy.GUARD, trouble=Trouble(ErrorCode.PLATFORM_ERROR, ErrorOwner.SELLER, message))


def campaign_after(
    current: campaigns.Campaign, buys: Sequence[MediaBuy], now: datetime | None = None
) -> campaigns.Campaign:
    """CANCELED once all were canceled; COMPLETED once every buy is over and one ran to its end, and in any case when
    the flight is over at `now` (2.2). A buy whose end is doubted is not over."""
    placed_buys = [b for b in buys if b.status not in {Status.ARCHIVED, Status.DRAFT}]
    alive = any(b.status in LIVE or b.doubted_until is not None for b in placed_buys)
    ended = None
    if now is not None and current.spec.flight.is_over(now):
        ended = campaigns.Action.COMPLETE
    if placed_buys and not alive and not any(b.status is Status.DRAFT for b in buys):
        if any(b.status is Status.COMPLETED for b in placed_buys):
            ended = campaigns.Action.COMPLETE
        elif all(b.status is Status.CANCELED for b in placed_buys):
            ended = campaigns.Action.CANCEL
    if ended is None or not lifecycle.may(campaigns.TRANSITIONS, current.status, ended):
        return current
    return current.then(ended)
