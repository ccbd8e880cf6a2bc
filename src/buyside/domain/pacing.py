"""Pacing periods: a flight cut into windows of different intensity; what lies between them spends nothing.

Days are UTC days (interchange.md 2.5, ruling 0.6). `packaging` cuts a buy along them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

from buyside.domain.errors import Invalid, Issue, Path
from buyside.domain.flight import Flight
from buyside.domain.money import Money, total

MOST = 52
FIELD: Path = ("pacingPeriods",)


class Mode(StrEnum):
    WEIGHT = "weight"
    BUDGET = "budget"


@dataclass(frozen=True)
class Period:
    """First and last day inclusive. A weight, or a budget, of nothing: the period is skipped."""

    label: str
    start: date
    end: date
    weight: Decimal | None = None
    budget: Money | None = None

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def opens(self) -> datetime:
        return datetime.combine(self.start, time(0), UTC)

    @property
    def closes(self) -> datetime:
        return datetime.combine(self.end, time(23, 59, 59), UTC)


@dataclass(frozen=True)
class PacingPeriods:
    mode: Mode
    periods: tuple[Period, ...]


def check(wanted: PacingPeriods, flight: Flight, whole: Money, at: Path = FIELD) -> None:
    """Raises: Invalid with every finding, each at its period below `at`."""
    if issues := list(_findings(wanted, flight, whole, (*at, "periods"))):
        raise Invalid.of(issues)


def _findings(wanted: PacingPeriods, flight: Flight, whole: Money, at: Path) -> Iterator[Issue]:
    if not 1 <= len(wanted.periods) <= MOST:
        yield Issue(at, f"There are 1 to {MOST} periods.")
    last: Period | None = None
    for index, period in enumerate(wanted.periods):
        here = (*at, index)
        yield from _dates(period, last, flight, here)
        yield from _share(period, wanted.mode, here)
        last = period
    yield from _sums(wanted, whole, at)


def _dates(period: Period, last: Period | None, flight: Flight, at: Path) -> Iterator[Issue]:
    first, final = flight.start.astimezone(UTC).date(), flight.end.astimezone(UTC).date()
    if not 1 <= len(period.label) <= 100:
        yield Issue((*at, "label"), "A label has 1 to 100 characters.")
    if period.end < period.start:
        yield Issue((*at, "end"), "A period ends on or after the day it starts on.")
    if period.start < first:
        yield Issue((*at, "start"), f"The flight starts on {first} only.")
    if period.end > final:
        yield Issue((*at, "end"), f"The flight ends on {final} already.")
    if last is not None and period.start <= last.end:
        yield Issue((*at, "start"), f"Periods are in order and do not overlap; the one before ends on {last.end}.")


def _share(period: Period, mode: Mode, at: Path) -> Iterator[Issue]:
    if mode is Mode.WEIGHT and period.weight is None:
        yield Issue((*at, "weight"), "Mode weight needs a weight in every period.")
    if mode is Mode.BUDGET and period.budget is None:
        yield Issue((*at, "budget"), "Mode budget needs a budget in every period.")
    if period.weight is not None and not 0 <= period.weight <= 10:
        yield Issue((*at, "weight"), "A weight is between 0 and 10.")
    if period.budget is not None and period.budget.minor < 0:
        yield Issue((*at, "budget"), "A budget is not below zero.")


def _sums(wanted: PacingPeriods, whole: Money, at: Path) -> Iterator[Issue]:
    shares = [(p.weight if wanted.mode is Mode.WEIGHT else p.budget and p.budget.major) for p in wanted.periods]
    if wanted.periods and not any(shares):
        yield Issue(at, "Every period would be skipped.")
    most = ceiling(wanted)
    if most is not None and most > whole:
        yield Issue(at, f"The periods hold {most}, more than the {whole} there is to spend.")


def ceiling(wanted: PacingPeriods | None) -> Money | None:
    """What all periods may spend together where they have budgets of their own; the rest stays unallocated."""
    if wanted is None or wanted.mode is not Mode.BUDGET:
        return None
    budgets = [p.budget for p in wanted.periods if p.budget is not None]
    return total(budgets, budgets[0].currency) if budgets else None


def resolved(wanted: PacingPeriods, whole: Money) -> list[Money]:
    """Each period's budget. In weight mode they sum to `whole`: shares of days × weight, to the minor unit."""
    if wanted.mode is Mode.BUDGET:
        return [p.budget or Money.zero(whole.currency) for p in wanted.periods]
    return whole.split([p.days * (p.weight or Decimal(0)) for p in wanted.periods])


def facts(wanted: PacingPeriods) -> dict[str, Any]:
    """As the decision log writes it."""
    return {
        "mode": wanted.mode.value,
        "periods": [
            {
                "label": p.label,
                "start": p.start.isoformat(),
                "end": p.end.isoformat(),
                "weight": None if p.weight is None else str(p.weight),
                "budget": None if p.budget is None else str(p.budget),
            }
            for p in wanted.periods
        ],
    }


def of_facts(written: Mapping[str, Any]) -> PacingPeriods:
    """What `facts` wrote."""
    return PacingPeriods(
        Mode(written["mode"]),
        tuple(
            Period(
                each["label"],
                date.fromisoformat(each["start"]),
                date.fromisoformat(each["end"]),
                None if each["weight"] is None else Decimal(each["weight"]),
                None if each["budget"] is None else Money.read(each["budget"]),
            )
            for each in written["periods"]
        ),
    )
