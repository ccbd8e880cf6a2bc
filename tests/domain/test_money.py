from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.domain.errors import Invalid
from buyside.domain.money import DECIMALS, Money, total

amounts = st.integers(0, 10**13)


@pytest.mark.parametrize(
    ("major", "currency", "minor"),
    [
        ("10.50", "EUR", 1050),
        (7, "JPY", 7),
        ("1.005", "KWD", 1005),
        (Decimal("0.01"), "USD", 1),
        ("1E+3", "USD", 100_000),
    ],
)
def test_an_amount_is_read_exactly(major: str | int | Decimal, currency: str, minor: int) -> None:
    assert Money.of(major, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("major", "currency"), [("10.505", "EUR"), ("7.5", "JPY"), ("NaN", "USD"), ("Infinity", "USD")]
)
def test_more_decimals_than_the_currency_has_are_refused_by_field(major: str, currency: str) -> None:
    with pytest.raises(Invalid) as refused:
        Money.of(major, currency, field="budget.total")
    assert refused.value.field == "budget.total"


def test_a_currency_that_is_not_in_use_is_refused() -> None:
    with pytest.raises(Invalid):
        Money.of(1, "ZZZ")


@given(amounts, st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any))
def test_the_parts_of_a_split_add_up_and_none_is_off_by_a_whole_unit(minor: int, weights: list[int]) -> None:
    parts = Money(minor, "USD").split(weights)
    assert total(parts, "USD") == Money(minor, "USD")
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor - Decimal(minor) * weight / sum(weights)) < 1


@given(st.sampled_from(sorted(DECIMALS)), amounts)
def test_major_and_back_is_the_same_amount(currency: str, minor: int) -> None:
    assert Money.of(Money(minor, currency).major, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("minor", "percent", "share"), [(1001, "15", 150), (1010, "15", 152), (3, "50", 2), (1, "49.9", 0)]
)
def test_a_share_is_rounded_half_up(minor: int, percent: str, share: int) -> None:
    assert Money(minor, "USD").share(Decimal(percent), Decimal(100)).minor == share


def test_two_currencies_never_mix() -> None:
    with pytest.raises(ValueError, match="do not mix"):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(ValueError, match="do not mix"):
        assert Money(1, "USD") < Money(1, "EUR")
