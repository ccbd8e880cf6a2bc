"""A planned write carried out: claimed, sent once, settled. Whoever runs it, the request or the sweep, runs this."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from buyside.domain import settling as rules
from buyside.domain.answers import Answer, Exchange, Outcome, Recovery, SellerError
from buyside.domain.errors import PlatformError
from buyside.domain.ids import OperationId
from buyside.domain.media_buys import MediaBuy
from buyside.domain.operations import MAX_REPLAYS, OPEN, Kind, Operation
from buyside.domain.retries import Next, Tries, decide
from buyside.domain.stops import refusal
from buyside.services import seller_accounts
from buyside.services.media_buys import edited, parts, settling
from buyside.services.media_buys.parts import Parts
from buyside.services.media_buys.settling import Settled
from buyside.services.work import Work

log = logging.getLogger(__name__)

_PATIENCE = 5
"""Seconds that a caller waits for a seller which asks for a pause; a longer one is the caller's to decide."""


@dataclass(frozen=True)
class Result:
    """How one operation went, and the buy after it and after all that followed from it."""

    operation: Operation
    buy: MediaBuy
    answer: Answer
    failed: str | None
    """Why it did not do what it was for; None when it did, or when the seller took it to decide."""
    exchange: Exchange | None = None
    dropped: tuple[settling.DroppedCreative, ...] = ()


async def dispatch(work: Work, operation_id: OperationId, *, debug: bool = False) -> Result | None:
    """Carry out an operation; None when somebody else has it, or it is over."""
    async with work.reading() as tx:
        planned = await tx.operations.get(operation_id)
    if planned.media_buy_id is None or planned.state not in OPEN:
        return None
    return await carry_out(work, planned, await parts.load(work, planned.media_buy_id), debug=debug)


async def carry_out(work: Work, planned: Operation, have: Parts, *, debug: bool = False) -> Result | None:
    """Claim, send, settle, for whoever has at hand what it takes; None when somebody else has the operation."""
    refused = await stopped(work, planned, have) or await _account(work, planned, have)
    async with work.writing() as tx:
        held = await tx.operations.claim(planned, work.now(), work.policy.lease, sending=True)
    if held is None:
        return None
    answer = refused or await _call(work, held, have, debug=debug)
    return await conclude(work, *doubtful(held, answer), have)


async def _call(work: Work, held: Operation, have: Parts, *, debug: bool) -> Answer:
    """Send it; once more, with the same key and bytes, where the seller says that nothing was done and when to return.

    Both tries and the pause fit into the lease, so that nobody takes the operation over meanwhile.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + work.policy.call_timeout
    answer = await work.sellers.call(have.seller, held.prepared, timeout=work.policy.call_timeout, debug=debug)
    if answer.outcome is not Outcome.REJECTED or answer.error is None:
        return answer
    advice = decide(answer.error, Tries(0, 1))
    left = until - loop.time() - (advice.wait or 0)
    if advice.next is not Next.RETRY or advice.wait is None or advice.wait > _PATIENCE or left <= 0:
        return answer
    await asyncio.sleep(advice.wait)
    return await work.sellers.call(have.seller, held.prepared, timeout=left, debug=debug)


def doubtful(held: Operation, answer: Answer) -> tuple[Operation, Answer]:
    """A no to a repeated create, or edit, says nothing of the first: that may have been booked before the no was said.

    A passing no is asked again; after any other the seller's books are read, and only they decide.
    """
    weighty = held.kind is Kind.CREATE or edited.is_edit(held)
    if not weighty or held.attempts <= 1 or answer.outcome is not Outcome.REJECTED:
        return held, answer
    passing = not answer.reached or answer.error is None or answer.error.recovery is Recovery.TRANSIENT
    message = f"The repeated call was refused: {answer.message}"
    unclear = replace(answer, outcome=Outcome.UNKNOWN, error=None, data={"message": message})
    return (held if passing else replace(held, attempts=MAX_REPLAYS)), unclear


async def conclude(work: Work, held: Operation, answer: Answer, have: Parts) -> Result:
    """Settle, then do what follows from it."""
    if edited.is_edit(held) and answer.outcome is not Outcome.UNKNOWN:
        settled = await edited.settle(work, held, answer)
    else:
        settled = await settling.settle(work, held, have, answer)
    after, dropped = await follow(work, settled)
    failed = settled.failed or settling.unmet(held, after)
    return Result(held, after, answer, failed, answer.exchange, (*settled.dropped, *dropped))


async def follow(work: Work, settled: Settled) -> tuple[MediaBuy, tuple[settling.DroppedCreative, ...]]:
    """Carry out what settling planned, and read the buy where its state is not certain."""
    after, dropped = settled.buy, list[settling.DroppedCreative]()
    for planned in settled.planned:
        result = await dispatch(work, planned.id)
        if result is not None:
            after = result.buy
            dropped += result.dropped
    if settled.read:
        after = await refresh(work, after, tried=settled.tried)
    return after, tuple(dropped)


async def refresh(work: Work, buy: MediaBuy, *, tried: str | None = None) -> MediaBuy:
    """Read the buy at its seller and act on what is found; unchanged when the seller cannot be read now."""
    try:
        return await look(work, buy, tried=tried)
    except PlatformError as error:
        log.info("media buy %s could not be read: %s", buy.id, error.message)
        return await settling.not_read(work, buy.id)


async def look(work: Work, buy: MediaBuy, *, tried: str | None = None) -> MediaBuy:
    """Like refresh, and says so when the seller cannot be read. Raises: PlatformError."""
    have = await parts.load(work, buy.id)
    if have.buy.change is not None:
        await edited.poll(work, have)
        have = await parts.load(work, buy.id)
    settled = await settling.observe(work, have, tried=tried)
    return (await follow(work, settled))[0] if settled else await _current(work, buy)


async def look_later(work: Work, buy: MediaBuy) -> MediaBuy:
    """Nothing was found out: the next look comes after a longer pause."""
    return await settling.not_read(work, buy.id)


async def _current(work: Work, buy: MediaBuy) -> MediaBuy:
    async with work.reading() as tx:
        return await tx.media_buys.get(buy.id)


async def stopped(work: Work, planned: Operation, have: Parts) -> Answer | None:
    """The answer that what was never sent, and would let money be spent, gets under a stop made since it was planned;
    None when it may go."""
    if planned.first_sent_at is not None or not planned.starts:
        return None
    stop = await parts.standing_over(work, have.campaign, have.buy)
    if stop is None:
        return None
    said = refusal(stop, f"media buy {have.buy.id}")
    error = SellerError(rules.STOPPED, said.message, Recovery.CORRECTABLE)
    return Answer(Outcome.REJECTED, error=error, reached=False)


async def _account(work: Work, planned: Operation, have: Parts) -> Answer | None:
    """The answer that a create gets when the seller has no account for us; None when it has."""
    if planned.kind is not Kind.CREATE:
        return None
    try:
        await seller_accounts.ensure(work, have.seller, have.account)
    except PlatformError as error:
        code = str(error.details.get("code", error.code))
        return Answer(Outcome.REJECTED, error=SellerError(code, error.message), reached=False)
    return None
