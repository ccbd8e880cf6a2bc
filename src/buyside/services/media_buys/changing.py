"""Planned changes carried out while somebody waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from buyside.domain.errors import BuysideError
from buyside.domain.media_buys import LIVE, MediaBuy
from buyside.domain.operations import Operation
from buyside.services.media_buys import edited, parts, placing, planning
from buyside.services.media_buys.placing import Result
from buyside.services.work import Work

STILL_UNDER_WAY = "The seller has not answered yet; it goes on by itself."


async def in_time(work: Work, operation: Operation) -> str | None:
    """Why it did not work, or None; what is not done within an execute's time goes on and is said to."""
    task = work.runtime.background.start(carried_out(work, operation))
    await asyncio.wait([task], timeout=work.policy.execute_deadline)
    return task.result() if task.done() else STILL_UNDER_WAY


async def all_in_time(work: Work, operations: Sequence[Operation]) -> list[str | None]:
    """As `in_time`, for many at once: one deadline for all."""
    tasks = [work.runtime.background.start(carried_out(work, each)) for each in operations]
    if tasks:
        await asyncio.wait(tasks, timeout=work.policy.execute_deadline)
    return [task.result() if task.done() else STILL_UNDER_WAY for task in tasks]


async def carried_out(work: Work, operation: Operation) -> str | None:
    """Why it did not work, or None. A stale revision is read and tried once more. Never raises what is expected."""
    try:
        result = await placing.dispatch(work, operation.id)
        if result is not None and _stale_revision(result):
            again = await _again(work, operation, result.buy)
            result = await placing.dispatch(work, again.id) if again is not None else result
    except BuysideError as error:
        return error.message
    return result.failed if result is not None else "Another process is carrying it out."


def _stale_revision(result: Result) -> bool:
    return result.answer.error is not None and result.answer.error.code == "CONFLICT"


async def _again(work: Work, operation: Operation, buy: MediaBuy) -> Operation | None:
    """The same change with the revision that was just read: a new key, since the bytes are new."""
    have = await parts.load(work, buy.id)
    async with work.writing() as tx:
        campaign, current = await parts.locked(tx, buy.id)
        if current.status not in LIVE or current.seller_buy_id is None:
            return None
        if edited.is_edit(operation):
            change = current.change
            if change is None or change.operation_id != operation.id:
                return None
            prepared = planning.told(work, campaign, current, have.seller, have.account, change)
            return (await planning.amend(tx, work, current, have.seller, change, prepared, again=True))[1]
        paused = operation.purpose.startswith("pause")
        return await planning.pause(
            tx, work, current, have.seller, have.account, paused=paused, purpose=operation.purpose
        )
