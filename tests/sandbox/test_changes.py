from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.buyer import AGENT, Buyer, Doc, Hand, banner


async def test_a_change_moves_the_revision_and_a_stale_one_is_a_conflict(buyer: Buyer) -> None:
    buy = await buyer.live()
    paused = await buyer.update(buy, paused=True, revision=1)
    assert (paused["media_buy_status"], paused["revision"]) == ("paused", 2)
    error = (await buyer.update(buy, paused=False, revision=1))["adcp_error"]
    assert (error["code"], error["recovery"], error["details"]) == ("CONFLICT", "transient", {"current_revision": 2})
    assert (await buyer.read(buy))["status"] == "paused"
    assert (await buyer.update(buy, paused=False))["media_buy_status"] == "active"


async def test_the_history_is_told_newest_first(buyer: Buyer) -> None:
    buy = await buyer.live()
    await buyer.update(buy, paused=True)
    history = (await buyer.read(buy, include_history=5))["history"]
    assert [(row["revision"], row["action"]) for row in history] == [(2, "pause"), (1, "created")]


async def test_a_canceled_buy_stays_canceled(buyer: Buyer) -> None:
    buy = await buyer.live()
    await buyer.update(buy, canceled=True, cancellation_reason="No longer needed.")
    read = await buyer.read(buy)
    assert (read["status"], read["valid_actions"]) == ("canceled", [])
    assert read["cancellation"]["reason"] == "No longer needed."
    assert (await buyer.update(buy, canceled=True))["adcp_error"]["code"] == "NOT_CANCELLABLE"
    assert (await buyer.update(buy, paused=False))["adcp_error"]["code"] == "INVALID_STATE"


async def test_budget_bid_and_creatives_of_a_package_change(buyer: Buyer) -> None:
    buy = await buyer.live(buyer.package("display_auction", pricing_option_id="cpm_usd_auction", bid_price=3))
    package_id = buy["packages"][0]["package_id"]
    change = {"package_id": package_id, "budget": 300, "bid_price": 4.5, "creative_assignments": []}
    answer = await buyer.update(buy, packages=[change])
    (affected,) = answer["affected_packages"]
    assert (affected["budget"], affected["bid_price"], affected["creative_assignments"]) == (300, 4.5, [])
    assert (answer["media_buy_status"], answer["total_budget"]) == ("pending_creatives", 300)


async def test_a_package_is_paused_canceled_and_added(buyer: Buyer) -> None:
    buy = await buyer.live(buyer.package(), buyer.package())
    first, second = (package["package_id"] for package in buy["packages"])
    await buyer.update(buy, packages=[{"package_id": first, "paused": True}])
    assert (await buyer.read(buy))["status"] == "active"
    await buyer.update(buy, packages=[{"package_id": second, "canceled": True}])
    assert (await buyer.read(buy))["status"] == "paused"
    answer = await buyer.update(buy, new_packages=[buyer.package("newsletter", 40, context={"buyer_ref": "late"})])
    assert (answer["media_buy_status"], answer["total_budget"]) == ("active", 140)
    assert answer["affected_packages"][0]["context"] == {"buyer_ref": "late"}
    error = (await buyer.update(buy, packages=[{"package_id": second, "paused": False}]))["adcp_error"]
    assert error["code"] == "INVALID_STATE"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"packages": [{"package_id": "nobody", "paused": True}]}, "PACKAGE_NOT_FOUND", "packages[0].package_id"),
        ({"end_time": "2026-03-01T00:00:00Z"}, "VALIDATION_ERROR", "end_time"),
        ({"start_time": "2026-03-04T00:00:00Z"}, "INVALID_STATE", "start_time"),
        ({"new_packages": [{"product_id": "x", "pricing_option_id": "y", "budget": 1}]}, "PRODUCT_NOT_FOUND", None),
        ({"revision": 0}, "VALIDATION_ERROR", "revision"),
        ({}, "INVALID_REQUEST", None),
    ],
)
async def test_a_change_that_makes_no_sense_is_refused_whole(
    buyer: Buyer, hand: Hand, change: Doc, code: str, field: str | None
) -> None:
    buy = await buyer.live()
    hand.forward(days=1)
    error = (await buyer.update(buy, **({"paused": True, **change} if change else {})))["adcp_error"]
    assert error["code"] == code
    assert field is None or error["field"] == field
    read = await buyer.read(buy)
    assert (read["status"], read["revision"]) == ("active", 1)


async def test_a_budget_cannot_fall_below_what_is_spent(buyer: Buyer, hand: Hand) -> None:
    buy = await buyer.live()
    hand.forward(days=5)
    package = {"package_id": buy["packages"][0]["package_id"], "budget": 49}
    assert (await buyer.update(buy, packages=[package]))["adcp_error"]["code"] == "BUDGET_TOO_LOW"


class TestDelivery:
    async def test_money_is_spent_evenly_day_by_day(self, buyer: Buyer, hand: Hand) -> None:
        buy = await buyer.live()
        hand.forward(days=3, hours=12)
        row = await buyer.delivery(buy, include_package_daily_breakdown=True)
        assert row["totals"]["spend"] == 35
        assert [day["spend"] for day in row["daily_breakdown"]] == [10, 10, 10, 5]
        (package,) = row["by_package"]
        assert package["spend"] == 35
        assert package["impressions"] == sum(day["impressions"] for day in package["daily_breakdown"])
        assert package["impressions"] == int(35 * 1000 / package["rate"])
        assert 0 < package["clicks"] < package["impressions"]

    async def test_the_same_question_has_the_same_answer(self, buyer: Buyer, hand: Hand) -> None:
        buy = await buyer.live()
        hand.forward(days=3)
        assert await buyer.delivery(buy) == await buyer.delivery(buy)

    async def test_the_whole_budget_is_spent_and_never_more(self, buyer: Buyer, hand: Hand) -> None:
        buy = await buyer.live(buyer.package(budget=33.33))
        hand.forward(days=30)
        row = await buyer.delivery(buy)
        assert (row["status"], row["is_final"], row["totals"]["spend"]) == ("completed", True, 33.33)

    @pytest.mark.parametrize("level", ["buy", "package"])
    async def test_nothing_is_spent_while_paused(self, buyer: Buyer, hand: Hand, level: str) -> None:
        buy = await buyer.live()
        package_id = buy["packages"][0]["package_id"]

        def pause(paused: bool) -> Doc:
            return (
                {"paused": paused} if level == "buy" else {"packages": [{"package_id": package_id, "paused": paused}]}
            )

        hand.forward(days=2)
        await buyer.update(buy, **pause(True))
        hand.forward(days=3)
        assert (await buyer.delivery(buy))["totals"]["spend"] == 20
        await buyer.update(buy, **pause(False))
        hand.forward(days=1)
        row = await buyer.delivery(buy)
        assert row["totals"]["spend"] == 30
        assert [day["spend"] for day in row["daily_breakdown"]] == [10, 10, 0, 0, 0, 10]

    async def test_a_buy_created_paused_spends_nothing_until_it_is_resumed(self, buyer: Buyer, hand: Hand) -> None:
        buy = await buyer.live(paused=True)
        hand.forward(days=4)
        assert (await buyer.delivery(buy))["totals"]["spend"] == 0
        await buyer.update(buy, paused=False)
        hand.forward(days=1)
        assert (await buyer.delivery(buy))["totals"]["spend"] == 10

    async def test_nothing_is_spent_without_a_creative_or_after_a_cancellation(self, buyer: Buyer, hand: Hand) -> None:
        bare, canceled = await buyer.buy(), await buyer.live()
        hand.forward(days=1)
        await buyer.update(canceled, canceled=True)
        hand.forward(days=3)
        assert (await buyer.delivery(bare))["totals"]["spend"] == 0
        assert (await buyer.delivery(canceled))["totals"]["spend"] == 10

    async def test_a_new_budget_is_spread_over_what_is_left(self, buyer: Buyer, hand: Hand) -> None:
        buy = await buyer.live()
        hand.forward(days=5)
        await buyer.update(buy, packages=[{"package_id": buy["packages"][0]["package_id"], "budget": 200}])
        hand.forward(days=1)
        assert (await buyer.delivery(buy))["totals"]["spend"] == 80
        hand.forward(days=10)
        assert (await buyer.delivery(buy))["totals"]["spend"] == 200

    async def test_a_longer_flight_spends_slower(self, buyer: Buyer, hand: Hand) -> None:
        buy = await buyer.live()
        hand.forward(days=5)
        await buyer.update(buy, end_time="2026-03-17T00:00:00Z")
        hand.forward(days=1)
        assert (await buyer.delivery(buy))["totals"]["spend"] == 55
        assert (await buyer.read(buy))["end_time"] == "2026-03-17T00:00:00Z"

    async def test_the_first_day_is_included_and_the_last_is_not(self, buyer: Buyer, hand: Hand) -> None:
        buy = await buyer.live()
        hand.forward(days=6)
        row = await buyer.delivery(buy, start_date="2026-03-03", end_date="2026-03-05")
        assert [day["date"] for day in row["daily_breakdown"]] == ["2026-03-03", "2026-03-04"]
        assert row["totals"]["spend"] == 20
        error = await buyer.refused("get_media_buy_delivery", start_date="2026-03-05", end_date="2026-03-05")
        assert error["field"] == "end_date"

    async def test_clicks_and_bids_are_what_is_paid_for(self, buyer: Buyer, hand: Hand) -> None:
        text = {"asset_type": "text", "content": "Boots that last."}
        native = banner("card", format_id={"agent_url": AGENT, "id": "native_standard"}, assets={"title": text})
        social = buyer.package("social_feed", 310, pricing_option_id="cpc_usd_fixed", creatives=[native])
        auction = buyer.package("display_auction", pricing_option_id="cpm_usd_auction", bid_price=5)
        buy = await buyer.buy(social, {**auction, "creatives": [banner()]})
        hand.forward(days=5)
        clicks, contacts = (await buyer.delivery(buy))["by_package"]
        assert (clicks["spend"], clicks["clicks"]) == (155, int(155 / clicks["rate"]))
        assert (contacts["rate"], contacts["spend"], contacts["impressions"]) == (5, 50, 10000)

    async def test_reports_are_of_active_buys_unless_asked(self, buyer: Buyer, hand: Hand) -> None:
        await buyer.live()
        await buyer.live(paused=True)
        hand.forward(days=1)
        report = await buyer.done("get_media_buy_delivery")
        assert len(report["media_buy_deliveries"]) == 1
        assert report["aggregated_totals"]["spend"] == 10
        assert report["aggregated_totals"]["media_buy_count"] == 1


class TestClock:
    async def test_it_can_be_put_forward_but_not_back(self, buyer: Buyer) -> None:
        assert (await buyer.control("clock", advance_seconds=3600))["now"] == "2026-03-02T01:00:00Z"
        assert (await buyer.control("clock", now="2026-03-05T00:00:00Z"))["now"] == "2026-03-05T00:00:00Z"
        url = f"{buyer.base_url}/_sandbox/clock"
        for body in ({"now": "2026-03-04T00:00:00Z"}, {"advance_seconds": -1}, {"now": "soon"}):
            assert (await buyer.client.post(url, json=body)).status_code == 400

    async def test_it_can_run_faster(self, buyer: Buyer, hand: Hand) -> None:
        await buyer.control("clock", speed=3600)
        hand.forward(seconds=24)
        assert (await buyer.inside("clock"))["now"] == "2026-03-03T00:00:00Z"
        await buyer.control("clock", speed=1)
        hand.forward(seconds=24)
        assert (await buyer.inside("clock"))["now"] == "2026-03-03T00:00:24Z"


def _outcomes(log: Doc) -> list[Any]:
    return [(call["tool"], call["outcome"]) for call in log["calls"]]


async def test_the_log_shows_every_call_and_no_credential(buyer: Buyer) -> None:
    secret = "a-secret-of-32-characters-or-more"
    webhook = {"url": "https://b.example", "token": secret, "authentication": {"credentials": secret}}
    order = buyer.order(push_notification_config=webhook)
    await buyer.done("create_media_buy", **order)
    await buyer.refused("create_media_buy", **buyer.order(buyer.package(budget=1)))
    log = await buyer.inside("log")
    assert _outcomes(log) == [("create_media_buy", "completed"), ("create_media_buy", "BUDGET_TOO_LOW")]
    assert secret not in str(log)
    assert log["calls"][0]["arguments"]["push_notification_config"] == {"url": "https://b.example"}
    assert _outcomes(await buyer.inside("log?since=1")) == [("create_media_buy", "BUDGET_TOO_LOW")]
    state = await buyer.inside()
    assert state["counts"] == {"create_media_buy": 2}
    assert len(state["media_buys"]) == 1
    await buyer.control("reset")
    assert (await buyer.inside())["media_buys"] == []
    assert (await buyer.inside("log"))["calls"] == []
