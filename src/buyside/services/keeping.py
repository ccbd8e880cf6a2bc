"""What the clock does: take up abandoned calls, look at buys whose state is due. Any process may do it at any time."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import TypeVar

from buyside.domain.errors import BuysideError, PlatformError, RateLimited, StoreUnavailable, Unavailable
from buyside.domain.ids import AccountId, AgentId, CampaignId, MediaBuyId, OperationId, StopId
from buyside.domain.media_buys import RAN, MediaBuy, Status
from buyside.services import media_buys, stops
from buyside.services.campaigns import pacing
from buyside.services.media_buys import delivering, latecomers, placing, recovering, settling
from buyside.services.work import Runtime, Work
from buyside.store import campaigns as stored_campaigns
from buyside.store import discoveries as stored_discoveries
from buyside.store import media_buys as stored_buys
from buyside.store import operations as stored_operations
from buyside.store import stops as stored_stops

Id = TypeVar("Id")

log = logging.getLogger(__name__)

_AT_ONCE = 16
_AT_ONE_SELLER = 4
_BATCH = 200


async def sweep(runtime: Runtime) -> int:
    """Bring open operations whose lease or pause ran out one step on; how many were taken up (decision 4)."""
    async with runtime.database.read.connect() as conn:
        found = await stored_operations.due(conn, runtime.clock(), _BATCH)

    async def one(account: AccountId, operation: OperationId) -> None:
        await recovering.recover(runtime.as_system(account, "recovery"), operation)

    return await _each(one, found)


async def watch(runtime: Runtime) -> int:
    """Read the buys that are due at their sellers, and act on what is found; how many were taken up.

    A seller has a few calls at a time and a share of the round: past it, or after it did not answer, its other buys
    are put off, so that it holds up nobody's but its own.
    """
    now, policy = runtime.clock(), runtime.policy
    share = 2 * policy.read_timeout
    # Longer than a look may take: its status, its delivery, and what follows from them.
    lease = timedelta(seconds=2 * share + 2 * policy.call_timeout)
    async with runtime.database.write.begin() as conn:
        found = await stored_buys.take_due(conn, now, now + lease, _BATCH)
    by_seller: defaultdict[AgentId, list[tuple[AccountId, MediaBuyId]]] = defaultdict(list)
    for account, buy, agent in found:
        by_seller[agent].append((account, buy))
    read: set[tuple[AccountId, CampaignId]] = set()
    await asyncio.gather(*(_Round(runtime, share, read).of(buys) for buys in by_seller.values()))

    async def paced(account: AccountId, campaign_id: CampaignId) -> None:
        await pacing.check(runtime.as_system(account, "watch"), campaign_id)

    await _each(paced, read)
    return len(found)


class _Round:
    """One seller's part of a round."""

    def __init__(self, runtime: Runtime, share: float, read: set[tuple[AccountId, CampaignId]]) -> None:
        """`read` takes up the campaigns of which more delivery is known."""
        self._read = read
        self._runtime, self._loop = runtime, asyncio.get_running_loop()
        self._until = self._loop.time() + share
        self._silent = False

    async def of(self, buys: Sequence[tuple[AccountId, MediaBuyId]]) -> None:
        await _each(self._one, buys, at_once=_AT_ONE_SELLER)

    async def _one(self, account: AccountId, buy_id: MediaBuyId) -> None:
        work = self._runtime.as_system(account, "watch")
        buy = await media_buys.get(work, buy_id)
        if self._silent or self._loop.time() > self._until:
            await placing.look_later(work, buy)
            return
        try:
            after = await _look(work, buy)
            if after.delivery_read_at != buy.delivery_read_at:
                self._read.add((account, after.campaign_id))
        except PlatformError as error:
            if isinstance(error, (Unavailable, RateLimited)):
                self._silent = True
            log.info("media buy %s could not be read: %s", buy_id, error.message)
            await placing.look_later(work, await media_buys.get(work, buy_id))


async def see_through(runtime: Runtime) -> int:
    """Carry on the stops, and the stops undone, whose process ended before all in their scope had been seen to."""
    async with runtime.database.read.connect() as conn:
        found = await stored_stops.due(conn, runtime.clock(), _BATCH)

    async def one(account: AccountId, stop: StopId) -> None:
        await stops.carry_on(runtime.as_system(account, "recovery"), stop)

    return await _each(one, found)


async def _look(work: Work, buy: MediaBuy) -> MediaBuy:
    """Live: how it stands. Over: what it delivered. DRAFT: whether an unanswered create was booked late.

    Raises: PlatformError when the seller cannot be read.
    """
    match buy.status:
        case Status.DRAFT:
            await latecomers.look(work, [buy])
            after = await media_buys.get(work, buy.id)
        case _ if buy.doubted_until is not None:
            after = await _doubted(work, buy)
        case _ if buy.status in RAN:
            return await media_buys.close(work, buy)
        case _:
            after = await placing.look(work, buy)
    if after.check_at == buy.check_at:
        after = await placing.look_later(work, after)
    if delivering.is_due(after, work.now(), timedelta(seconds=work.policy.delivery_every)):
        after = await media_buys.deliver(work, after)
    return after


async def _doubted(work: Work, buy: MediaBuy) -> MediaBuy:
    """Look whether it is over at all; once nothing has spoken for it long enough, it is."""
    try:
        after = await placing.look(work, buy)
        if after.status in RAN:
            await media_buys.close(work, after)
    finally:
        after = await settling.believe(work, buy.id)
    return after


async def complete(runtime: Runtime) -> int:
    """Bring campaigns to their end whose flight is over; how many there were."""
    async with runtime.database.read.connect() as conn:
        found = await stored_campaigns.over(conn, runtime.clock(), _BATCH)

    async def one(account: AccountId, campaign_id: CampaignId) -> None:
        work = runtime.as_system(account, "watch")
        async with work.writing() as tx:
            await settling.campaign_after(tx, work, await tx.campaigns.lock(campaign_id))

    return await _each(one, found)


async def tidy(runtime: Runtime) -> int:
    """Forget the discovery sessions that were never bought from, a few at a time; how many there were."""
    before = runtime.clock() - timedelta(days=runtime.policy.discovery_retention)
    done = 0
    while True:
        async with runtime.database.write.begin() as conn:
            gone = await stored_discoveries.forget_old(conn, before, _AT_ONCE)
        done += gone
        if gone < _AT_ONCE:
            return done


async def take_up(runtime: Runtime, account: int, operation: str) -> None:
    """The job that a transaction left beside an operation: by now it is done, unless its process is gone."""
    await recovering.recover(runtime.as_system(AccountId(account), "follow-up"), OperationId(operation))


async def _each(
    act: Callable[[AccountId, Id], Awaitable[None]], found: Iterable[tuple[AccountId, Id]], *, at_once: int = _AT_ONCE
) -> int:
    """A few at a time, so that one slow seller holds up neither the others nor the store."""
    gate = asyncio.Semaphore(at_once)

    async def guarded(account: AccountId, which: Id) -> None:
        async with gate:
            try:
                await act(account, which)
            except StoreUnavailable:
                return  # said once, by the store itself; the next round finds this one again
            except BuysideError as error:
                log.warning("%s is left for the next round: %s", which, error.message)
            except Exception:
                log.exception("%s is left for the next round", which)

    jobs = [guarded(account, which) for account, which in found]
    await asyncio.gather(*jobs)
    return len(jobs)
