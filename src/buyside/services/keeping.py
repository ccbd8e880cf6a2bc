"""What the clock does: take up abandoned calls, look at buys whose state is due. Any process may do it at any time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from buyside.domain.errors import BuysideError
from buyside.domain.ids import AccountId, MediaBuyId, OperationId
from buyside.services.media_buys import placing, recovering
from buyside.services.work import Runtime
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
        async with work.reading() as tx:
            buy = await tx.media_buys.get(buy_id)
        after = await placing.refresh(work, buy)
        if after.check_at == buy.check_at:
            await placing.look_later(work, after)

    return await _each(one, found)


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
