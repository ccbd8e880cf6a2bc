"""Spend beside plan: verdicts, for every pacing and whatever was spent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.domain import spending
from buyside.domain.campaigns import Budget
from buyside.domain.campaigns import Status as CampaignStatus
from buyside.domain.media_buys import MICROS, Delivered, MediaBuy, Status
from buyside.domain.spending import Pace, Verdict
from tests.domain.values import END, START, a_buy, a_campaign, a_package, usd

PACING = st.sampled_from([None, "even", "asap", "front_loaded"])
MOMENTS = st.floats(-0.5, 1.5).map(lambda part: START + part * (END - START))


def a_read_buy(spent: str, *, part: float = 0.5, pacing: str | None = None, **more: Any) -> MediaBuy:
    got = Delivered(1, int(Decimal(spent) * MICROS))
    package = a_package("p1", "1000", pacing=pacing, delivered=got, package_id="s_p1")
    at = START + part * (END - START)
    return a_buy(Status.ACTIVE, package, delivered=got, delivery_read_at=at, seller_buy_id="s", **more)


@pytest.mark.parametrize(
    ("pacing", "spent", "verdict"),
    [
        ("even", "500", Verdict.ON),
        ("even", "400", Verdict.BEHIND),
        ("even", "410", Verdict.ON),
        ("even", "590", Verdict.ON),
        ("even", "600", Verdict.AHEAD),
        ("even", "1003", Verdict.OVER),
        ("front_loaded", "750", Verdict.ON),
        ("front_loaded", "500", Verdict.BEHIND),
        ("asap", "999", Verdict.ON),
        ("asap", "400", Verdict.BEHIND),
        (None, "600", Verdict.AHEAD),
    ],
)
def test_half_way_through_a_flight(pacing: str | None, spent: str, verdict: Verdict) -> None:
    pace = spending.of_buy(a_read_buy(spent, pacing=pacing))
    assert pace is not None
    assert pace.verdict is verdict


def test_a_package_of_a_later_period_is_not_behind_before_it_begins() -> None:
    late = a_package("p2", "1000", start=END - timedelta(days=1), end=END)
    pace = spending.of_package(a_buy(Status.ACTIVE, late), late, END - timedelta(days=2))
    assert (pace.least, pace.most, pace.verdict) == (Decimal(0), Decimal(0), Verdict.ON)


def test_a_buy_that_was_sent_late_is_expected_to_spend_from_then_on() -> None:
    package = a_package("p1", "1000")
    half = START + (END - START) / 2
    pace = spending.of_package(a_buy(Status.ACTIVE, package, forwarded_at=half), package, half)
    assert pace.least == 0


def test_spend_is_compared_gross() -> None:
    pace = spending.of_buy(a_read_buy("400", fee_percent=Decimal(20)))
    assert pace is not None
    assert (pace.spent, pace.verdict) == (Decimal(500), Verdict.ON)


def test_nothing_is_said_of_what_was_never_read_or_never_ran() -> None:
    assert spending.of_buy(replace(a_read_buy("0"), delivery_read_at=None)) is None
    assert spending.of_buy(replace(a_read_buy("0"), status=Status.PENDING_APPROVAL)) is None
    assert spending.of_campaign(a_campaign(CampaignStatus.ACTIVE), [a_buy()], {}) is None


def test_a_day_above_its_cap_is_over_and_rests_until_the_next_utc_day() -> None:
    campaign = a_campaign(CampaignStatus.ACTIVE, "2000")
    capped = replace(campaign, spec=replace(campaign.spec, budget=Budget(usd(2000), usd(30))))
    buy = a_read_buy("500")
    fine = spending.of_campaign(capped, [buy], {buy.id: 30 * MICROS})
    over = spending.of_campaign(capped, [buy], {buy.id: 31 * MICROS})
    assert fine is not None
    assert over is not None
    assert (fine.verdict, over.verdict) == (Verdict.ON, Verdict.OVER)
    assert spending.must_stop(capped, fine, START) == (False, None)
    midnight = START.replace(hour=0) + timedelta(days=1)
    assert spending.must_stop(capped, over, START) == (True, midnight)
    assert spending.must_stop(capped, replace(over, spent=Decimal(3000)), START) == (True, None)
    assert spending.must_stop(a_campaign(CampaignStatus.PAUSED), over, START) == (False, None)


@given(PACING, MOMENTS, MOMENTS)
def test_what_is_expected_never_falls_and_ends_with_the_whole(pacing: str | None, one: Any, other: Any) -> None:
    first, second = sorted((one, other))
    (least, most), (later, later_most) = (spending.expected(pacing, START, END, at) for at in (first, second))
    assert 0 <= least <= most <= 1
    assert least <= later
    assert most <= later_most
    assert spending.expected(pacing, START, END, END) == (Decimal(1), Decimal(1))
    assert spending.expected(pacing, START, END, START) == (Decimal(0), Decimal(0))


@given(st.lists(st.tuples(st.integers(1, 10**6), PACING), min_size=1, max_size=5), MOMENTS)
def test_a_buys_corridor_is_the_sum_of_its_packages(parts: list[tuple[int, str | None]], at: Any) -> None:
    packages = [a_package(f"p{i}", str(n), pacing=p) for i, (n, p) in enumerate(parts)]
    buy = a_buy(Status.ACTIVE, *packages, delivery_read_at=at)
    pace = spending.of_buy(buy)
    assert pace is not None
    each = [spending.of_package(buy, package, at) for package in packages]
    assert pace.least == sum(p.least for p in each)
    assert pace.most == sum(p.most for p in each)
    assert pace.budget == buy.budget.major


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(1, 10**7), st.integers(0, 10**4))
def test_more_spend_never_moves_a_verdict_down(spent: int, more: int, budget: int, part: int) -> None:
    order = [Verdict.BEHIND, Verdict.ON, Verdict.AHEAD, Verdict.OVER]
    expected = Decimal(budget) * part / 10**4
    low, high = (Pace(Decimal(budget), Decimal(s), expected, expected).verdict for s in (spent, spent + more))
    assert order.index(low) <= order.index(high)
