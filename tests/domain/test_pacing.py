"""Pacing periods: their rules, what each may spend, and a buy cut along them (interchange.md 2.5)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.domain import campaigns, pacing, packaging
from buyside.domain.campaigns import Campaign, CampaignSpec
from buyside.domain.errors import Invalid, dotted
from buyside.domain.flight import Flight
from buyside.domain.media_buys import MediaBuy, Status
from buyside.domain.money import Money, total
from buyside.domain.pacing import Mode, PacingPeriods, Period
from buyside.store import codec
from tests.domain.values import a_buy, a_campaign, a_package, usd

FLIGHT = Flight(datetime(2026, 6, 1, 10, tzinfo=UTC), datetime(2026, 6, 30, 18, tzinfo=UTC))
JUNE_1 = datetime(2026, 6, 1, 11, tzinfo=UTC)


def a_period(first: int, last: int, label: str = "Weeks", **share: Any) -> Period:
    return Period(label, date(2026, 6, first), date(2026, 6, last), **share)


def weighted(*periods: tuple[int, int, str]) -> PacingPeriods:
    return PacingPeriods(Mode.WEIGHT, tuple(a_period(a, b, weight=Decimal(w)) for a, b, w in periods))


def budgeted(*periods: tuple[int, int, str]) -> PacingPeriods:
    return PacingPeriods(Mode.BUDGET, tuple(a_period(a, b, budget=usd(w)) for a, b, w in periods))


def a_june(schedule: PacingPeriods | None, budget: str = "1000") -> Campaign:
    made = a_campaign(budget=budget, pacing_periods=schedule)
    return replace(made, spec=replace(made.spec, flight=FLIGHT))


def a_june_buy(*packages: Any, **more: Any) -> MediaBuy:
    return a_buy(Status.DRAFT, *packages, start=FLIGHT.start, end=FLIGHT.end, **more)


def found(wanted: PacingPeriods, whole: str = "1000") -> list[str]:
    with pytest.raises(Invalid) as refused:
        pacing.check(wanted, FLIGHT, usd(whole))
    return [dotted(issue.path) for issue in refused.value.issues]


class TestRules:
    @pytest.mark.parametrize(
        ("wanted", "field"),
        [
            (weighted((9, 8, "1")), "pacingPeriods.periods[0].end"),
            (weighted((1, 10, "1"), (10, 12, "1")), "pacingPeriods.periods[1].start"),
            (weighted((11, 12, "1"), (1, 5, "1")), "pacingPeriods.periods[1].start"),
            (weighted((1, 10, "10.1")), "pacingPeriods.periods[0].weight"),
            (weighted((1, 10, "-1")), "pacingPeriods.periods[0].weight"),
            (weighted((1, 10, "0")), "pacingPeriods.periods"),
            (PacingPeriods(Mode.WEIGHT, (a_period(1, 2),)), "pacingPeriods.periods[0].weight"),
            (PacingPeriods(Mode.BUDGET, (a_period(1, 2),)), "pacingPeriods.periods[0].budget"),
            (budgeted((1, 2, "-1")), "pacingPeriods.periods[0].budget"),
            (budgeted((1, 2, "500"), (3, 4, "500.01")), "pacingPeriods.periods"),
            (PacingPeriods(Mode.WEIGHT, ()), "pacingPeriods.periods"),
            (PacingPeriods(Mode.WEIGHT, (a_period(1, 2, "", weight=Decimal(1)),)), "pacingPeriods.periods[0].label"),
            (
                PacingPeriods(Mode.WEIGHT, (Period("May", date(2026, 5, 31), date(2026, 6, 2), Decimal(1)),)),
                "pacingPeriods.periods[0].start",
            ),
            (
                PacingPeriods(Mode.WEIGHT, (Period("July", date(2026, 6, 2), date(2026, 7, 1), Decimal(1)),)),
                "pacingPeriods.periods[0].end",
            ),
        ],
    )
    def test_each_rule_names_its_field(self, wanted: PacingPeriods, field: str) -> None:
        assert field in found(wanted)

    def test_all_findings_are_told_at_once(self) -> None:
        assert found(weighted((9, 8, "11"), (1, 2, "1"))) == [
            "pacingPeriods.periods[0].end",
            "pacingPeriods.periods[0].weight",
            "pacingPeriods.periods[1].start",
        ]

    def test_there_are_at_most_52(self) -> None:
        many = tuple(Period("w", date(2026, 6, 1), date(2026, 6, 1), Decimal(1)) for _ in range(53))
        assert "pacingPeriods.periods" in found(PacingPeriods(Mode.WEIGHT, many))

    def test_a_period_may_begin_before_the_flight_on_its_first_day_and_may_be_skipped(self) -> None:
        pacing.check(weighted((1, 10, "0"), (11, 30, "10")), FLIGHT, usd(1000))
        pacing.check(budgeted((1, 10, "0"), (11, 30, "1000")), FLIGHT, usd(1000))


class TestResolving:
    def test_a_weight_counts_for_each_day(self) -> None:
        assert pacing.resolved(weighted((1, 10, "1"), (11, 20, "2"), (21, 25, "2")), usd(800)) == [
            usd(200), usd(400), usd(200)
        ]  # fmt: skip

    def test_what_periods_with_budgets_do_not_hold_stays_unallocated(self) -> None:
        wanted = budgeted((1, 10, "300"), (11, 20, "500"))
        assert pacing.resolved(wanted, usd(1000)) == [usd(300), usd(500)]
        assert pacing.ceiling(wanted) == usd(800)
        assert pacing.ceiling(weighted((1, 2, "1"))) is None
        assert pacing.ceiling(None) is None

    @given(st.lists(st.decimals("0.1", 10, places=2), min_size=1, max_size=15), st.integers(1, 10**12))
    def test_weighted_budgets_always_sum_to_the_total(self, weights: list[Decimal], minor: int) -> None:
        periods = tuple(a_period(2 * i + 1, 2 * i + 2, weight=w) for i, w in enumerate(weights))
        whole = Money(minor, "USD")
        assert total(pacing.resolved(PacingPeriods(Mode.WEIGHT, periods), whole), "USD") == whole


class TestCutting:
    def test_each_product_becomes_a_package_a_period(self) -> None:
        campaign = a_june(weighted((1, 10, "1"), (11, 15, "0"), (16, 25, "3")))
        cut = packaging.to_send(campaign, a_june_buy(a_package("p1", "400"), a_package("p2", "100.01")), JUNE_1)
        assert [(p.ref, p.product_id, p.period, p.budget) for p in cut.packages] == [
            ("p1.1", "prod_p1", 1, usd(100)),
            ("p1.3", "prod_p1", 3, usd(300)),
            ("p2.1", "prod_p2", 1, usd("25.00")),
            ("p2.3", "prod_p2", 3, usd("75.01")),
        ]
        assert (cut.packages[0].start, cut.packages[0].end) == (
            FLIGHT.start,
            datetime(2026, 6, 10, 23, 59, 59, tzinfo=UTC),
        )
        assert (cut.start, cut.end, cut.budget) == (FLIGHT.start, FLIGHT.end, usd("500.01"))

    def test_without_periods_nothing_is_cut(self) -> None:
        buy = a_june_buy()
        assert packaging.to_send(a_june(None), buy, JUNE_1) == buy
        assert not packaging.is_paced(buy)

    def test_the_share_of_a_period_that_is_over_is_not_bought(self) -> None:
        campaign = a_june(weighted((1, 10, "1"), (11, 20, "1")))
        cut = packaging.to_send(campaign, a_june_buy(a_package("p1", "400")), JUNE_1 + timedelta(days=12))
        assert [(p.period, p.budget) for p in cut.packages] == [(2, usd(200))]
        assert packaging.gathered(cut).budget == usd(400)
        with pytest.raises(Invalid, match="No pacing period is left"):
            packaging.to_send(campaign, a_june_buy(), JUNE_1 + timedelta(days=25))

    def test_a_part_below_the_sellers_least_is_refused_naming_the_period(self) -> None:
        campaign = a_june(weighted((1, 10, "1"), (11, 20, "9")))
        buy = a_june_buy(a_package("p1", "400", min_spend=Decimal(50)))
        with pytest.raises(Invalid, match="is sold from 50 USD on") as refused:
            packaging.to_send(campaign, buy, JUNE_1)
        assert refused.value.field == "pacingPeriods.periods[0]"

    def test_a_buys_own_periods_take_the_place_of_the_campaigns(self) -> None:
        campaign = a_june(weighted((1, 10, "1"), (11, 20, "1")))
        cut = packaging.to_send(campaign, a_june_buy(pacing=weighted((21, 30, "1"))), JUNE_1)
        assert [(p.period, p.start, p.end) for p in cut.packages] == [
            (1, datetime(2026, 6, 21, tzinfo=UTC), FLIGHT.end)
        ]

    def test_periods_outside_a_buys_own_dates_get_nothing(self) -> None:
        campaign = a_june(weighted((1, 10, "1"), (11, 20, "1"), (21, 30, "1")))
        buy = replace(a_june_buy(), start=datetime(2026, 6, 15, tzinfo=UTC))
        cut = packaging.to_send(campaign, buy, JUNE_1)
        assert [(p.period, p.budget, p.start) for p in cut.packages] == [
            (2, usd(50), buy.start),
            (3, usd(50), datetime(2026, 6, 21, tzinfo=UTC)),
        ]

    @given(
        st.lists(st.integers(0, 10**9), min_size=1, max_size=5),
        st.lists(st.decimals(0, 10, places=1), min_size=1, max_size=10),
        st.booleans(),
    )
    def test_cutting_loses_nothing_and_spends_each_periods_money_in_it(
        self, budgets: list[int], weights: list[Decimal], as_budgets: bool
    ) -> None:
        weights[0] += Decimal("0.1") if not any(weights) else 0
        days = [(2 * i + 1, 2 * i + 2, str(w)) for i, w in enumerate(weights)]
        schedule = budgeted(*days) if as_budgets else weighted(*days)
        packages = [a_package(f"p{i}", budget=str(Decimal(b) / 100)) for i, b in enumerate(budgets, 1)]
        buy, campaign = a_june_buy(*packages), a_june(schedule, "10000000")
        if not buy.budget:
            return
        cut = packaging.to_send(campaign, buy, JUNE_1)
        assert cut.budget == buy.budget
        assert packaging.gathered(cut).packages == tuple(p for p in buy.packages if p.budget)
        assert packaging.to_send(campaign, cut, JUNE_1) == cut
        for part in cut.packages:
            period = schedule.periods[(part.period or 0) - 1]
            assert part.start is not None
            assert part.end is not None
            assert period.opens <= part.start < part.end <= period.closes


class TestHolding:
    def test_buys_that_need_more_than_the_periods_hold_are_refused(self) -> None:
        schedule = budgeted((1, 10, "60"), (11, 20, "30"))
        packaging.require_fits(schedule, [a_june_buy(a_package("p1", "90"))])
        packaging.require_fits(schedule, [a_june_buy(), a_buy(Status.CANCELED)][1:])
        packaging.require_fits(schedule, [a_june_buy(pacing=weighted((1, 2, "1")))])
        with pytest.raises(Invalid) as refused:
            packaging.require_fits(schedule, [a_june_buy()])
        assert refused.value.field == "pacingPeriods"


class TestOfABuy:
    def test_a_draft_or_waiting_buy_takes_periods_of_its_own_and_loses_them(self) -> None:
        campaign, wanted = a_june(None), weighted((1, 10, "1"))
        at = ("mediaBuys", 0, "pacingPeriods")
        for status in (Status.DRAFT, Status.PENDING_APPROVAL):
            changed = packaging.with_pacing(campaign, replace(a_june_buy(), status=status), wanted, at)
            assert changed.pacing == wanted
            assert packaging.with_pacing(campaign, changed, None, at).pacing is None
        with pytest.raises(Invalid) as refused:
            packaging.with_pacing(campaign, replace(a_june_buy(), status=Status.ACTIVE), wanted, at)
        assert refused.value.field == "mediaBuys[0].pacingPeriods"

    def test_its_rules_name_the_field_where_they_were_given(self) -> None:
        at = ("mediaBuys", 2, "pacingPeriods")
        with pytest.raises(Invalid) as refused:
            packaging.with_pacing(a_june(None), a_june_buy(), weighted((9, 8, "1")), at)
        assert refused.value.field == "mediaBuys[2].pacingPeriods.periods[0].end"
        with pytest.raises(Invalid, match="these periods hold"):
            packaging.with_pacing(a_june(None), a_june_buy(), budgeted((1, 2, "99")), at)


class TestKeeping:
    def test_they_change_only_before_the_first_buy_is_placed(self) -> None:
        campaign = a_june(weighted((1, 10, "1")))
        changed = replace(campaign.spec, pacing_periods=None)
        assert campaign.edited(changed).spec == changed
        with pytest.raises(Invalid) as refused:
            replace(campaign, committed=True).edited(changed)
        assert refused.value.field == "pacingPeriods"

    @pytest.mark.parametrize("schedule", [weighted((1, 10, "1.25")), budgeted((1, 9, "10"), (10, 11, "0")), None])
    def test_the_decision_log_and_the_store_lose_nothing(self, schedule: PacingPeriods | None) -> None:
        spec = a_june(schedule).spec
        written = json.loads(json.dumps(campaigns.facts(spec)))
        assert campaigns.with_facts(replace(spec, pacing_periods=None), written) == spec
        assert codec.load(CampaignSpec, codec.dump(CampaignSpec, spec)) == spec
