"""What a buy delivered, read at its seller and kept: totals on the buy, days in a table of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from buyside.domain import delivery, media_buys, settling
from buyside.domain.accounts import Right
from buyside.domain.campaigns import Campaign
from buyside.domain.decisions import EntryType
from buyside.domain.delivery import Reading, Restated
from buyside.domain.errors import PlatformError
from buyside.domain.ids import MediaBuyId
from buyside.domain.media_buys import Delivered, MediaBuy, Status
from buyside.domain.orders import DeliveryRow
from buyside.services.media_buys import parts, verbs
from buyside.services.media_buys.parts import Parts
from buyside.services.work import Tx, Work

ONE_DAY = timedelta(days=1)


async def packages(work: Work, buy_id: MediaBuyId) -> MediaBuy:
    """The buy with what its seller says of delivery now; with what was last read when the seller does not answer.

    Raises: NotFound.
    """
    work.require(Right.READ)
    buy = await verbs.get(work, buy_id)
    if buy.seller_buy_id is None or buy.unsettled:
        return buy
    try:
        return await deliver(work, buy)
    except PlatformError:
        return buy


async def deliver(work: Work, buy: MediaBuy) -> MediaBuy:
    """Read all delivery up to now, and keep it by day. Raises: PlatformError."""
    return (await _read(work, buy))[0]


async def _read(work: Work, buy: MediaBuy) -> tuple[MediaBuy, Reading]:
    have = await parts.load(work, buy.id)
    rows = await _asked(work, have)
    now = work.now()
    async with work.writing() as tx:
        campaign, current = await parts.locked(tx, buy.id)
        known = await tx.delivery.days(buy.id)
        reading = delivery.read(current, known, rows, now)
        await tx.delivery.keep(buy.id, current.currency, known, reading)
        if reading.restated:
            await _say_restated(tx, campaign, current, reading.restated)
        after = await tx.media_buys.save(delivery.delivered(current, rows, now=now), now)
    return after, reading


async def _asked(work: Work, have: Parts) -> Sequence[DeliveryRow]:
    buy, now = have.buy, work.now()
    assert buy.seller_buy_id is not None
    # Nothing was delivered before it was sent; a day is added at both ends, since sellers' days are not all UTC's.
    first = (buy.forwarded_at or buy.created_at).date() - ONE_DAY
    # A sandbox keeps its own time, which may run ahead of ours.
    last = min((max(now, buy.end) if have.account.sandbox else now).date(), date.max - ONE_DAY) + ONE_DAY
    return await work.sellers.delivery(
        have.seller,
        have.account,
        [buy.seller_buy_id],
        start=first,
        end=last,
        timeout=work.policy.read_timeout,
    )


async def _say_restated(tx: Tx, campaign: Campaign, buy: MediaBuy, restated: Sequence[Restated]) -> None:
    """A seller that corrects a day which was over changes what was spent: one entry for all days of a reading."""
    named = {each.ref: f"{each.ref} " if each.ref else "" for each in restated}
    await tx.record(
        "media_buy.delivery_restated",
        f"{buy.agent_name} restated what {buy.name} delivered on {len({each.day for each in restated})} day(s).",
        parts.subject(campaign, buy),
        before={f"{named[each.ref]}{each.day}": _shown(each.before) for each in restated},
        after={f"{named[each.ref]}{each.day}": _shown(each.after) for each in restated},
        entry_type=EntryType.ANOMALY,
    )


def _shown(figures: Delivered) -> dict[str, Any]:
    return {"impressions": figures.impressions, "spend": f"{figures.spend:f}", "clicks": figures.clicks}


def is_due(buy: MediaBuy, now: datetime, every: timedelta) -> bool:
    """Whether a buy that runs, or ran until it was paused, is to be read again."""
    if buy.status not in {Status.ACTIVE, Status.PAUSED} or buy.seller_buy_id is None or buy.unsettled:
        return False
    return buy.delivery_read_at is None or buy.delivery_read_at + every <= now


async def close(work: Work, buy: MediaBuy) -> MediaBuy:
    """Read what a buy that is over delivered; a seller that reports nothing delivered nothing. It is read again once a
    day until the seller calls it final, or the days run out in which it may be corrected.

    Raises: PlatformError.
    """
    _, reading = await _read(work, buy)
    now, policy = work.now(), work.policy
    async with work.writing() as tx:
        _, current = await parts.locked(tx, buy.id)
        if current.status not in media_buys.RAN:
            return current
        patience = timedelta(days=policy.delivery_rereads)
        given_up = current.over_at is not None and now >= current.over_at + patience
        again = None if reading.final or given_up else now + ONE_DAY
        doubt = settling.next_doubt(current, now, timedelta(seconds=policy.pending_poll_max))
        again = min((at for at in (again, doubt) if at is not None), default=None)
        done = replace(current, delivered=current.delivered or Delivered(), check_at=again, checks=0)
        return await tx.media_buys.save(done, now)
