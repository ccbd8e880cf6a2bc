"""A stop: nothing in its scope may spend until it is undone. What it does to a buy is written on the buy (ADR 0013)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from buyside.domain.errors import Conflict
from buyside.domain.ids import AdvertiserId, MediaBuyId, StopId, StorefrontId
from buyside.domain.media_buys import LIVE, MediaBuy, PausedBy, Status


@dataclass(frozen=True)
class Scope:
    """What a stop covers; both None: the whole account. With both, an advertiser's buys at one storefront."""

    advertiser_id: AdvertiserId | None = None
    storefront_id: StorefrontId | None = None

    def covers(self, buy: MediaBuy) -> bool:
        """Whether it covers a buy of an advertiser that it covers."""
        return self.storefront_id is None or self.storefront_id == buy.storefront_id

    @property
    def label(self) -> str:
        named = [
            f"advertiser {self.advertiser_id}" if self.advertiser_id is not None else "",
            f"storefront {self.storefront_id}" if self.storefront_id is not None else "",
        ]
        return " at ".join(each for each in named if each) or "the whole account"


@dataclass(frozen=True)
class Stop:
    id: StopId
    scope: Scope
    reason: str
    actor: str
    made_at: datetime
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    held: tuple[MediaBuyId, ...] = ()
    """The buys that it alone held when it was undone: those that undoing lets go on."""

    @property
    def standing(self) -> bool:
        return self.lifted_at is None

    def undone(self, actor: str, now: datetime, held: Sequence[MediaBuyId]) -> Stop:
        """Raises: Conflict when it was undone before."""
        if self.lifted_at is not None:
            raise Conflict(f"Stop {self.id} was undone already, at {self.lifted_at:%Y-%m-%d %H:%M} UTC.")
        return replace(self, lifted_at=now, lifted_by=actor, held=tuple(held))


def refusal(stop: Stop | StopId, what: str) -> Conflict:
    """Why `what` must not begin to spend: names the stop, and how to end it."""
    stop_id = stop.id if isinstance(stop, Stop) else stop
    why = f" ({stop.reason})" if isinstance(stop, Stop) else ""
    return Conflict(
        f"Stop {stop_id} stands over {what}{why}: nothing there may begin to spend. To end it: "
        f"buyside stop undo {stop_id}.",
        details={"stopId": stop_id},
    )


def under(buy: MediaBuy, standing: Sequence[Stop]) -> MediaBuy:
    """The buy with the marks that these stops, all that stand over its advertiser, put on it.

    What somebody else holds stays theirs. A buy that only a stop held goes on with its campaign once none is left.
    """
    if buy.status not in LIVE:
        return buy
    covering = tuple(stop.id for stop in standing if stop.scope.covers(buy))
    by = buy.paused_by
    if covering and by is None:
        by = PausedBy.STOP
    elif not covering and by is PausedBy.STOP:
        resumable = buy.seller_buy_id is not None and buy.status is not Status.ACTIVE
        by = PausedBy.CAMPAIGN if resumable else None
    return buy if (covering, by) == (buy.stops, buy.paused_by) else replace(buy, stops=covering, paused_by=by)
