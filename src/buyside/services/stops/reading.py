"""How a stop stands: what it paused, what it holds back, and what still runs, as the buys say it now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from buyside.domain import campaigns
from buyside.domain.accounts import Right
from buyside.domain.ids import MediaBuyId, StopId
from buyside.domain.media_buys import MediaBuy, PausedBy, Status
from buyside.domain.stops import Scope, Stop
from buyside.services.work import Tx, Work

_PART = 500

BEING_PLACED = (
    "It is being placed and its seller has not answered; should the seller book it, it is paused at once. This goes on "
    "by itself."
)
UNCONFIRMED = "The seller has not confirmed it yet; it goes on by itself."


@dataclass(frozen=True)
class Line:
    """A buy, and why it is where it is."""

    media_buy_id: MediaBuyId
    message: str


@dataclass(frozen=True)
class Standing:
    """Of a stop that stands: `paused`, `held` (it waits and will not begin), `refused` (it may still spend).

    Of one that was undone: `resumed`, `kept` (paused for another reason), `refused` (it should run again and does not).
    """

    stop: Stop
    paused: tuple[MediaBuyId, ...] = ()
    held: tuple[MediaBuyId, ...] = ()
    resumed: tuple[MediaBuyId, ...] = ()
    kept: tuple[Line, ...] = ()
    refused: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Page:
    stops: tuple[Stop, ...]
    total: int
    has_more: bool


async def get(work: Work, stop_id: StopId) -> Standing:
    """Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        stop = await tx.stops.get(stop_id)
        if stop.standing:
            return standing(stop, [found async for found in live(tx, stop.scope)])
        return undone(stop, [found async for found in _named(tx, stop.held)])


async def page(work: Work, *, after: tuple[datetime, str] | None = None, limit: int, offset: int = 0) -> Page:
    """Newest first; older than `after` (at, id) where it is given."""
    work.require(Right.READ)
    async with work.reading() as tx:
        found = await tx.stops.page(after=after, limit=limit + 1, offset=offset)
        return Page(tuple(found[:limit]), await tx.stops.count(), len(found) > limit)


async def live(tx: Tx, scope: Scope) -> AsyncIterator[tuple[MediaBuy, campaigns.Status]]:
    """The buys in the scope that are placed and not over."""
    last: MediaBuyId | None = None
    while True:
        found = await tx.media_buys.live_in(scope, after=last, limit=_PART)
        for each in found:
            yield each
        if len(found) < _PART:
            return
        last = found[-1][0].id


async def _named(tx: Tx, ids: Sequence[MediaBuyId]) -> AsyncIterator[tuple[MediaBuy, campaigns.Status]]:
    for start in range(0, len(ids), _PART):
        for each in await tx.media_buys.by_ids(ids[start : start + _PART]):
            yield each


def standing(stop: Stop, buys: Iterable[tuple[MediaBuy, campaigns.Status]]) -> Standing:
    paused, held, refused = list[MediaBuyId](), list[MediaBuyId](), list[Line]()
    for buy, _ in buys:
        match buy.status:
            case Status.PAUSED if buy.paused_by is PausedBy.STOP:
                paused.append(buy.id)
            case Status.ACTIVE:
                refused.append(Line(buy.id, _why(buy)))
            case Status.PENDING_APPROVAL | Status.INPUT_REQUIRED if buy.unsettled:
                refused.append(Line(buy.id, BEING_PLACED))
            case Status.PENDING_APPROVAL | Status.INPUT_REQUIRED:
                held.append(buy.id)
    return Standing(stop, tuple(paused), tuple(held), refused=tuple(refused))


def undone(stop: Stop, buys: Iterable[tuple[MediaBuy, campaigns.Status]]) -> Standing:
    resumed, kept, refused = list[MediaBuyId](), list[Line](), list[Line]()
    for buy, campaign in buys:
        if buy.stops:
            kept.append(Line(buy.id, f"Stop {buy.stops[0]} stands over it too."))
        elif buy.status is not Status.PAUSED:
            resumed.append(buy.id)
        elif campaign is not campaigns.Status.ACTIVE:
            kept.append(Line(buy.id, f"Its campaign is {campaign.value}."))
        elif buy.paused_by in {PausedBy.CAMPAIGN, PausedBy.STOP, None}:
            refused.append(Line(buy.id, _why(buy)))
        else:
            kept.append(Line(buy.id, f"It is paused by: {buy.paused_by.value}."))
    return Standing(stop, resumed=tuple(resumed), kept=tuple(kept), refused=tuple(refused))


def _why(buy: MediaBuy) -> str:
    return buy.trouble.message if buy.trouble is not None else UNCONFIRMED
