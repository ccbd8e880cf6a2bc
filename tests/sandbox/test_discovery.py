from __future__ import annotations

import pytest

from buyside.sandbox.catalogue import Catalogue
from tests.sandbox.buyer import ACCOUNT, Buyer

SELLERS = ["Sandbox Seller", "North", "South", "Lakeside Media", "Kiosk 24"]


@pytest.mark.parametrize("name", SELLERS)
def test_every_product_has_a_usd_option_first_and_no_minimum_above_100(name: str) -> None:
    products = Catalogue(name).products
    assert len(products) >= 6
    for product in products:
        assert product.options[0].currency == "USD"
        assert all(option.min_spend <= 100 for option in product.options)


@pytest.mark.parametrize("name", SELLERS)
def test_a_catalogue_holds_every_channel_both_deliveries_and_auctions(name: str) -> None:
    docs = [product.doc() for product in Catalogue(name).products]
    assert {"display", "olv", "ctv", "social", "streaming_audio"} <= {doc["channels"][0] for doc in docs}
    assert {doc["delivery_type"] for doc in docs} == {"guaranteed", "non_guaranteed"}
    options = [option for doc in docs for option in doc["pricing_options"]]
    assert {"USD", "EUR", "JPY"} == {option["currency"] for option in options}
    assert any("floor_price" in option and option["max_bid"] for option in options)
    assert any("fixed_price" in option for option in options)
    assert all(doc["format_ids"] and doc["format_options"] for doc in docs)


def test_what_a_seller_sells_follows_from_its_name() -> None:
    assert [one.doc() for one in Catalogue("North").products] == [one.doc() for one in Catalogue("North").products]
    north, south = ({one.publisher for one in Catalogue(name).products} for name in ("North", "South"))
    assert north != south


async def test_a_brief_puts_what_it_speaks_of_first(buyer: Buyer) -> None:
    found = await buyer.done("get_products", buying_mode="brief", brief="streaming music spots on web radio")
    assert found["products"][0]["product_id"] == buyer.product("audio_stream")
    assert found["products"][0]["brief_relevance"]
    assert len(found["proposals"]) == 2


async def test_without_a_mode_a_brief_is_a_brief_and_nothing_is_wholesale(buyer: Buyer) -> None:
    assert "proposals" in await buyer.done("get_products", brief="video")
    assert "proposals" not in await buyer.done("get_products")


@pytest.mark.parametrize(
    "asked",
    [{"buying_mode": "brief"}, {"buying_mode": "wholesale", "brief": "video"}, {"buying_mode": "refine"}],
)
async def test_a_mode_without_what_it_needs_is_refused(buyer: Buyer, asked: dict[str, object]) -> None:
    assert (await buyer.refused("get_products", **asked))["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({"channels": ["social"]}, {"social_feed"}),
        ({"is_fixed_price": False}, {"display_auction", "ctv_auction"}),
        ({"pricing_currencies": ["JPY"]}, {"ctv_premium", "social_feed", "audio_stream"}),
        (
            {"format_ids": [{"agent_url": "https://creative.adcontextprotocol.org", "id": "audio_daast"}]},
            {"audio_stream"},
        ),
        ({"budget_range": {"max": 5, "currency": "USD"}}, set()),
        ({"channels": ["ctv"], "delivery_type": "guaranteed"}, {"ctv_premium"}),
    ],
)
async def test_filters_leave_what_fits(buyer: Buyer, filters: dict[str, object], left: set[str]) -> None:
    found = await buyer.done("get_products", buying_mode="wholesale", filters=filters)
    assert {one["product_id"] for one in found["products"]} == {buyer.product(name) for name in left}


async def test_pages_follow_each_other_without_loss(buyer: Buyer) -> None:
    seen: list[str] = []
    pagination: dict[str, object] = {"max_results": 4}
    while True:
        found = await buyer.done("get_products", buying_mode="wholesale", pagination=pagination)
        seen += [one["product_id"] for one in found["products"]]
        if not found["pagination"]["has_more"]:
            break
        pagination["cursor"] = found["pagination"]["cursor"]
    assert len(seen) == len(set(seen)) == found["pagination"]["total_count"]
    bad = {"cursor": "made up"}
    assert (await buyer.refused("get_products", buying_mode="wholesale", pagination=bad))["code"] == "INVALID_REQUEST"


async def test_refining_includes_omits_and_finds_alike(buyer: Buyer) -> None:
    wishes = [
        {"scope": "product", "product_id": buyer.product("ctv_premium"), "action": "more_like_this"},
        {"scope": "product", "product_id": buyer.product("display_reach"), "action": "include"},
        {"scope": "proposal", "proposal_id": "north_reach", "action": "omit"},
        {"scope": "product", "product_id": "unknown"},
    ]
    found = await buyer.done("get_products", buying_mode="refine", refine=wishes)
    kept = {one["product_id"] for one in found["products"]}
    assert kept == {buyer.product(name) for name in ("ctv_premium", "ctv_auction", "display_reach")}
    assert [row["status"] for row in found["refinement_applied"]] == ["applied", "applied", "applied", "unable"]
    omitted = [{"scope": "product", "product_id": buyer.product("ctv_premium"), "action": "omit"}]
    found = await buyer.done("get_products", buying_mode="refine", refine=omitted)
    assert buyer.product("ctv_premium") not in {one["product_id"] for one in found["products"]}
    assert [one["proposal_id"] for one in found["proposals"]] == ["north_reach"]


async def test_a_version_that_is_not_spoken_is_refused_with_those_that_are(buyer: Buyer) -> None:
    for asked in ({"adcp_version": "3.2"}, {"adcp_major_version": 2}):
        error = await buyer.refused("get_products", **asked)
        assert error["code"] == "VERSION_UNSUPPORTED"
        assert error["details"]["supported_versions"] == ["3.0", "3.1"]
    assert (await buyer.done("get_products", adcp_version="3.0", adcp_major_version=3))["adcp_version"] == "3.0"


async def test_accounts_are_declared_once_and_found_by_either_key(buyer: Buyer) -> None:
    declared = {**ACCOUNT, "billing": "agent"}
    first = await buyer.done("sync_accounts", idempotency_key=buyer.key(), accounts=[declared])
    (row,) = first["accounts"]
    assert (row["action"], row["status"], row["billing"], row["sandbox"]) == ("created", "active", "agent", True)
    again = await buyer.done("sync_accounts", idempotency_key=buyer.key(), accounts=[declared])
    assert again["accounts"][0]["action"] == "unchanged"
    other = await buyer.done(
        "sync_accounts", idempotency_key=buyer.key(), accounts=[{**ACCOUNT, "billing": "operator"}]
    )
    assert other["accounts"][0]["action"] == "updated"
    (found,) = (await buyer.done("list_accounts"))["accounts"]
    assert found["account_id"] == row["account_id"]
    await buyer.buy(account={"account_id": row["account_id"]})
    assert (
        len((await buyer.done("get_media_buys", account=ACCOUNT, status_filter="pending_creatives"))["media_buys"]) == 1
    )


async def test_a_party_that_cannot_be_billed_fails_its_account_alone(buyer: Buyer) -> None:
    accounts = [{**ACCOUNT, "billing": "advertiser"}, {"brand": {"domain": "b.example"}, "operator": "b.example"}]
    found = await buyer.done("sync_accounts", idempotency_key=buyer.key(), accounts=accounts)
    assert [row["action"] for row in found["accounts"]] == ["failed", "created"]
    assert found["accounts"][0]["errors"][0]["code"] == "BILLING_NOT_SUPPORTED"


async def test_an_account_id_that_was_never_given_out_is_not_found(buyer: Buyer) -> None:
    error = await buyer.refused("create_media_buy", **buyer.order(account={"account_id": "acc_made_up"}))
    assert (error["code"], error["recovery"]) == ("ACCOUNT_NOT_FOUND", "terminal")


async def test_a_dry_run_declares_nothing(buyer: Buyer) -> None:
    await buyer.done("sync_accounts", idempotency_key=buyer.key(), accounts=[ACCOUNT], dry_run=True)
    assert (await buyer.done("list_accounts"))["accounts"] == []
