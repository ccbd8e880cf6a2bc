"""A buy cut along pacing periods: a DRAFT holds one package a product, its seller gets one a product and period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from buyside.domain import media_buys
from buyside.domain.campaigns import Campaign
from buyside.domain.errors import Invalid, Path, dotted
from buyside.domain.media_buys import MediaBuy, Package
from buyside.domain.money import Money, total
from buyside.domain.pacing import FIELD, PacingPeriods, Period, ceiling, check, resolved


def to_send(campaign: Campaign, buy: MediaBuy, now: datetime) -> MediaBuy:
    """The buy as its seller is to hold it. What was cut before is put together first, so cutting twice cuts once.

    The share of a period that is over is not bought and stays unallocated.
    Raises: Invalid when no period is left, or when a part is less than the product's seller sells.
    """
    whole = gathered(buy)
    schedule = buy.pacing or campaign.spec.pacing_periods
    if schedule is None:
        return whole
    windows = _windows(campaign, whole, schedule)
    cut = [part for package in whole.packages for part in _parts(whole, package, windows, now)]
    if not cut:
        raise Invalid("No pacing period is left to buy for.", field="pacingPeriods")
    return replace(whole, packages=tuple(cut))


@dataclass(frozen=True)
class _Window:
    """One period as far as the buy runs in it. `number` counts from 1, skipped periods too."""

    number: int
    period: Period
    share: Money
    start: datetime
    end: datetime


def _windows(campaign: Campaign, buy: MediaBuy, schedule: PacingPeriods) -> list[_Window]:
    """Where the buy runs, with what each window weighs. A buy that runs in fewer periods spends all in those."""
    first = buy.start or campaign.spec.flight.start
    found = []
    shares = shown_budgets(buy) or resolved(schedule, campaign.spec.budget.total)
    for number, (period, share) in enumerate(zip(schedule.periods, shares, strict=True), start=1):
        start, end = max(period.opens, first), min(period.closes, buy.end)
        if share and start < end:
            found.append(_Window(number, period, share, start, end))
    return found


def _parts(buy: MediaBuy, package: Package, windows: Sequence[_Window], now: datetime) -> Iterator[Package]:
    budgets = package.budget.split([w.share.minor for w in windows]) if windows else []
    for window, budget in zip(windows, budgets, strict=True):
        if not budget or window.end <= now:
            continue
        _require_least(buy, package, window, budget)
        yield replace(
            package,
            ref=f"{package.ref}.{window.number}",
            budget=budget,
            start=window.start,
            end=window.end,
            period=window.number,
            period_label=window.period.label,
            whole=package.budget,
        )


def _require_least(buy: MediaBuy, package: Package, window: _Window, budget: Money) -> None:
    least = package.min_spend
    if least is not None and buy.media_part(budget).major < least:
        raise Invalid(
            f"{package.product_name or package.product_id} is sold from {least:f} {buy.currency} on, and pacing period "
            f"{window.number} ({window.period.label}) leaves it {buy.media_part(budget)}.",
            field=f"pacingPeriods.periods[{window.number - 1}]",
        )


def gathered(buy: MediaBuy) -> MediaBuy:
    """The buy with one package a product again: what `to_send` cut, put together."""
    if all(p.period is None for p in buy.packages):
        return buy
    seen: dict[str, Package] = {}
    for package in buy.packages:
        ref = package.ref if package.period is None else package.ref.rpartition(".")[0]
        seen.setdefault(ref, _one_piece(package, ref))
    return replace(buy, packages=tuple(seen.values()))


def _one_piece(package: Package, ref: str) -> Package:
    if package.period is None:
        return package
    return replace(
        package,
        ref=ref,
        budget=package.whole or package.budget,
        whole=None,
        start=None,
        end=None,
        period=None,
        period_label=None,
    )


def require_fits(schedule: PacingPeriods | None, buys: Sequence[MediaBuy], at: Path = FIELD) -> None:
    """Raises: Invalid when the buys that follow this schedule need more than its periods may spend."""
    most = ceiling(schedule)
    if most is None:
        return
    needed = planned(buys, most.currency)
    if needed > most:
        raise Invalid(f"The media buys need {needed}, the pacing periods hold {most}.", field=dotted(at))


def planned(buys: Sequence[MediaBuy], currency: str) -> Money:
    """Gross, of the buys that are not over and have no schedule of their own."""
    following = [b for b in buys if b.status not in media_buys.TERMINAL and b.pacing is None]
    return total([gathered(b).budget for b in following], currency)


def with_pacing(campaign: Campaign, buy: MediaBuy, wanted: PacingPeriods | None, at: Path) -> MediaBuy:
    """The buy with a schedule of its own in place of the campaign's, or with none (interchange.md 2.5).

    Raises: Invalid, its findings below `at`; also for a buy that its seller has taken already.
    """
    if wanted == buy.pacing:
        return buy
    if buy.status not in {media_buys.Status.DRAFT, media_buys.Status.PENDING_APPROVAL}:
        raise Invalid(f"A {buy.status.value} media buy keeps its pacing periods.", field=dotted(at))
    changed = replace(buy, pacing=wanted)
    if wanted is not None:
        check(wanted, campaign.spec.flight, campaign.spec.budget.total, at)
        most, needed = ceiling(wanted), gathered(buy).budget
        if most is not None and needed > most:
            raise Invalid(f"The media buy spends {needed}, these periods hold {most}.", field=dotted(at))
    return changed


def shown_budgets(buy: MediaBuy) -> list[Money]:
    """What the buy's own periods resolve to, in their order; empty where it has none."""
    return [] if buy.pacing is None else resolved(buy.pacing, gathered(buy).budget)


def is_paced(buy: MediaBuy) -> bool:
    return any(p.period is not None for p in buy.packages)
