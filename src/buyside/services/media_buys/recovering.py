"""Operations that a dead process left, and calls that never got an answer: replayed while the seller honours the
key, else looked up; never repeated blindly (decision 4)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from buyside.domain import settling as rules
from buyside.domain.errors import PlatformError
from buyside.domain.ids import OperationId
from buyside.domain.media_buys import ErrorCode, ErrorOwner, Trouble
from buyside.domain.operations import MIN_LOOKS, OPEN, Kind, Operation, State, backoff
from buyside.domain.orders import ObservedBuy
from buyside.services.media_buys import parts, placing, settling
from buyside.services.media_buys.parts import Parts
from buyside.services.work import Work

log = logging.getLogger(__name__)


async def recover(work: Work, operation_id: OperationId) -> None:
    """Bring one open operation to its end, or one step nearer. Safe to run twice at once: one of the two claims it."""
    async with work.reading() as tx:
        found = await tx.operations.get(operation_id)
    if found.state not in OPEN:
        return
    log.info("operation %s (%s, media buy %s) is taken up", found.id, found.kind.value, found.media_buy_id)
    if found.kind is Kind.ACCOUNT or found.media_buy_id is None:
        await _give_up(work, found)
    elif found.may_replay(work.now()) and not await _stopped(work, found):
        await placing.dispatch(work, operation_id)
    elif found.kind is Kind.CREATE:
        await _look(work, found)
    else:
        await _reread(work, found)


async def _stopped(work: Work, found: Operation) -> bool:
    """Under a stop, what may have been heard is not said again, but looked for: repeating it could begin to spend."""
    if found.first_sent_at is None or not found.starts or found.media_buy_id is None:
        return False
    have = await parts.load(work, found.media_buy_id)
    return await parts.standing_over(work, have.campaign, have.buy) is not None


async def _give_up(work: Work, found: Operation) -> None:
    """A sync of accounts is an upsert: it is asked anew before the next buy."""
    async with work.writing() as tx:
        held = await tx.operations.claim(found, work.now(), work.policy.lease, sending=False)
        if held is not None:
            await tx.operations.conclude(held, _over(held, State.REFUSED, "Nobody heard the answer."))


async def _reread(work: Work, found: Operation) -> None:
    """A change that may not be sent again: what the seller shows now is the truth, and the rules act on it."""
    async with work.writing() as tx:
        held = await tx.operations.claim(found, work.now(), work.policy.lease, sending=False)
        if held is None or held.media_buy_id is None:
            return
        await tx.operations.conclude(held, _over(held, State.ABSENT, "No answer; the buy was read."))
        buy = await tx.media_buys.get(held.media_buy_id)
    await placing.refresh(work, buy)


async def _look(work: Work, found: Operation) -> None:
    async with work.writing() as tx:
        held = await tx.operations.claim(found, work.now(), work.policy.lease, sending=False)
    if held is None or held.media_buy_id is None:
        return
    have = await parts.load(work, held.media_buy_id)
    try:
        listed = await work.sellers.media_buys(have.seller, have.account, timeout=work.policy.read_timeout)
    except PlatformError as error:
        await _again(work, held, f"The seller could not be read: {error.message}", looked=False)
        return
    await _decide(work, held, have, listed)


async def _decide(work: Work, held: Operation, have: Parts, listed: Sequence[ObservedBuy]) -> None:
    mine = rules.own(listed, have.buy)
    if mine:
        await _found(work, held, have, mine)
    elif strangers := await _could_be_ours(work, have, listed):
        names = ", ".join(each.seller_buy_id for each in strangers[:5])
        await _again(work, held, f"The seller holds buys that do not say whose they are: {names}.", looked=False)
    elif held.looks + 1 >= MIN_LOOKS:
        await _absent(work, held)
    else:
        await _again(work, held, "The seller does not list it yet.", looked=True)


async def _could_be_ours(work: Work, have: Parts, listed: Sequence[ObservedBuy]) -> list[ObservedBuy]:
    """Buys at the seller without our context that no other buy of ours accounts for: absence is not proved then."""
    unmarked = [each for each in listed if each.context_id is None]
    if not unmarked:
        return []
    async with work.reading() as tx:
        taken = await tx.media_buys.seller_ids(have.seller.id)
    return [each for each in unmarked if each.seller_buy_id not in taken]


async def _found(work: Work, held: Operation, have: Parts, mine: Sequence[ObservedBuy]) -> None:
    """Booked after all: settle it as if the answer had come, from what the seller shows."""
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, have.buy.id)
        if not await tx.operations.conclude(held, _over(held, State.DONE, "Found at the seller.")):
            return
        if buy.operation_id != held.id:
            return
        await tx.campaigns.commit(campaign)
        now = work.now()
        # The watch goes on with it at once, should this process end before the next line.
        settled = replace(
            buy, operation_id=None, trouble=None, seller_buy_id=mine[0].seller_buy_id, check_at=now, checks=0
        )
        await tx.media_buys.save(settled, now)
    have = await parts.load(work, have.buy.id)
    done = await settling.adopt(work, have, mine[0], action="media_buy.found", extra=mine[1:])
    await placing.follow(work, done)


async def _absent(work: Work, held: Operation) -> None:
    """Proved absent: DRAFT again, with the reason (ruling 0.3)."""
    assert held.media_buy_id is not None
    message = "The call got no answer, and the seller does not hold the buy; execute places it anew."
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, held.media_buy_id)
        absent = replace(_over(held, State.ABSENT, message), looks=held.looks + 1)
        if await tx.operations.conclude(held, absent) and buy.operation_id == held.id:
            trouble = Trouble(ErrorCode.SOURCE_UNAVAILABLE, ErrorOwner.SELLER, message)
            draft = replace(rules.withdrawn(buy, trouble), absent_at=work.now())
            await settling.store(tx, work, campaign, buy, draft, "media_buy.absent")


async def _again(work: Work, held: Operation, message: str, *, looked: bool) -> None:
    looks = held.looks + (1 if looked else 0)
    wait: timedelta = backoff(max(looks, held.attempts) - 1, work.policy.call_timeout, work.policy.pending_poll_max)
    assert held.media_buy_id is not None
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, held.media_buy_id)
        now = work.now()
        open_still = replace(
            held, state=State.UNKNOWN, message=message, looks=looks, lease_until=None, next_at=now + wait
        )
        if await tx.operations.conclude(held, open_still) and buy.operation_id == held.id:
            await settling.store(tx, work, campaign, buy, rules.unknown(buy, message, now), "media_buy.unanswered")


def _over(held: Operation, state: State, message: str) -> Operation:
    return replace(held, state=state, message=message, lease_until=None, next_at=None)
