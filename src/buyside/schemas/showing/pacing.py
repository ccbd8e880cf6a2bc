from __future__ import annotations

from collections.abc import Sequence

from buyside.domain import pacing
from buyside.domain.money import Money
from buyside.schemas import pacing as wire


def periods(schedule: pacing.PacingPeriods, budgets: Sequence[Money]) -> wire.PacingPeriods:
    """`budgets`: what each period resolves to."""
    return wire.PacingPeriods(
        mode=schedule.mode.value,
        periods=[
            wire.PacingPeriod(
                label=period.label, start=period.start, end=period.end, weight=period.weight, budget=budget.major
            )
            for period, budget in zip(schedule.periods, budgets, strict=True)
        ],
    )
