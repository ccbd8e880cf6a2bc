"""What was delivered, added up for a report. Spend is gross; a ratio without a denominator is not a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal

from buyside.domain.errors import Invalid
from buyside.domain.media_buys import MICROS, Delivered, MediaBuy

_SHOWN = Decimal("0.000001")
LONGEST_DAYS = 90


@dataclass(frozen=True)
class Metrics:
    """Money in major units of one currency."""

    impressions: int = 0
    spend: Decimal = Decimal(0)
    clicks: int = 0
    views: int = 0
    completed_views: int = 0
    conversions: int = 0
    leads: int = 0
    conversion_value: Decimal = Decimal(0)

    @property
    def ecpm(self) -> Decimal | None:
        return ratio(self.spend * 1000, self.impressions)

    @property
    def cpc(self) -> Decimal | None:
        return ratio(self.spend, self.clicks)

    @property
    def ctr(self) -> Decimal | None:
        return ratio(self.clicks, self.impressions)

    @property
    def completion_rate(self) -> Decimal | None:
        return ratio(self.completed_views, self.impressions)

    @property
    def cpa(self) -> Decimal | None:
        return ratio(self.spend, self.conversions)

    @property
    def roas(self) -> Decimal | None:
        return ratio(self.conversion_value, self.spend)


def ratio(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """To six decimals; None where there is nothing to divide by."""
    return (Decimal(part) / Decimal(whole)).quantize(_SHOWN).normalize() + 0 if whole else None


def of(buy: MediaBuy, figures: Delivered) -> Metrics:
    return Metrics(
        figures.impressions,
        buy.gross(figures.spend),
        figures.clicks or 0,
        figures.views or 0,
        figures.completed_views or 0,
        figures.conversions or 0,
        figures.leads or 0,
        Decimal(figures.conversion_value_micros or 0) / MICROS,
    )


def added(several: Iterable[Metrics]) -> Metrics:
    """Their sum. Only amounts of one currency add up: whoever calls sees to that."""
    listed = list(several)
    return Metrics(**{f.name: sum((getattr(m, f.name) for m in listed), f.default) for f in fields(Metrics)})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Period:
    """UTC days, both included; None is open."""

    first: date | None
    last: date | None


def period(start: date | None, end: date | None, days: int, today: date) -> Period:
    """The days of a report: the dates where both are given, else so many days to the end, or all where `days` is 0.

    Raises: Invalid when it ends before it starts.
    """
    if start is not None and end is None:
        end = max(start, today)
    if end is not None and start is not None:
        if end < start:
            raise Invalid("endDate is before startDate.", field="endDate")
        return Period(start, end)
    if days == 0:
        return Period(None, end)
    last = end or today
    return Period(last - timedelta(days=min(days, last.toordinal()) - 1), last)
