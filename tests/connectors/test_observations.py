"""What sellers report, in our words; whatever they send, it never fails."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.connectors.adcp.mapping import observations as seen
from buyside.connectors.adcp.mapping import products
from buyside.connectors.adcp.mapping.capabilities import declared
from buyside.connectors.adcp.outcome import HTTPRefusal, RPCError, TaskResult, ToolResult, decide
from buyside.connectors.adcp.tasks import standing
from buyside.connectors.adcp.wire import loads
from buyside.domain.orders import AccountVerdict, CreativeVerdict, DeliveryRow, ObservedBuy, ObservedPackage
from buyside.domain.products import Allocation, PricingOption
from buyside.domain.storefronts import Protocol
from tests.connectors.sellers import ACCOUNT
from tests.connectors.vectors import Doc, vectors

BUY = loads(
    b"""{"media_buy_id": "mb_1", "status": "active", "currency": "usd", "total_budget": 1000.10, "revision": 3,
    "confirmed_at": "2026-08-01T10:00:00Z", "start_time": "2026-08-02T00:00:00Z", "end_time": "2026-09-02T00:00:00Z",
    "context": {"internal_campaign_id": "cmp_1", "media_buy_id": "mb_ours"},
    "creative_deadline": "2026-08-05T00:00:00Z",
    "available_actions": [{"action": "pause", "mode": "self_serve"}], "unknown_future_field": {"x": 1},
    "packages": [
      {"package_id": "pk_1", "product_id": "p1", "budget": 500.05, "pricing_option_id": "o1", "bid_price": 4.25,
       "paused": false, "context": {"buyer_ref": "r1"}, "pricing_option": {"fixed_price": 12.345678},
       "creative_assignments": [{"creative_id": "c1"}],
       "creative_approvals": [{"creative_id": "c1"}, {"creative_id": "c2"}]},
      {"package_id": "pk_2", "canceled": true, "budget": {"total": 500.05, "currency": "EUR"}},
      {"product_id": "has no id"}, "nonsense"
    ]}"""
)


def test_a_listed_buy_is_read_whole() -> None:
    (buy,) = seen.listed_buys({"media_buys": [BUY, {"status": "no id"}, 7]})
    assert buy == ObservedBuy(
        seller_buy_id="mb_1",
        status="active",
        revision=3,
        currency="USD",
        total_budget=Decimal("1000.1"),
        start=datetime(2026, 8, 2, tzinfo=UTC),
        end=datetime(2026, 9, 2, tzinfo=UTC),
        confirmed_at=datetime(2026, 8, 1, 10, tzinfo=UTC),
        context_id="mb_ours",
        valid_actions=("pause",),
        creative_deadline=datetime(2026, 8, 5, tzinfo=UTC),
        packages=(
            ObservedPackage(
                package_id="pk_1",
                product_id="p1",
                buyer_ref="r1",
                paused=False,
                budget=Decimal("500.05"),
                currency="USD",
                pricing_option_id="o1",
                price=Decimal("12.345678"),
                bid=Decimal("4.25"),
                creative_ids=("c1", "c2"),
            ),
            ObservedPackage(package_id="pk_2", status="canceled", budget=Decimal("500.05"), currency="EUR"),
        ),
    )


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"status": "completed", "media_buy_status": "pending_start"}, "pending_start"),
        ({"status": "completed"}, None),
        ({"status": "pending_creatives"}, "pending_creatives"),
        ({"status": "pending_approval"}, "pending_approval"),
        ({"status": "canceled"}, "canceled"),
        ({"status": "submitted"}, None),
        ({}, None),
    ],
)
def test_the_status_of_a_buy_is_told_from_that_of_the_task(answer: dict[str, Any], status: str | None) -> None:
    buy = seen.answered_buy({"media_buy_id": "mb_1", **answer})
    assert buy is not None
    assert buy.status == status


def test_an_update_answers_with_the_packages_it_touched() -> None:
    buy = seen.answered_buy({"media_buy_id": "mb_1", "affected_packages": [{"package_id": "pk_1", "budget": 0}]})
    assert buy is not None
    assert [(each.package_id, each.budget) for each in buy.packages] == [("pk_1", Decimal(0))]


def test_an_answer_that_names_no_buy_is_none() -> None:
    assert seen.answered_buy({"status": "completed", "media_buy_id": ""}) is None


@pytest.mark.contract
@vectors("media-buy/package-status-targeting-overlay-echo.json")
def test_adcps_readback_examples_are_read(vector: Doc) -> None:
    (buy,) = seen.listed_buys(vector["payload"])
    raw = vector["payload"]["media_buys"][0]
    assert (buy.seller_buy_id, buy.status, buy.revision) == (raw["media_buy_id"], raw["status"], raw["revision"])
    assert [each.package_id for each in buy.packages] == [each["package_id"] for each in raw["packages"]]
    assert [each.budget for each in buy.packages] == [each["budget"] for each in raw["packages"]]


@pytest.mark.contract
@vectors("media-buy/status-as-of.json")
def test_a_buy_is_read_with_or_without_its_freshness(vector: Doc) -> None:
    (buy,) = seen.listed_buys(vector["payload"])
    assert buy.status == vector["payload"]["media_buys"][0]["status"]


def test_creatives_are_judged_one_by_one() -> None:
    listed = [
        {"creative_id": "c1", "action": "created", "status": "approved"},
        {"creative_id": "c2", "action": "failed", "errors": [{"code": "X", "message": "too large"}, {"code": "Y"}]},
        {"creative_id": "c3", "errors": ["no asset"]},
        {"action": "created"},
    ]
    assert seen.creative_verdicts({"creatives": listed}) == [
        CreativeVerdict("c1", "created", "approved"),
        CreativeVerdict("c2", "failed", None, "too large; Y"),
        CreativeVerdict("c3", "failed", None, "no asset"),
    ]


OURS = {"brand": {"domain": "ACME.com"}, "operator": "agency.com", "sandbox": True}


@pytest.mark.parametrize(
    ("accounts", "verdict"),
    [
        ([{**OURS, "account_id": "a1", "status": "active", "action": "created"}], AccountVerdict("a1", "active")),
        (
            [{**OURS, "status": "pending_approval", "setup": {"message": "Sign."}}],
            AccountVerdict(None, "pending_approval", "Sign."),
        ),
        ([{**OURS, "action": "failed", "errors": [{"message": "no"}]}], AccountVerdict(None, "rejected", "no")),
        ([{**OURS, "sandbox": False}, {**OURS, "account_id": "a2"}], AccountVerdict("a2", "active")),
        ([{"brand": {"domain": "other.com"}, "account_id": "a1"}], None),
        ([{"account_id": "a1", "status": "active"}], AccountVerdict("a1", "active")),
        ([{"account_id": "a1"}, {"account_id": "a2"}], None),
        ([], None),
    ],
)
def test_our_account_is_found_among_those_synced(
    accounts: list[dict[str, Any]], verdict: AccountVerdict | None
) -> None:
    assert seen.account_verdict({"accounts": accounts}, ACCOUNT) == verdict


def row(package_id: str | None, day: date | None, impressions: int, spend: str, **more: Any) -> DeliveryRow:
    fields: dict[str, Any] = {"clicks": None, "currency": "USD", **more}
    return DeliveryRow("mb_1", package_id, day, impressions, spend=Decimal(spend), **fields)


def test_delivery_is_read_per_package_and_per_day() -> None:
    data = loads(
        b"""{"currency": "USD", "media_buy_deliveries": [
        {"media_buy_id": "mb_1", "totals": {"impressions": 30, "spend": 0.3}, "is_final": true, "by_package": [
          {"package_id": "pk_1", "impressions": 10.0, "spend": 0.1234567, "clicks": 2, "completed_views": 4,
           "daily_breakdown": [{"date": "2026-08-01", "impressions": 10, "spend": 0.1}]},
          {"package_id": "pk_2", "impressions": 20, "spend": 0.2, "currency": "eur"}]},
        {"media_buy_id": "mb_other", "totals": {"impressions": 1, "spend": 1}}]}"""
    )
    assert seen.delivery_rows(data, ["mb_1"]) == [
        row("pk_1", None, 10, "0.123457", clicks=2, completed_views=4, is_final=True),
        row("pk_2", None, 20, "0.2", currency="EUR", is_final=True),
        row("pk_1", date(2026, 8, 1), 10, "0.1", is_final=True),
    ]


def test_delivery_without_packages_is_one_row_of_the_buy() -> None:
    data = {
        "currency": "USD",
        "media_buy_deliveries": [
            {
                "media_buy_id": "mb_1",
                "totals": {"impressions": 30, "spend": 3, "leads": 1, "conversions": 2},
                "by_package": [{"impressions": 1}],
                "daily_breakdown": [{"date": "2026-08-01", "impressions": 30, "spend": 3}, {"date": "soon"}],
            }
        ],
    }
    assert seen.delivery_rows(data, []) == [
        row(None, None, 30, "3", leads=1, conversions=2),
        row(None, date(2026, 8, 1), 30, "3"),
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"fixed_price": 12.5}, {"fixed_price": Decimal("12.5")}),
        ({"floor_price": 3, "price_guidance": {"p50": 5}}, {"floor_price": Decimal(3), "price_guidance": {"p50": 5}}),
        ({"rate": 9.0, "is_fixed": True}, {"fixed_price": Decimal(9)}),
        (
            {"is_fixed": False, "price_guidance": {"floor": 2}},
            {"floor_price": Decimal(2), "price_guidance": {"floor": 2}},
        ),
        ({"is_fixed": False, "rate": 4}, {"floor_price": Decimal(4)}),
        ({"min_spend_per_package": 100, "fixed_price": 1}, {"fixed_price": Decimal(1), "min_spend": Decimal(100)}),
        ({"fixed_price": None, "floor_price": 3}, {"floor_price": Decimal(3)}),
    ],
)
def test_a_price_is_fixed_or_has_a_floor(raw: dict[str, Any], expected: dict[str, Any]) -> None:
    option = products.pricing_option({"pricing_option_id": "o", "pricing_model": "cpm", "currency": "usd", **raw})
    assert option == PricingOption("o", "cpm", "USD", **expected)


@pytest.mark.parametrize("name", ["fixed_price", "floor_price", "rate"])
@pytest.mark.parametrize("price", [-1, float("nan"), float("inf"), "free", {}, True])
def test_a_price_that_is_none_is_not_taken_for_an_auction(name: str, price: object) -> None:
    raw = {"pricing_option_id": "o", "pricing_model": "cpm", "currency": "USD", "is_fixed": True, name: price}
    assert products.pricing_option(raw) is None
    product = products.product({"product_id": "p", "pricing_options": [raw]})
    assert product is not None
    assert product.pricing_options == ()


def test_a_product_with_unknown_formats_models_and_fields_is_kept() -> None:
    raw = {
        "product_id": "p1",
        "pricing_options": [
            {"pricing_option_id": "o", "pricing_model": "per_hug", "currency": "USD", "fixed_price": 1}
        ],
        "publisher_properties": [{"publisher_domain": "a.com"}, {"publisher_domains": ["a.com", "b.com", 7]}],
        "format_ids": ["display_300x250", {"agent_url": "https://x", "id": "y"}],
        "format_options": [{"format_kind": "hologram", "params": {}}],
        "delivery_type": "by_pigeon",
        "future": [1],
    }
    offer = products.offer({"products": [raw, {"name": "no id"}], "errors": [{"code": "FORMAT_PROJECTION_FAILED"}]})
    (product,) = offer.products
    assert (product.name, product.delivery_type, product.raw["future"]) == ("p1", "by_pigeon", [1])
    assert product.publisher_domains == ("a.com", "b.com")
    assert product.format_ids == ({"id": "display_300x250"}, {"agent_url": "https://x", "id": "y"})
    assert product.pricing_options[0].model == "per_hug"


def test_a_proposal_is_read_with_what_it_allocates() -> None:
    raw = {
        "proposal_id": "pr_1",
        "name": "Balanced",
        "allocations": [{"product_id": "p1", "allocation_percentage": 33.34, "sequence": 1, "tags": ["a"]}, {"x": 1}],
        "total_budget_guidance": {"min": 100, "currency": "USD"},
        "expires_at": "2026-08-01T00:00:00Z",
    }
    (proposal,) = products.offer({"proposals": [raw]}).proposals
    assert proposal.allocations == (Allocation("p1", Decimal("33.34"), sequence=1, tags=("a",)),)
    assert proposal.budget_guidance["min"] == 100


NAMES = """
media_buys media_buy_id packages affected_packages package_id status budget currency context buyer_ref creatives
creative_id accounts brand domain media_buy_deliveries by_package totals daily_breakdown date spend impressions products
product_id pricing_options price_guidance publisher_properties format_ids proposals allocations errors code message
adcp_error structuredContent content text isError artifacts parts data state task result adcp idempotency account
revision total_budget confirmed_at retry_after details issues pagination cursor task_id
"""
WORDS = st.sampled_from(NAMES.split())
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(
        ["", "submitted", "completed", "failed", "mb_1", "2026-08-01", "1e400", "\x00", "TASK_STATE_FAILED"]
    )
)
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=30
)
documents = st.dictionaries(WORDS, junk, max_size=6)


@given(documents)
def test_no_payload_makes_reading_fail(data: dict[str, Any]) -> None:
    seen.answered_buy(data)
    seen.listed_buys(data)
    seen.creative_verdicts(data)
    seen.account_verdict(data, ACCOUNT)
    seen.delivery_rows(data, ["mb_1"])
    products.offer(data)
    declared(Protocol.MCP, "https://s.example", "1", {}, data, ())
    standing(data, "t1")


@given(documents, st.sampled_from(["create_media_buy", "update_media_buy", "sync_creatives", "get_products"]))
def test_no_reply_makes_the_decision_fail(data: dict[str, Any], tool: str) -> None:
    for reply in (ToolResult(data), TaskResult(data), HTTPRefusal(500, data), RPCError(-32000, "x", data)):
        decide(reply, tool)
