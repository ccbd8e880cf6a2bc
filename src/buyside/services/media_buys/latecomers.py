"""Buys that were proved absent, and booked after all: a seller may commit long after everybody stopped waiting.

Before such a buy is placed anew, its seller's books are read once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from buyside.domain import packaging
from buyside.domain import settling as rules
from buyside.domain.errors import BuysideError, Invalid
from buyside.domain.ids import MediaBuyId
from buyside.domain.media_buys import MediaBuy, Status
from buyside.domain.orders import ObservedBuy
from buyside.services.media_buys import parts, placing, settling
from buyside.services.media_buys.parts import Parts
from buyside.services.work import Work


async def look(work: Work, drafts: Sequence[MediaBuy]) -> dict[MediaBuyId, str]:
    """Take over what is booked already. The others that must not be sent now, with the reason: their seller cannot be
    read, so nobody knows."""
    suspects = [buy for buy in drafts if buy.status is Status.DRAFT and buy.absent_at is not None]
    said = await asyncio.gather(*(_look(work, buy) for buy in suspects))
    return {buy.id: message for buy, message in zip(suspects, said, strict=True) if message is not None}


async def _look(work: Work, buy: MediaBuy) -> str | None:
    try:
        have = await parts.load(work, buy.id)
        patience = min(work.policy.read_timeout, work.policy.execute_deadline / 3)
        listed = await work.sellers.media_buys(have.seller, have.account, timeout=patience)
    except BuysideError as error:
        return f"An earlier call may have been booked late, and the seller cannot be read: {error.message}"
    mine = rules.own(listed, buy)
    if mine:
        await _take_over(work, have, mine[0], mine[1:])
    return None


async def _take_over(work: Work, have: Parts, found: ObservedBuy, extra: Sequence[ObservedBuy]) -> None:
    async with work.writing() as tx:
        campaign, buy = await parts.locked(tx, have.buy.id)
        if buy.status is not Status.DRAFT:
            return
        await tx.campaigns.commit(campaign)
        now = work.now()
        # It was sent cut along the pacing periods, and put together when it was proved absent.
        with suppress(Invalid):
            buy = packaging.to_send(campaign, buy, buy.absent_at or now)
        # The watch goes on with it at once, should this process end before the next line.
        booked = replace(rules.dispatched(buy, now), seller_buy_id=found.seller_buy_id, check_at=now)
        await tx.media_buys.save(booked, now)
    have = await parts.load(work, have.buy.id)
    settled = await settling.adopt(work, have, found, action="media_buy.found_late", extra=extra)
    await placing.follow(work, settled)
