from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.domain import budgets
from buyside.domain.advertisers import FeePricing, FeeTerm
from buyside.domain.errors import InsufficientMediaBudget
from buyside.domain.media_buys import MICROS, Delivered, Status
from tests.domain.values import a_buy, a_package, usd

MARGIN = FeeTerm("Agency", FeePricing.MARGIN, Decimal(15))
UNIT = FeeTerm("Serving", FeePricing.UNIT, unit="CPM", unit_price=Decimal("0.10"))


def test_without_fees_the_whole_total_is_for_media() -> None:
    sums = budgets.sums(usd(1000), [], [])
    assert (sums.media, sums.allocated, sums.unallocated) == (usd(1000), usd(0), usd(1000))


def test_a_margin_is_carved_out_of_the_total_and_a_unit_fee_waits_for_its_units() -> None:
    sums = budgets.sums(usd(1000), [MARGIN, UNIT], [])
    assert [fee.amount for fee in sums.fees] == [usd(150), usd(0)]
    assert sums.media == usd(850)


@pytest.mark.parametrize("status", [Status.DRAFT, Status.PENDING_APPROVAL, Status.ACTIVE, Status.PAUSED])
def test_a_buy_that_is_not_over_is_allocated_with_its_media_part(status: Status) -> None:
    assert budgets.allocation(a_buy(status, fee_percent=Decimal(15))) == usd(85)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELED, Status.ARCHIVED, Status.FAILED])
def test_a_buy_that_is_over_is_allocated_with_what_it_delivered(status: Status) -> None:
    assert budgets.allocation(a_buy(status, delivered=Delivered(10, 41 * MICROS))) == usd(41)
    assert budgets.allocation(a_buy(status)) == usd(0)


def test_a_total_below_the_allocation_is_refused_with_the_least_that_would_do() -> None:
    buys = [a_buy(Status.ACTIVE, a_package(budget="900"), fee_percent=Decimal(15))]
    with pytest.raises(InsufficientMediaBudget) as refused:
        budgets.require_room(usd(800), [MARGIN], buys)
    assert refused.value.details["minimumAllowedBudget"] == 900


@given(st.integers(1, 10**11), st.decimals(0, "80", places=1))
def test_the_least_total_has_room_and_one_unit_less_has_not(minor: int, percent: Decimal) -> None:
    term = FeeTerm("Fee", FeePricing.MARGIN, percent)
    buy = a_buy(Status.ACTIVE, a_package(budget=str(Decimal(minor) / 100)))
    with pytest.raises(InsufficientMediaBudget) as refused:
        budgets.require_room(usd("0"), [term], [buy])
    least = usd(str(Decimal(str(refused.value.details["minimumAllowedBudget"])).quantize(Decimal("0.01"))))
    budgets.require_room(least, [term], [buy])
    if percent == 0:
        with pytest.raises(InsufficientMediaBudget):
            budgets.require_room(usd(str(least.major - Decimal("0.01"))), [term], [buy])
