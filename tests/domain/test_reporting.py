"""Reports: sums, ratios and periods."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.domain import reporting
from buyside.domain.errors import Invalid
from buyside.domain.reporting import Metrics, Period, period

TODAY = date(2026, 3, 10)
COUNT, MONEY = st.integers(0, 10**6), st.integers(0, 10**9).map(lambda n: Decimal(n) / 10**6)
METRICS = st.builds(Metrics, COUNT, MONEY, COUNT, COUNT, COUNT, COUNT, COUNT, MONEY)


def test_a_ratio_without_a_denominator_is_no_number() -> None:
    none = Metrics()
    assert {none.ecpm, none.cpc, none.ctr, none.completion_rate, none.cpa, none.roas} == {None}
    some = Metrics(2000, Decimal(5), 10, 0, 500, 2, 0, Decimal(15))
    assert (some.ecpm, some.cpc, some.ctr) == (Decimal("2.5"), Decimal("0.5"), Decimal("0.005"))
    assert (some.completion_rate, some.cpa, some.roas) == (Decimal("0.25"), Decimal("2.5"), Decimal(3))


@given(st.lists(METRICS, max_size=6), st.integers(0, 6))
def test_sums_of_parts_add_up_to_the_sum_of_all(several: list[Metrics], cut: int) -> None:
    parts = [reporting.added(several[:cut]), reporting.added(several[cut:])]
    assert reporting.added(parts) == reporting.added(several)


@pytest.mark.parametrize(
    ("start", "end", "days", "meant"),
    [
        (None, None, 7, Period(date(2026, 3, 4), TODAY)),
        (None, None, 0, Period(None, None)),
        (None, None, 1, Period(TODAY, TODAY)),
        (date(2026, 1, 1), date(2026, 2, 1), 3, Period(date(2026, 1, 1), date(2026, 2, 1))),
        (date(2026, 3, 1), None, 7, Period(date(2026, 3, 1), TODAY)),
        (date(2027, 1, 1), None, 7, Period(date(2027, 1, 1), date(2027, 1, 1))),
        (None, date(2026, 3, 2), 2, Period(date(2026, 3, 1), date(2026, 3, 2))),
        (None, date(2026, 3, 2), 0, Period(None, date(2026, 3, 2))),
        (None, date.min, 90, Period(date.min, date.min)),
    ],
)
def test_the_days_of_a_report(start: date | None, end: date | None, days: int, meant: Period) -> None:
    assert period(start, end, days, TODAY) == meant


def test_a_report_does_not_end_before_it_starts() -> None:
    with pytest.raises(Invalid) as refused:
        period(TODAY, TODAY - timedelta(1), 7, TODAY)
    assert refused.value.field == "endDate"
