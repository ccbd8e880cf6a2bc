"""Spend beside plan: whether a package, a buy or a campaign is behind, on, ahead of or over what it should have spent.

All amounts are gross, in major units. What may be spent by a moment is a corridor: where sellers spend as soon as they
can, anything between an even pace and the whole budget is as planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from buyside.domain import campaigns
from buyside.domain.campaigns import Campaign
from buyside.domain.ids import MediaBuyId
from buyside.domain.media_buys import MICROS, RAN, MediaBuy, Package, Status
from buyside.domain.notifications import Notice, Severity

SLACK = Decimal("0.15")
"""Of what was expected: a seller's day is not even."""
LEAST_SLACK = Decimal("0.02")
"""Of the budget: in its first hours nothing can be said of a buy."""
ROUNDING = Decimal("0.002")
"""Of the budget: fees are rounded package by package, so that all of a buy's media may come to a little more."""
_WATCHED = frozenset({Status.ACTIVE, Status.PAUSED, *RAN})


class Verdict(StrEnum):
    BEHIND = "behind"
    ON = "on"
    AHEAD = "ahead"
    OVER = "over"


@dataclass(frozen=True)
class Pace:
    """Spend at a moment, and the corridor in which it was expected."""

    budget: Decimal
    spent: Decimal
    least: Decimal
    most: Decimal
    over_cap: bool = False

    @property
    def over_total(self) -> bool:
        return self.spent > self.budget + ROUNDING * self.budget

    @property
    def verdict(self) -> Verdict:
        slack = LEAST_SLACK * self.budget
        if self.over_cap or self.over_total:
            return Verdict.OVER
        if self.spent < self.least - SLACK * self.least - slack:
            return Verdict.BEHIND
        if self.spent > self.most + SLACK * self.most + slack:
            return Verdict.AHEAD
        return Verdict.ON


def expected(pacing: str | None, start: datetime, end: datetime, at: datetime) -> tuple[Decimal, Decimal]:
    """The least and the most of a budget that is spent by then, as parts of 1.

    Source: AdCP enums/pacing.json. front_loaded: the rate falls evenly from twice the average to nothing (ours).
    """
    if at <= start or end <= start:
        return (Decimal(0), Decimal(0)) if at < end else (Decimal(1), Decimal(1))
    passed = min(Decimal(1), Decimal((at - start) // _TICK) / Decimal((end - start) // _TICK))
    match pacing:
        case "asap":
            return passed, Decimal(1)
        case "front_loaded":
            front = 1 - (1 - passed) ** 2
            return front, front
    return passed, passed


_TICK = timedelta(microseconds=1)


def of_package(buy: MediaBuy, package: Package, at: datetime) -> Pace:
    start = package.start or buy.start or buy.created_at
    if buy.forwarded_at is not None:
        start = max(start, buy.forwarded_at)  # what had begun before it was sent begins then
    least, most = expected(package.pacing, start, package.end or buy.end, at)
    budget = package.budget.major
    spent = buy.gross(package.delivered.spend) if package.delivered else Decimal(0)
    return Pace(budget, spent, budget * least, budget * most)


def of_buy(buy: MediaBuy) -> Pace | None:
    """At the moment to which its delivery is known; None where nothing can be compared."""
    if buy.status not in _WATCHED or buy.delivery_read_at is None:
        return None
    spent = buy.gross(buy.delivered.spend) if buy.delivered else Decimal(0)
    if buy.status in RAN:
        return Pace(max(spent, buy.budget.major), spent, spent, spent)
    found = [of_package(buy, package, buy.delivery_read_at) for package in buy.packages if package.status != "canceled"]
    return Pace(
        sum((p.budget for p in found), Decimal(0)),
        spent,
        sum((p.least for p in found), Decimal(0)),
        sum((p.most for p in found), Decimal(0)),
    )


def of_campaign(campaign: Campaign, buys: Iterable[MediaBuy], today: Mapping[MediaBuyId, int]) -> Pace | None:
    """All buys together, against the campaign's total and its cap for a day. `today`: media micros by buy."""
    known = [(buy, pace) for buy in buys if (pace := of_buy(buy)) is not None]
    if not known:
        return None
    cap = campaign.spec.budget.daily_cap
    day = sum((buy.gross(Decimal(today.get(buy.id, 0)) / MICROS) for buy, _ in known), Decimal(0))
    return Pace(
        campaign.spec.budget.total.major,
        sum((pace.spent for _, pace in known), Decimal(0)),
        sum((pace.least for _, pace in known), Decimal(0)),
        sum((pace.most for _, pace in known), Decimal(0)),
        over_cap=cap is not None and day > cap.major,
    )


def must_stop(campaign: Campaign, pace: Pace, now: datetime) -> tuple[bool, datetime | None]:
    """Whether what serves spends beyond the campaign's money, and until when it should rest: the next UTC day where it
    is the daily cap, None where it is the total."""
    if campaign.status is not campaigns.Status.ACTIVE:
        return False, None
    if pace.over_total:
        return True, None
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return pace.over_cap, midnight if pace.over_cap else None


def notice(kind: str, which: str, name: str, pace: Pace, currency: str) -> Notice:
    """How it is told: `kind` is campaign or media_buy. Being on plan is told only after it was not."""
    verdict = pace.verdict
    on = verdict is Verdict.ON
    said = "on plan again" if on else "over its daily cap" if pace.over_cap else f"{verdict.value} plan"
    action = "healthy" if on else "unhealthy"
    severity = Severity.INFO if on else Severity.ERROR if verdict is Verdict.OVER else Severity.WARNING
    message = (
        f"{name} is {said}: {pace.spent:,.2f} of {pace.budget:,.2f} {currency} are spent, "
        f"{_corridor(pace)} {currency} were expected by now."
    )
    state = f"{verdict.value} cap" if pace.over_cap else verdict.value
    return Notice(f"{kind}.{action}", severity, message, f"{kind}.pacing:{which}", state, quiet_at_first=on)


def _corridor(pace: Pace) -> str:
    return f"{pace.least:,.2f}" if pace.least == pace.most else f"{pace.least:,.2f} to {pace.most:,.2f}"


def serving(buys: Sequence[MediaBuy]) -> list[MediaBuy]:
    """What would go on spending."""
    return [buy for buy in buys if buy.status is Status.ACTIVE and buy.paused_by is None and not buy.stops]
