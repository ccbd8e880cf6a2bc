"""Every answer is what the AdCP schemas say it is."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema
import pytest

from buyside.sandbox.formats import FORMATS
from tests.conftest import CONTRACT
from tests.sandbox.buyer import ACCOUNT, Buyer, Doc, Hand, banner

SCHEMAS = CONTRACT / "adcp" / "schemas" / "3.1.19"
pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not SCHEMAS.is_dir(), reason=f"the AdCP schemas are not at {SCHEMAS}"),
]


def _without_ids(value: Any) -> Any:
    # The bundles keep the $id of what they took in, which would move the base of their own references.
    if isinstance(value, dict):
        return {name: _without_ids(part) for name, part in value.items() if name != "$id"}
    return [_without_ids(part) for part in value] if isinstance(value, list) else value


@cache
def _validator(path: str) -> jsonschema.Draft7Validator:
    schema = _without_ids(json.loads((SCHEMAS / path).read_text()))
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())


def _checked(path: str, doc: Doc) -> Doc:
    error = jsonschema.exceptions.best_match(_validator(path).iter_errors(doc))
    assert error is None, f"{error.json_path}: {error.message[:500]}"
    return doc


async def test_capabilities(buyer: Buyer) -> None:
    _checked("protocol/get-adcp-capabilities-response.json", await buyer.done("get_adcp_capabilities"))
    await buyer.faulty("no_idempotency", "creative_review")
    _checked("protocol/get-adcp-capabilities-response.json", await buyer.done("get_adcp_capabilities"))


@pytest.mark.parametrize(
    "asked",
    [
        {"buying_mode": "brief", "brief": "Video for households in the evening"},
        {"buying_mode": "wholesale", "filters": {"channels": ["ctv", "display"]}},
        {"buying_mode": "wholesale", "fields": ["product_id", "channels"], "pagination": {"max_results": 2}},
        {"buying_mode": "wholesale", "property_list": {"agent_url": "https://lists.example", "list_id": "l1"}},
        {
            "buying_mode": "refine",
            "refine": [
                {"scope": "request", "ask": "cheaper"},
                {"scope": "product", "product_id": "north_display_reach", "action": "more_like_this"},
                {"scope": "product", "product_id": "nobody", "action": "include"},
                {"scope": "proposal", "proposal_id": "north_reach", "action": "finalize"},
            ],
        },
    ],
)
async def test_products(buyer: Buyer, asked: Doc) -> None:
    _checked("media-buy/get-products-request.json", asked)
    _checked("media-buy/get-products-response.json", await buyer.done("get_products", **asked))


async def test_products_that_did_not_change(buyer: Buyer) -> None:
    first = await buyer.done("get_products", buying_mode="wholesale")
    version = first["wholesale_feed_version"]
    again = await buyer.done("get_products", buying_mode="wholesale", if_wholesale_feed_version=version)
    _checked("media-buy/get-products-response.json", again)
    assert "products" not in again


async def test_formats(buyer: Buyer) -> None:
    found = _checked("creative/list-creative-formats-response.json", await buyer.done("list_creative_formats"))
    assert len(found["formats"]) == len(FORMATS)


async def test_creatives(buyer: Buyer) -> None:
    buy = await buyer.buy()
    asked = {
        "idempotency_key": buyer.key(),
        "account": ACCOUNT,
        "creatives": [banner(), banner("other", format_id={"agent_url": "https://a.example", "id": "unknown"})],
        "assignments": [
            {"creative_id": "banner", "package_id": buy["packages"][0]["package_id"]},
            {"creative_id": "banner", "package_id": "pkg_unknown"},
        ],
    }
    _checked("creative/sync-creatives-request.json", asked)
    found = _checked("creative/sync-creatives-response.json", await buyer.done("sync_creatives", **asked))
    assert [row["action"] for row in found["creatives"]] == ["created", "failed"]


async def test_a_buy_from_order_to_report(buyer: Buyer, hand: Hand) -> None:
    order = buyer.order(
        buyer.package(creatives=[banner()], context={"buyer_ref": "p1"}),
        buyer.package("ctv_auction", pricing_option_id="cpm_usd_auction", bid_price=14.5, paused=True),
        context={"internal_campaign_id": "c1"},
    )
    _checked("media-buy/create-media-buy-request.json", order)
    buy = _checked("media-buy/create-media-buy-response.json", await buyer.done("create_media_buy", **order))
    first, second = (package["package_id"] for package in buy["packages"])
    hand.forward(days=3)
    for changes in (
        {"revision": 1, "packages": [{"package_id": first, "budget": 250, "paused": True}]},
        {"end_time": "2026-03-20T00:00:00Z", "new_packages": [buyer.package("newsletter")]},
        {"packages": [{"package_id": second, "canceled": True}, {"package_id": first, "paused": False}]},
        {"paused": True},
        {"canceled": True, "cancellation_reason": "It was a test."},
    ):
        change = buyer.change(buy, **changes)
        _checked("media-buy/update-media-buy-request.json", change)
        answer = await buyer.done("update_media_buy", **change)
        _checked("media-buy/update-media-buy-response.json", answer)
        read = {"media_buy_ids": [buy["media_buy_id"]], "include_snapshot": True, "include_history": 10}
        _checked("media-buy/get-media-buys-request.json", read)
        _checked("media-buy/get-media-buys-response.json", await buyer.done("get_media_buys", **read))
        report = {"media_buy_ids": [buy["media_buy_id"]], "include_package_daily_breakdown": True}
        _checked("media-buy/get-media-buy-delivery-request.json", report)
        found = await buyer.done("get_media_buy_delivery", **report)
        _checked("media-buy/get-media-buy-delivery-response.json", found)
        hand.forward(days=1)


async def test_a_proposal_that_is_bought(buyer: Buyer) -> None:
    order = buyer.order(proposal_id="north_screens", total_budget={"amount": 1000, "currency": "USD"})
    del order["packages"]
    _checked("media-buy/create-media-buy-request.json", order)
    _checked("media-buy/create-media-buy-response.json", await buyer.done("create_media_buy", **order))


@pytest.mark.parametrize("fault", ["approval", "pending", "refuse_paused", "wrong_budget", "wrong_currency"])
async def test_orders_that_go_another_way(buyer: Buyer, fault: str) -> None:
    await buyer.faulty(fault)
    buy = await buyer.done("create_media_buy", **buyer.order(paused=True))
    _checked("media-buy/create-media-buy-response.json", buy)
    _checked("media-buy/get-media-buys-response.json", await buyer.done("get_media_buys", status_filter=["paused"]))


async def test_errors_and_replays(buyer: Buyer) -> None:
    order = buyer.order(buyer.package(budget=1))
    _checked("media-buy/create-media-buy-response.json", _errors_only(await buyer.call("create_media_buy", **order)))
    order = buyer.order()
    await buyer.done("create_media_buy", **order)
    _checked("media-buy/create-media-buy-response.json", await buyer.done("create_media_buy", **order))
    missing = await buyer.call("get_media_buys", media_buy_ids=["mb_unknown"])
    _checked("media-buy/get-media-buys-response.json", missing)


def _errors_only(doc: Doc) -> Doc:
    assert doc["errors"]
    return doc


async def test_a_task_carries_a_whole_answer(buyer: Buyer) -> None:
    await buyer.faulty("approval")
    task = await buyer.done("create_media_buy", **buyer.order())
    await buyer.control("decide", task_id=task["task_id"], decision="approve")
    status = await buyer.done("get_task_status", task_id=task["task_id"], include_result=True)
    _checked("media-buy/create-media-buy-response.json", status["result"])
