"""Pacing periods over REST: given, shown resolved, bought as one package a product and period (interchange.md 2.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import Wanted
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import (
    Body,
    a_body,
    a_campaign,
    an_advertiser,
    at,
    get,
    ok,
    put,
    reach,
    refused,
    stored_buys,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def day(ahead: int) -> str:
    return (datetime.now(UTC) + timedelta(days=ahead)).date().isoformat()


def flight() -> Body:
    return {"startDate": f"{day(1)}T06:00:00Z", "endDate": f"{day(31)}T18:00:00Z"}


def weights(*periods: tuple[int, int, float]) -> Body:
    shown = [{"label": f"Days {a}-{b}", "start": day(a), "end": day(b), "weight": w} for a, b, w in periods]
    return {"mode": "weight", "periods": shown}


def budgets(*periods: tuple[int, int, float]) -> Body:
    shown = [{"label": f"Days {a}-{b}", "start": day(a), "end": day(b), "budget": w} for a, b, w in periods]
    return {"mode": "budget", "periods": shown}


class TestCampaign:
    async def test_periods_are_shown_with_what_each_may_spend(self, rest: Rest) -> None:
        given = weights((1, 10, 1), (11, 20, 2.5), (21, 30, 0))
        campaign = await a_campaign(rest, flightDates=flight(), pacingPeriods=given)
        shown = (await get(rest, campaign))["pacingPeriods"]
        assert shown["mode"] == "weight"
        assert [p["budget"] for p in shown["periods"]] == [285.71, 714.29, 0]
        assert [{k: v for k, v in p.items() if k != "budget"} for p in shown["periods"]] == given["periods"]
        changed = await put(rest, campaign, pacingPeriods=budgets((1, 10, 300.5), (12, 20, 0)))
        assert changed["pacingPeriods"] == budgets((1, 10, 300.5), (12, 20, 0))
        assert changed["revision"] == 2
        assert "pacingPeriods" not in await put(rest, campaign, pacingPeriods=None)

    @pytest.mark.parametrize(
        ("wanted", "field"),
        [
            ({"mode": "weight", "periods": []}, "pacingPeriods.periods"),
            ({"periods": []}, "pacingPeriods.mode"),
            ({"mode": "often", "periods": [{}]}, "pacingPeriods.mode"),
            (weights((0, 3, 1)), "pacingPeriods.periods[0].start"),
            (weights((1, 40, 1)), "pacingPeriods.periods[0].end"),
            (weights((1, 4, 1), (4, 5, 1)), "pacingPeriods.periods[1].start"),
            (weights((1, 4, 10.5)), "pacingPeriods.periods[0].weight"),
            (weights((1, 4, -1)), "pacingPeriods.periods[0].weight"),
            (budgets((1, 4, -1)), "pacingPeriods.periods[0].budget"),
            (budgets((1, 4, 10.001)), "pacingPeriods.periods[0].budget"),
            (budgets((1, 4, 1000.01)), "pacingPeriods.periods"),
            ({"mode": "budget", "periods": [weights((1, 4, 1))["periods"][0]]}, "pacingPeriods.periods[0].budget"),
            (weights(*[(1, 1, 1)] * 53), "pacingPeriods.periods"),
        ],
    )
    async def test_each_rule_is_told_at_its_field(self, rest: Rest, wanted: Body, field: str) -> None:
        body = a_body(await an_advertiser(rest), flightDates=flight(), pacingPeriods=wanted)
        refused(await rest.admin.post("/campaigns", json=body), 400, "VALIDATION_ERROR", field)
        campaign = await a_campaign(rest, flightDates=flight())
        answer = await rest.admin.put(f"/campaigns/{campaign}", json={"pacingPeriods": wanted})
        refused(answer, 400, "VALIDATION_ERROR", field)

    @pytest.mark.parametrize(
        ("name", "value"), [("label", ""), ("label", "x" * 101), ("start", "June"), ("end", "2026-02-30"), ("start", 5)]
    )
    async def test_a_period_is_named_and_dated(self, rest: Rest, name: str, value: Any) -> None:
        wanted = weights((1, 4, 1))
        wanted["periods"][0][name] = value
        body = a_body(await an_advertiser(rest), flightDates=flight(), pacingPeriods=wanted)
        answer = await rest.admin.post("/campaigns", json=body)
        refused(answer, 400, "VALIDATION_ERROR", f"pacingPeriods.periods[0].{name}")

    async def test_the_flight_keeps_holding_them(self, rest: Rest) -> None:
        campaign = await a_campaign(rest, flightDates=flight(), pacingPeriods=weights((1, 30, 1)))
        answer = await rest.admin.put(f"/campaigns/{campaign}", json={"flightDates": {"endDate": at(days=10)}})
        refused(answer, 400, "VALIDATION_ERROR", "pacingPeriods.periods[0].end")
        both = {"flightDates": {"endDate": at(days=10)}, "pacingPeriods": weights((1, 8, 1))}
        assert (await put(rest, campaign, **both))["pacingPeriods"]["periods"][0]["budget"] == 1000

    async def test_an_edit_of_them_can_be_taken_back(self, rest: Rest) -> None:
        campaign = await a_campaign(rest, flightDates=flight(), pacingPeriods=weights((1, 30, 1)))
        await put(rest, campaign, pacingPeriods=budgets((1, 2, 5)))
        (entry,) = [
            d
            for d in ok(await rest.admin.get(f"/decisions?campaignId={campaign}"))["decisions"]
            if d["action"] == "campaign.edited"
        ]
        ok(await rest.admin.post(f"/decisions/{entry['decisionId']}/revert"))
        assert (await get(rest, campaign))["pacingPeriods"]["periods"][0]["weight"] == 1


class TestBuys:
    async def test_a_draft_shows_products_and_its_seller_gets_a_package_a_period(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        here = await reach(rest, north, budget=Decimal(600))
        there = Wanted(here.seller, north.product_id("ctv_auction"), Decimal(400), Decimal("15.5"))
        periods = weights((1, 10, 1), (11, 20, 0), (21, 30, 3))
        campaign = await a_campaign(rest, [here, there], flightDates=flight(), pacingPeriods=periods)
        draft = (await get(rest, campaign))["mediaBuys"][0]
        assert [p["budget"] for p in draft["products"]] == [600, 400]
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))["success"]
        shown = ok(await rest.admin.get(f"/media-buys/{draft['mediaBuyId']}/packages"))
        assert (shown["isPaced"], shown["packageCount"]) == (True, 4)
        assert [(p["productId"], p["pacingPeriod"], p["budget"]) for p in shown["packages"]] == [
            (there.product_id, {"index": 1, "label": "Days 1-10"}, 100),
            (there.product_id, {"index": 3, "label": "Days 21-30"}, 300),
            (here.product_id, {"index": 1, "label": "Days 1-10"}, 150),
            (here.product_id, {"index": 3, "label": "Days 21-30"}, 450),
        ]
        assert [(p["startTime"], p["endTime"]) for p in shown["packages"][:2]] == [
            (f"{day(1)}T06:00:00Z", f"{day(10)}T23:59:59Z"),
            (f"{day(21)}T00:00:00Z", f"{day(30)}T23:59:59Z"),
        ]
        (theirs,) = [b for b in await north.buys() if b["context"]["media_buy_id"] == draft["mediaBuyId"]]
        assert [(p["context"]["buyer_ref"], p["budget"]) for p in theirs["packages"]] == [
            ("p1.1", 15000), ("p1.3", 45000), ("p2.1", 10000), ("p2.3", 30000)
        ]  # fmt: skip
        bought = (await get(rest, campaign))["mediaBuys"][0]
        assert [p["budget"] for p in bought["products"]] == [600, 400]
        assert bought["packages"][1]["startTime"] == f"{day(21)}T00:00:00Z"
        assert bought["status"] == "PENDING_APPROVAL"
        answer = await rest.admin.put(f"/campaigns/{campaign}", json={"pacingPeriods": None})
        refused(answer, 400, "VALIDATION_ERROR", "pacingPeriods")

    async def test_a_refused_buy_is_whole_again_and_cut_anew(self, rest: Rest, north: SandboxHandle) -> None:
        wanted = [await reach(rest, north)]
        campaign = await a_campaign(rest, wanted, flightDates=flight(), pacingPeriods=weights((1, 10, 1), (11, 20, 1)))
        await north.set_faults("reject")
        assert not ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))["success"]
        await north.clear_faults("reject")
        (buy,) = await stored_buys(rest, campaign)
        assert [(p.ref, p.budget.minor) for p in buy.packages] == [("p1", 100_000)]
        await put(rest, campaign, pacingPeriods=weights((1, 10, 1), (11, 20, 1), (21, 30, 2)))
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))["success"]
        (buy,) = await stored_buys(rest, campaign)
        assert [(p.ref, p.budget.minor) for p in buy.packages] == [("p1.1", 25000), ("p1.2", 25000), ("p1.3", 50000)]
        assert all(p.package_id for p in buy.packages)

    async def test_periods_with_budgets_limit_what_products_share(self, rest: Rest, north: SandboxHandle) -> None:
        here = await reach(rest, north)
        campaign = await a_campaign(rest, [here], flightDates=flight())
        assert (await get(rest, campaign))["allocatedBudget"] == 1000
        changed = await put(rest, campaign, pacingPeriods=budgets((1, 10, 300), (11, 20, 100)))
        assert (changed["allocatedBudget"], changed["unallocatedBudget"]) == (400, 600)
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))["success"]
        replaced, buy = await stored_buys(rest, campaign)
        assert replaced.status == "ARCHIVED"
        assert [p.budget.minor for p in buy.packages] == [30000, 10000]

    async def test_products_with_budgets_must_fit_into_the_periods(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north, budget=Decimal(500))], flightDates=flight())
        answer = await rest.admin.put(f"/campaigns/{campaign}", json={"pacingPeriods": budgets((1, 10, 499))})
        refused(answer, 400, "VALIDATION_ERROR", "pacingPeriods")
        assert (await get(rest, campaign))["revision"] == 1

    async def test_a_part_that_its_seller_does_not_sell_is_refused_before_it_is_sent(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        wanted = [await reach(rest, north, budget=Decimal(100))]
        campaign = await a_campaign(rest, wanted, flightDates=flight(), pacingPeriods=weights((1, 1, 1), (2, 30, 1)))
        done = ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        assert "is sold from 10 USD on, and pacing period 1" in done["errors"][0]["message"]
        (buy,) = await stored_buys(rest, campaign)
        assert buy.status == "DRAFT"

    async def test_a_buys_own_periods_take_the_place_of_the_campaigns(self, rest: Rest, north: SandboxHandle) -> None:
        wanted = [await reach(rest, north)]
        campaign = await a_campaign(rest, wanted, flightDates=flight(), pacingPeriods=weights((1, 10, 1), (11, 20, 1)))
        (buy,) = await stored_buys(rest, campaign)
        own = weights((5, 14, 1), (15, 24, 3))
        changed = await put(rest, campaign, mediaBuys=[{"mediaBuyId": buy.id, "pacingPeriods": own}])
        assert [p["budget"] for p in changed["mediaBuys"][0]["pacingPeriods"]["periods"]] == [250, 750]
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))["success"]
        (buy,) = await stored_buys(rest, campaign)
        assert [(p.period, p.budget.minor) for p in buy.packages] == [(1, 25000), (2, 75000)]
        entry = {"mediaBuyId": buy.id, "pacingPeriods": weights((9, 8, 1))}
        answer = await rest.admin.put(f"/campaigns/{campaign}", json={"mediaBuys": [entry]})
        refused(answer, 400, "VALIDATION_ERROR", "mediaBuys[0].pacingPeriods.periods[0].end")
