"""Which frequency cap a seller is sent (interchange.md 2.7)."""

from __future__ import annotations

from typing import Any

import pytest

from buyside.domain import frequency
from buyside.domain.flight import Flight
from buyside.domain.frequency import Cap, Unit
from buyside.domain.storefronts import Protocol, SellerProfile
from tests.domain.values import END, START

FLIGHT = Flight(START, END)  # 30 days
DAILY, HOURLY, WHOLE = Cap(3, 1, Unit.DAYS), Cap(1, 1, Unit.HOURS), Cap(60, 1, Unit.CAMPAIGN)


def a_profile(**able: Any) -> SellerProfile:
    return SellerProfile(
        Protocol.MCP, "https://north.example/mcp", "2025-06-18", capabilities={"media_buy": {"frequency_capping": able}}
    )


def test_the_tightest_cap_lets_the_fewest_through_over_time() -> None:
    assert frequency.tightest([HOURLY, DAILY, WHOLE], FLIGHT) == [WHOLE, DAILY, HOURLY]


def test_a_seller_that_declares_no_capping_is_sent_none() -> None:
    silent = SellerProfile(Protocol.MCP, "https://north.example/mcp", "2025-06-18")
    assert frequency.for_seller([DAILY], FLIGHT, silent) is None
    assert frequency.for_seller([DAILY], FLIGHT, None) is None
    assert frequency.for_seller([], FLIGHT, a_profile()) is None


@pytest.mark.parametrize(
    ("able", "caps", "sent"),
    [
        ({}, [DAILY], {"max_impressions": 3, "per": "individuals", "window": {"interval": 1, "unit": "days"}}),
        (
            {"supported_per_units": ["cookies", "households"], "supported_window_units": ["hours"]},
            [DAILY],
            {"max_impressions": 3, "per": "households", "window": {"interval": 24, "unit": "hours"}},
        ),
        (
            {"supported_window_units": ["days"]},
            [WHOLE, Cap(9, 48, Unit.HOURS)],
            {"max_impressions": 9, "per": "individuals", "window": {"interval": 2, "unit": "days"}},
        ),
        ({"supported_window_units": ["days"]}, [HOURLY], None),
        ({"supported_per_units": ["moods"]}, [DAILY], None),
    ],
)
def test_it_is_told_in_units_that_the_seller_counts_in(
    able: dict[str, Any], caps: list[Cap], sent: dict[str, Any] | None
) -> None:
    assert frequency.for_seller(caps, FLIGHT, a_profile(**able)) == sent


def test_a_packages_own_tighter_cap_stays_and_its_pause_always_does() -> None:
    given = {"max_impressions": 3, "per": "devices", "window": {"interval": 1, "unit": "days"}}
    tight = {"max_impressions": 1, "per": "devices", "window": {"interval": 1, "unit": "days"}}
    loose = {**tight, "max_impressions": 9, "suppress_minutes": 5}
    assert frequency.tighter({}, given, FLIGHT) == given
    assert frequency.tighter({"frequency_cap": tight}, given, FLIGHT) == tight
    assert frequency.tighter({"frequency_cap": loose}, given, FLIGHT) == {**given, "suppress_minutes": 5}
    assert frequency.tighter({"frequency_cap": {"suppress_minutes": 5}}, given, FLIGHT) == {
        **given, "suppress_minutes": 5
    }  # fmt: skip
    assert frequency.tighter({"frequency_cap": loose}, None, FLIGHT) is None


def test_the_decision_log_loses_nothing() -> None:
    assert frequency.of_facts(frequency.facts([DAILY, WHOLE])) == (DAILY, WHOLE)
