"""Daily delivery: what a reading adds to what is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from buyside.domain import delivery
from buyside.domain.delivery import WHOLE, DeliveryDay, Reading
from buyside.domain.media_buys import MICROS, MediaBuy, Status
from buyside.domain.money import Money
from buyside.domain.orders import DeliveryRow
from tests.domain.values import NOW, a_buy, a_package

DAY = NOW.date()


def a_live_buy(**more: Any) -> MediaBuy:
    packages = [a_package("p1", package_id="s_p1"), a_package("p2", package_id="s_p2")]
    return a_buy(Status.ACTIVE, *packages, seller_buy_id="seller_1", **more)


def a_row(spend: str | int, day: date | None = None, package: str | None = "s_p1", **more: Any) -> DeliveryRow:
    given: dict[str, Any] = {"impressions": int(Decimal(spend)) * 10, "clicks": 1, "currency": "USD"}
    return DeliveryRow("seller_1", package, day, spend=Decimal(spend), **{**given, **more})


def known_after(known: Sequence[DeliveryDay], reading: Reading) -> list[DeliveryDay]:
    changed = {*reading.gone, *(each.key for each in reading.days)}
    return [*(each for each in known if each.key not in changed), *reading.days]


def spent(known: Iterable[DeliveryDay]) -> int:
    return sum(each.figures.spend_micros for each in known)


def test_days_are_kept_by_package() -> None:
    rows = [a_row(3), a_row("1.5", DAY), a_row("1.5", DAY - timedelta(1)), a_row(2, DAY, "s_p2")]
    reading = delivery.read(a_live_buy(), [], rows, NOW)
    assert {each.key: each.figures.spend for each in reading.days} == {
        ("p1", DAY): Decimal("1.5"),
        ("p1", DAY - timedelta(1)): Decimal("1.5"),
        ("p2", DAY): Decimal(2),
    }
    assert not any(each.inferred or each.final for each in reading.days)


def test_a_package_id_of_the_sellers_own_invention_counts_for_the_buy() -> None:
    reading = delivery.read(a_live_buy(), [], [a_row(1, DAY, "made_up_1"), a_row(2, DAY, "made_up_2")], NOW)
    assert [(each.key, each.figures.spend) for each in reading.days] == [((WHOLE, DAY), Decimal(3))]


def test_the_same_answer_read_twice_changes_nothing() -> None:
    rows = [a_row(1, DAY - timedelta(2)), a_row(2, DAY - timedelta(1))]
    known = list(delivery.read(a_live_buy(), [], rows, NOW).days)
    again = delivery.read(a_live_buy(), known, rows, NOW + timedelta(hours=1))
    assert (again.days, again.gone, again.restated) == ((), (), ())


def test_a_day_that_still_runs_grows_and_one_that_is_over_is_restated() -> None:
    yesterday = DAY - timedelta(1)
    known = delivery.read(a_live_buy(), [], [a_row(5, yesterday), a_row(1, DAY)], NOW).days
    later = delivery.read(a_live_buy(), known, [a_row("4.25", yesterday), a_row(2, DAY)], NOW + timedelta(hours=1))
    (restated,) = later.restated
    assert (restated.ref, restated.day) == ("p1", yesterday)
    assert (restated.before.spend, restated.after.spend) == (Decimal(5), Decimal("4.25"))
    assert spent(known_after(known, later)) == 6_250_000
    assert all(each.first_read_at == NOW and each.read_at > NOW for each in later.days)


def test_totals_alone_are_put_on_the_day_of_their_reading_and_marked() -> None:
    first = delivery.read(a_live_buy(), [], [a_row(3)], NOW)
    second = delivery.read(a_live_buy(), first.days, [a_row(8)], NOW + timedelta(days=1))
    known = known_after(first.days, second)
    assert [(each.day, each.figures.spend, each.inferred) for each in known] == [
        (DAY, Decimal(3), True),
        (DAY + timedelta(1), Decimal(5), True),
    ]


def test_totals_that_shrink_are_taken_off_the_last_days_and_said() -> None:
    first = delivery.read(a_live_buy(), [], [a_row(3)], NOW)
    second = delivery.read(a_live_buy(), first.days, [a_row(1)], NOW + timedelta(days=1))
    assert [(each.before.spend, each.after.spend) for each in second.restated] == [(Decimal(3), Decimal(1))]


def test_days_replace_what_was_inferred_and_packages_replace_the_whole() -> None:
    inferred = delivery.read(a_live_buy(), [], [a_row(3, package=None)], NOW).days
    by_buy = delivery.read(a_live_buy(), inferred, [a_row(1, DAY, None), a_row(2, DAY - timedelta(1), None)], NOW)
    known = known_after(inferred, by_buy)
    assert (spent(known), by_buy.restated) == (3 * MICROS, ())
    by_package = delivery.read(a_live_buy(), known, [a_row(1, DAY), a_row(2, DAY - timedelta(1))], NOW)
    known = known_after(known, by_package)
    assert {each.ref for each in known} == {"p1"}
    assert spent(known) == 3 * MICROS


def test_what_is_in_another_currency_or_beyond_measure_is_left_out_and_said() -> None:
    for row in (a_row(5, DAY, currency="JPY"), a_row(10**13, DAY)):
        buy = a_live_buy()
        assert delivery.read(buy, [], [row], NOW) == Reading()
        trouble = delivery.delivered(buy, [row], now=NOW).trouble
        assert trouble is not None
        assert "left out" in trouble.message


def test_it_is_final_only_when_all_of_it_is() -> None:
    done, open_still = a_row(1, DAY, is_final=True), a_row(1, DAY, "s_p2")
    assert delivery.read(a_live_buy(), [], [done], NOW).final
    assert not delivery.read(a_live_buy(), [], [done, open_still], NOW).final
    assert not delivery.read(a_live_buy(), [], [], NOW).final


DAYS = st.integers(0, 5).map(lambda n: DAY - timedelta(n))
REFS = st.sampled_from(["s_p1", "s_p2", "unknown", None])
ROWS = st.builds(
    lambda spend, day, package, clicks: DeliveryRow(
        "seller_1", package, day, spend * 3, clicks, Decimal(spend) / 7, "USD"
    ),
    st.integers(0, 10**6),
    st.none() | DAYS,
    REFS,
    st.none() | st.integers(0, 99),
)


@given(st.lists(st.lists(ROWS, min_size=1, max_size=6), min_size=1, max_size=5))
def test_whatever_a_seller_says_no_figure_goes_below_zero_and_repeating_it_changes_nothing(
    answers: list[list[DeliveryRow]],
) -> None:
    known: list[DeliveryDay] = []
    at: datetime = NOW
    for rows in answers:
        at += timedelta(hours=9)
        known = known_after(known, delivery.read(a_live_buy(), known, rows, at))
        assert all(each.figures.spend_micros >= 0 and each.figures.impressions >= 0 for each in known)
        assert len({each.key for each in known}) == len(known)
        again = known_after(known, delivery.read(a_live_buy(), known, rows, at))
        assert {each.key: each.figures for each in again} == {each.key: each.figures for each in known}


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 30)), min_size=1, max_size=10))
def test_days_made_of_totals_always_sum_to_the_last_total(totals: list[tuple[int, int]]) -> None:
    known: list[DeliveryDay] = []
    at: datetime = NOW
    for micros, hours in totals:
        at += timedelta(hours=hours)
        row = DeliveryRow("seller_1", None, None, 1, None, Decimal(micros) / MICROS, "USD")
        known = known_after(known, delivery.read(a_live_buy(), known, [row], at))
        assert spent(known) == micros


@given(st.integers(0, 10**9), st.sampled_from([Decimal(0), Decimal(10), Decimal("12.5"), Decimal(20)]))
def test_gross_spend_is_the_way_back_from_the_media_part(minor: int, fee: Decimal) -> None:
    buy = a_live_buy(fee_percent=fee)
    gross = Money(minor, "USD")
    back = buy.gross(buy.media_part(gross).major)
    assert abs(back - gross.major) <= Decimal("0.0072")  # half a cent of the rounded fee, grossed up
