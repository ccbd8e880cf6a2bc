"""What the clock does: take up abandoned calls, look at buys whose state is due. Any process may do it at any time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import TypeVar

from buyside.domain.errors import BuysideError, PlatformError
from buyside.domain.ids import AccountId, MediaBuyId, OperationId
from buyside.domain.media_buys import RAN, MediaBuy, Status
from buyside.services import media_buys
from buyside.services.media_buys import delivering, latecomers, placing, recovering
from buyside.services.work import Runtime, Work
from buyside.store import media_buys as stored_buys
from buyside.store import operations as stored_operations

Id = TypeVar("Id")

log = logging.getLogger(__name__)

_AT_ONCE = 16
_BATCH = 200


async def sweep(runtime: Runtime) -> int:
    """Bring open operations whose lease or pause ran out one step on; how many were taken up (decision 4)."""
    async with runtime.database.read.connect() as conn:
        found = await stored_operations.due(conn, runtime.clock(), _BATCH)

    async def one(account: AccountId, operation: OperationId) -> None:
        await recovering.recover(runtime.as_system(account, "recovery"), operation)

    return await _each(one, found)


async def watch(runtime: Runtime) -> int:
    """Read the buys that are due at their sellers, and act on what is found; how many were looked at."""
    async with runtime.database.read.connect() as conn:
        found = await stored_buys.due(conn, runtime.clock(), _BATCH)

    async def one(account: AccountId, buy_id: MediaBuyId) -> None:
        work = runtime.as_system(account, "watch")
        await _look(work, await media_buys.get(work, buy_id))

    return await _each(one, found)


async def _look(work: Work, buy: MediaBuy) -> None:
    """Live: how it stands. Over: what it delivered. DRAFT: whether an unanswered create was booked late."""
    if buy.status in RAN:
        await _closed(work, buy)
        return
    if buy.status is Status.DRAFT:
        await latecomers.look(work, [buy])
        after = await media_buys.get(work, buy.id)
    else:
        after = await placing.refresh(work, buy)
    if after.check_at == buy.check_at:
        after = await placing.look_later(work, after)
    if delivering.is_due(after, work.now(), timedelta(seconds=work.policy.delivery_every)):
        await _delivered(work, after)


async def _delivered(work: Work, buy: MediaBuy) -> None:
    try:
        await media_buys.deliver(work, buy)
    except PlatformError as error:
        log.info("what media buy %s delivers could not be read: %s", buy.id, error.message)


async def _closed(work: Work, buy: MediaBuy) -> None:
    try:
        await media_buys.close(work, buy)
    except PlatformError as error:
        log.info("what media buy %s delivered could not be read: %s", buy.id, error.message)
        await placing.look_later(work, buy)


async def take_up(runtime: Runtime, account: int, operation: str) -> None:
    """The job that a transaction left beside an operation: by now it is done, unless its process is gone."""
    await recovering.recover(runtime.as_system(AccountId(account), "follow-up"), OperationId(operation))


async def _each(act: Callable[[AccountId, Id], Awaitable[None]], found: Iterable[tuple[AccountId, Id]]) -> int:
    """A few at a time, so that one slow seller holds up neither the others nor the store."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def guarded(account: AccountId, which: Id) -> None:
        async with gate:
            try:
                await act(account, which)
            except BuysideError as error:
                log.warning("%s is left for the next round: %s", which, error.message)
            except Exception:
                log.exception("%s is left for the next round", which)

    jobs = [guarded(account, which) for account, which in found]
    await asyncio.gather(*jobs)
    return len(jobs)
