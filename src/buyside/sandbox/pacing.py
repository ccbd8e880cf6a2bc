"""How a package spends: evenly over its flight, while it can run. What a pause costs is not made up for.

A package keeps its plans (an amount over a stretch of time; a new one with each change of budget or dates) and the
intervals in which it was live. What was spent at any instant follows from the two, so it can be asked twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from buyside.sandbox import Doc, times

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Stretch:
    """A live interval inside one plan: it spends `rate` minor units per microsecond."""

    start: datetime
    end: datetime
    rate: Fraction
    bid: str | None

    def spent(self, until: datetime) -> Fraction:
        return self.rate * (max(min(until, self.end) - self.start, timedelta(0)) // _MICROSECOND)


def replan(package: Doc, *, at: datetime, start: datetime, end: datetime) -> None:
    """From `at` on, what is left of the budget is spread over what is left of the flight."""
    left = package["budget"] - spent(package, at)
    plans = package["plans"]
    if plans:
        plans[-1]["to"] = times.written(at)
    opens = max(start, at)
    plan = {"from": times.written(opens), "to": None, "until": times.written(end)}
    plans.append({**plan, "amount": left, "bid": package["bid"]})


def switch(package: Doc, *, live: bool, at: datetime) -> None:
    """Notes that the package runs, or runs no more, from `at` on."""
    intervals = package["live"]
    running = bool(intervals) and intervals[-1][1] is None
    if live and not running:
        intervals.append([times.written(at), None])
    elif running and not live:
        intervals[-1][1] = times.written(at)


def stretches(package: Doc) -> list[Stretch]:
    found = []
    for each in package["plans"]:
        opens, until = times.read(each["from"]), times.read(each["until"])
        closes = min(until, times.read(each["to"])) if each["to"] else until
        if until <= opens:
            continue
        rate = Fraction(each["amount"], (until - opens) // _MICROSECOND)
        for since, to in package["live"]:
            start, end = max(opens, times.read(since)), min(closes, times.read(to)) if to else closes
            if start < end:
                found.append(Stretch(start, end, rate, each["bid"]))
    return found


def spent_of(parts: list[Stretch], until: datetime) -> int:
    """Minor units, rounded down."""
    return int(sum((part.spent(until) for part in parts), Fraction(0)))


def spent(package: Doc, until: datetime) -> int:
    """Minor units, rounded down; never above the budget of the package."""
    return spent_of(stretches(package), until)
