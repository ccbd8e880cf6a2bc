from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.buyer import ACCOUNT, AGENT, Buyer, Doc, Hand, banner


async def test_a_buy_is_booked_as_asked_and_can_be_read_back(buyer: Buyer) -> None:
    buy = await buyer.buy(
        buyer.package(budget=120.5, context={"buyer_ref": "one"}),
        buyer.package("olv_preroll", 80, context={"buyer_ref": "two"}),
        context={"internal_campaign_id": "camp-1"},
    )
    assert (buy["status"], buy["media_buy_status"], buy["revision"]) == ("completed", "pending_creatives", 1)
    assert (buy["total_budget"], buy["currency"], buy["sandbox"]) == (200.5, "USD", True)
    assert buy["context"] == {"internal_campaign_id": "camp-1"}
    read = await buyer.read(buy)
    assert read["context"] == {"internal_campaign_id": "camp-1"}
    assert [one["context"]["buyer_ref"] for one in read["packages"]] == ["one", "two"]
    assert [one["budget"] for one in read["packages"]] == [120.5, 80]
    assert (read["start_time"], read["end_time"]) == ("2026-03-02T00:00:00Z", "2026-03-12T00:00:00Z")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"product_id": "nobody"}, "PRODUCT_NOT_FOUND", "packages[0].product_id"),
        ({"pricing_option_id": "cpm_gbp_fixed"}, "VALIDATION_ERROR", "packages[0].pricing_option_id"),
        ({"budget": 5}, "BUDGET_TOO_LOW", "packages[0].budget"),
        ({"budget": 100.001}, "VALIDATION_ERROR", "packages[0].budget"),
        ({"budget": "100"}, "VALIDATION_ERROR", "packages.0.budget"),
        ({"format_ids": [{"agent_url": AGENT, "id": "audio_daast"}]}, "VALIDATION_ERROR", "packages[0].format_ids[0]"),
        (
            {"creative_assignments": [{"creative_id": "no"}]},
            "CREATIVE_NOT_FOUND",
            "packages[0].creative_assignments[0]",
        ),
        ({"creatives": [banner(assets={})]}, "CREATIVE_REJECTED", "packages[0].creatives[0]"),
        ({"end_time": "2026-03-13T00:00:00Z"}, "VALIDATION_ERROR", "packages[0].start_time"),
    ],
)
async def test_a_package_that_cannot_be_sold_is_refused_by_field(
    buyer: Buyer, change: Doc, code: str, field: str
) -> None:
    error = await buyer.refused("create_media_buy", **buyer.order(buyer.package(**change)))
    assert (error["code"], error["field"], error["recovery"]) == (code, field, "correctable")
    assert (await buyer.inside())["media_buys"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"end_time": "2026-03-01T00:00:00Z"}, "end_time"),
        ({"start_time": "2026-02-01T00:00:00Z", "end_time": "2026-02-02T00:00:00Z"}, "end_time"),
        ({"start_time": "2026-02-20T00:00:00Z"}, "start_time"),
        ({"start_time": "tomorrow"}, "start_time"),
        ({"end_time": "2026-03-12T00:00:00"}, "end_time"),
        ({"packages": []}, "packages"),
        ({"packages": None}, "packages"),
        ({"account": None}, "account"),
        ({"total_budget": {"amount": 100, "currency": "EUR"}}, "total_budget.currency"),
        ({"idempotency_key": "short"}, "idempotency_key"),
        ({"idempotency_key": None}, "idempotency_key"),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused_by_field(buyer: Buyer, change: Doc, field: str) -> None:
    error = await buyer.refused("create_media_buy", **buyer.order(**change))
    assert (error["code"], error["field"]) == ("VALIDATION_ERROR", field)


async def test_all_packages_of_a_buy_are_in_one_currency(buyer: Buyer) -> None:
    packages = [buyer.package(), buyer.package(pricing_option_id="cpm_eur_fixed")]
    error = await buyer.refused("create_media_buy", **buyer.order(*packages))
    assert (error["code"], error["field"]) == ("VALIDATION_ERROR", "packages[1].pricing_option_id")
    euros = await buyer.buy(buyer.package(pricing_option_id="cpm_eur_fixed"))
    assert euros["currency"] == "EUR"
    yen = await buyer.buy(buyer.package("ctv_premium", 20000, pricing_option_id="cpm_jpy_fixed"))
    assert (yen["currency"], yen["total_budget"]) == ("JPY", 20000)


async def test_an_auction_needs_a_bid_at_or_above_the_floor(buyer: Buyer) -> None:
    def auction(**more: Any) -> Doc:
        return buyer.order(buyer.package("ctv_auction", pricing_option_id="cpm_usd_auction", **more))

    for bid in ({}, {"bid_price": 1}):
        error = await buyer.refused("create_media_buy", **auction(**bid))
        assert (error["code"], error["field"]) == ("VALIDATION_ERROR", "packages[0].bid_price")
    sold = await buyer.done("create_media_buy", **auction(bid_price=20.25))
    assert sold["packages"][0]["bid_price"] == 20.25


async def test_the_status_follows_creatives_and_the_clock(buyer: Buyer, hand: Hand) -> None:
    hand.forward(days=-1)
    buy = await buyer.buy()
    package_id = buy["packages"][0]["package_id"]
    assert (await buyer.read(buy))["packages"][0]["format_ids_pending"]
    assigned = [{"creative_id": "banner", "package_id": package_id}]
    found = await buyer.done(
        "sync_creatives", idempotency_key=buyer.key(), account=ACCOUNT, creatives=[banner()], assignments=assigned
    )
    assert found["creatives"][0]["assigned_to"] == [package_id]
    read = await buyer.read(buy)
    assert (read["status"], read["revision"]) == ("pending_start", 2)
    assert read["packages"][0]["creative_approvals"] == [{"creative_id": "banner", "approval_status": "approved"}]
    hand.forward(days=2)
    assert (await buyer.read(buy))["status"] == "active"
    hand.forward(days=20)
    assert (await buyer.read(buy))["status"] == "completed"


async def test_what_the_publisher_writes_needs_no_creative(buyer: Buyer) -> None:
    assert (await buyer.buy(buyer.package("newsletter")))["media_buy_status"] == "active"


async def test_a_buy_can_be_created_paused_as_a_whole_or_by_package(buyer: Buyer) -> None:
    whole = await buyer.live(paused=True)
    assert whole["media_buy_status"] == "paused"
    by_package = await buyer.live(buyer.package(paused=True))
    assert by_package["media_buy_status"] == "paused"
    assert by_package["packages"][0]["paused"] is True
    one_of_two = await buyer.live(buyer.package(paused=True), buyer.package())
    assert one_of_two["media_buy_status"] == "active"


async def test_without_ids_and_without_a_status_only_active_buys_are_listed(buyer: Buyer) -> None:
    active = await buyer.live()
    waiting = await buyer.buy()
    listed = (await buyer.done("get_media_buys"))["media_buys"]
    assert [row["media_buy_id"] for row in listed] == [active["media_buy_id"]]
    pending = await buyer.done("get_media_buys", status_filter="pending_creatives")
    assert [row["media_buy_id"] for row in pending["media_buys"]] == [waiting["media_buy_id"]]
    both = await buyer.done(
        "get_media_buys", status_filter=["active", "pending_creatives"], pagination={"max_results": 1}
    )
    assert both["pagination"] == {"has_more": True, "total_count": 2, "cursor": "c1"}


async def test_a_buy_of_somebody_else_does_not_exist(buyer: Buyer) -> None:
    buy = await buyer.buy()
    buyer.headers["authorization"] = "Bearer another"
    assert (await buyer.update(buy, paused=True))["adcp_error"]["code"] == "MEDIA_BUY_NOT_FOUND"
    found = await buyer.call("get_media_buys", media_buy_ids=[buy["media_buy_id"]])
    assert found["media_buys"] == []
    assert found["errors"][0]["code"] == "MEDIA_BUY_NOT_FOUND"


async def test_a_proposal_is_bought_for_its_total_without_loss(buyer: Buyer) -> None:
    order = buyer.order(proposal_id="north_screens", total_budget={"amount": 333.33, "currency": "USD"})
    del order["packages"]
    buy = await buyer.done("create_media_buy", **order)
    assert [package["budget"] for package in buy["packages"]] == [166.66, 100, 66.67]
    assert buy["total_budget"] == 333.33


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"proposal_id": "north_nothing"}, "REFERENCE_NOT_FOUND", "proposal_id"),
        ({"total_budget": None}, "VALIDATION_ERROR", "total_budget"),
        ({"total_budget": {"amount": 500, "currency": "GBP"}}, "VALIDATION_ERROR", "total_budget.currency"),
        ({"total_budget": {"amount": 20, "currency": "USD"}}, "BUDGET_TOO_LOW", "total_budget.amount"),
    ],
)
async def test_a_proposal_that_cannot_be_sold_is_refused(buyer: Buyer, change: Doc, code: str, field: str) -> None:
    order = buyer.order(proposal_id="north_reach", total_budget={"amount": 500, "currency": "USD"})
    error = await buyer.refused("create_media_buy", **{**order, "packages": None, **change})
    assert (error["code"], error["field"]) == (code, field)


async def test_a_proposal_expires(buyer: Buyer) -> None:
    await buyer.done("get_products", brief="reach")
    await buyer.control("clock", advance_seconds=8 * 86400)
    times = {"start_time": "2026-03-12T00:00:00Z", "end_time": "2026-03-20T00:00:00Z"}
    order = buyer.order(proposal_id="north_reach", total_budget={"amount": 500, "currency": "USD"}, **times)
    assert (await buyer.refused("create_media_buy", **{**order, "packages": None}))["code"] == "PROPOSAL_EXPIRED"


class TestCreatives:
    async def sync(self, buyer: Buyer, *creatives: Doc, **more: Any) -> list[Doc]:
        arguments = {"idempotency_key": buyer.key(), "account": ACCOUNT, "creatives": list(creatives), **more}
        return list((await buyer.done("sync_creatives", **arguments))["creatives"])

    async def test_each_creative_is_created_then_unchanged_then_updated(self, buyer: Buyer) -> None:
        assert (await self.sync(buyer, banner()))[0]["action"] == "created"
        assert (await self.sync(buyer, banner()))[0]["action"] == "unchanged"
        changed = (await self.sync(buyer, banner(name="Another")))[0]
        assert (changed["action"], changed["changes"]) == ("updated", ["name"])

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"format_id": {"agent_url": AGENT, "id": "unknown"}}, "format_id"),
            ({"format_id": {"agent_url": "https://other.example", "id": "display_300x250_image"}}, "format_id"),
            ({"assets": {"main": {"asset_type": "video", "url": "https://a.example/v.mp4"}}}, "assets"),
            ({"assets": {"main": {"asset_type": "image", "width": 10, "height": 10}}}, "assets"),
            ({"format_id": None, "format_kind": "agent_placement"}, "format_kind"),
        ],
    )
    async def test_one_that_cannot_be_shown_fails_alone(self, buyer: Buyer, change: Doc, field: str) -> None:
        rows = await self.sync(buyer, banner("good"), banner("bad", **change))
        assert [row["action"] for row in rows] == ["created", "failed"]
        assert rows[1]["errors"][0]["field"] == field

    async def test_one_that_does_not_fit_the_product_is_not_assigned(self, buyer: Buyer) -> None:
        buy = await buyer.buy(buyer.package("olv_preroll"))
        package_id = buy["packages"][0]["package_id"]
        rows = await self.sync(buyer, banner(), assignments={"banner": [package_id]})
        assert list(rows[0]["assignment_errors"]) == [package_id]
        assert (await buyer.read(buy))["status"] == "pending_creatives"

    async def test_a_kind_alone_fits_any_format_of_that_kind(self, buyer: Buyer) -> None:
        video = {"asset_type": "video", "url": "https://cdn.acme.example/v.mp4"}
        creative = {"creative_id": "film", "name": "Film", "format_kind": "video_hosted", "assets": {"main": video}}
        buy = await buyer.buy(buyer.package("olv_preroll", creatives=[creative]))
        assert buy["media_buy_status"] == "active"

    async def test_deleting_what_is_missing_stops_what_showed_it(self, buyer: Buyer) -> None:
        buy = await buyer.live()
        rows = await self.sync(buyer, banner("new"), delete_missing=True)
        assert {row["creative_id"]: row["action"] for row in rows} == {"new": "created", "banner": "deleted"}
        assert (await buyer.read(buy))["status"] == "pending_creatives"

    async def test_a_dry_run_keeps_nothing(self, buyer: Buyer) -> None:
        await self.sync(buyer, banner(), dry_run=True)
        assert (await buyer.done("list_creatives"))["creatives"] == []

    async def test_the_library_says_where_each_is_shown(self, buyer: Buyer) -> None:
        buy = await buyer.live()
        await self.sync(buyer, banner("other"))
        found = await buyer.done("list_creatives", account=ACCOUNT, filters={"creative_ids": ["banner"]})
        (row,) = found["creatives"]
        assert row["status"] == "approved"
        assert row["assignments"]["assigned_packages"][0]["package_id"] == buy["packages"][0]["package_id"]

    async def test_a_creative_in_review_is_not_shown_until_it_is_approved(self, buyer: Buyer) -> None:
        await buyer.faulty("creative_review", tool="create_media_buy")
        buy = await buyer.live()
        assert buy["media_buy_status"] == "pending_creatives"
        await buyer.control("decide", creative_id="banner", decision="approve")
        assert (await buyer.read(buy))["status"] == "active"
        await buyer.control("decide", creative_id="banner", decision="reject")
        assert (await buyer.read(buy))["status"] == "pending_creatives"
