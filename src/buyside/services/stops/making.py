"""Make a stop, undo it, and carry on either where a process died: the row first, then the buys, then the sellers."""

from __future__ import annotations

import asyncio
import logging

from buyside.domain.accounts import Right
from buyside.domain.decisions import EntryType, Subject
from buyside.domain.errors import BuysideError
from buyside.domain.ids import MediaBuyId, StopId
from buyside.domain.media_buys import PausedBy
from buyside.domain.operations import Operation
from buyside.domain.stops import Scope, Stop
from buyside.services.media_buys import changing
from buyside.services.stops import reading, spreading
from buyside.services.stops.reading import Standing
from buyside.services.work import Tx, Work

log = logging.getLogger(__name__)

_AT_ONCE = 64
"""Calls under way at a time; how many of them one seller gets is the connector's to say."""


async def make(work: Work, scope: Scope, reason: str) -> Standing:
    """Keep everything in the scope from spending, and answer within an execute's time what came of it.

    From the first commit on nothing in the scope begins to spend. Raises: NotFound for what is not this account's.
    """
    work.require(Right.STOP)
    work = work.because(reason)
    async with work.writing() as tx:
        await require_scope(tx, scope)
        stop = Stop(StopId(work.new_id("stop")), scope, reason, work.caller.name, work.now())
        await tx.stops.add(stop, work.now() + work.policy.lease)
        await tx.record(
            "stop.made",
            f"{scope.label}: nothing may spend",
            subject(stop),
            before={"status": "none"},
            after={"status": "standing"},
            entry_type=EntryType.DECISION,
        )
    return await _seen_through(work, stop)


async def undo(work: Work, stop_id: StopId) -> Standing:
    """Let go on what only this stop still holds: not what a person, its campaign or another stop keeps paused.

    Raises: NotFound; Conflict when it was undone before.
    """
    work.require(Right.STOP)
    async with work.reading() as tx:
        held = await held_in(tx, (await tx.stops.get(stop_id)).scope)
    async with work.writing() as tx:
        stop = (await tx.stops.get(stop_id, lock=True)).undone(work.caller.name, work.now(), held)
        await tx.stops.save(stop, work.now() + work.policy.lease)
        await tx.record(
            "stop.undone",
            f"{stop.scope.label}: what the stop held may spend again",
            subject(stop),
            before={"status": "standing"},
            after={"status": "undone"},
            entry_type=EntryType.DECISION,
        )
    return await _seen_through(work, stop)


async def carry_on(work: Work, stop_id: StopId) -> None:
    """What the clock does for a stop whose process ended before all in its scope had been seen to."""
    now = work.now()
    async with work.writing() as tx:
        if not await tx.stops.claim(stop_id, now, now + work.policy.lease):
            return
        stop = await tx.stops.get(stop_id)
    await _carry(work.because(stop.reason), stop)


async def require_scope(tx: Tx, scope: Scope) -> None:
    """Raises: NotFound."""
    if scope.advertiser_id is not None:
        await tx.advertisers.get(scope.advertiser_id)
    if scope.storefront_id is not None:
        await tx.storefronts.get(scope.storefront_id)


async def held_in(tx: Tx, scope: Scope) -> list[MediaBuyId]:
    return [buy.id async for buy, _ in reading.live(tx, scope) if buy.paused_by is PausedBy.STOP]


def subject(stop: Stop) -> Subject:
    return Subject("stop", stop.id, stop.scope.advertiser_id)


async def _seen_through(work: Work, stop: Stop) -> Standing:
    running = work.runtime.background.start(_carry(work, stop))
    await asyncio.wait([running], timeout=work.policy.execute_deadline)
    return await reading.get(work, stop.id)


async def _carry(work: Work, stop: Stop) -> None:
    """Campaign by campaign, its sellers called while the next is looked at. What is left over, the clock takes up."""
    gate, complete = asyncio.Semaphore(_AT_ONCE), True
    calls = []
    async for campaign_id in spreading.campaigns_in(work, stop.scope):
        try:
            async with work.writing() as tx:
                steps = await spreading.bring(tx, work, campaign_id, stop.scope)
        except BuysideError as error:
            log.warning("stop %s: campaign %s is left for the next round: %s", stop.id, campaign_id, error.message)
            complete = False
            continue
        calls += [work.runtime.background.start(_call(work, gate, s.operation)) for s in steps if s.operation]
    if complete:
        async with work.writing() as tx:
            await tx.stops.carried(stop)
    await asyncio.gather(*calls)


async def _call(work: Work, gate: asyncio.Semaphore, operation: Operation) -> None:
    async with gate:
        said = await changing.carried_out(work, operation)
    if said is not None:
        log.info("media buy %s: %s", operation.media_buy_id, said)
