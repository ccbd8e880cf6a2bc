"""Our orders in AdCP's words, valid by AdCP's own schemas in 3.1 and 3.0."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buyside.connectors.adcp.mapping import requests
from buyside.connectors.adcp.platform import AdCPSellers
from buyside.connectors.adcp.shaping import shape_of
from buyside.connectors.registry import open_sellers
from buyside.domain.answers import Prepared
from buyside.domain.errors import Rejected
from buyside.domain.money import Money
from buyside.domain.orders import (
    AccountRef,
    BuyChange,
    BuyOrder,
    CreativeSync,
    CreativeUpload,
    PackageChange,
    PackageOrder,
)
from buyside.domain.products import ProductQuery
from buyside.domain.storefronts import Protocol, Seller, SellerProfile, Shape
from tests.connectors.sellers import ACCOUNT, KEY, a_seller, an_order
from tests.connectors.vectors import schema

RELEASES = {"3.1": "3.1.19", "3.0": "3.0.25"}
PATHS = {
    "create_media_buy": "media-buy/create-media-buy-request",
    "update_media_buy": "media-buy/update-media-buy-request",
    "get_products": "media-buy/get-products-request",
    "get_media_buys": "media-buy/get-media-buys-request",
    "get_media_buy_delivery": "media-buy/get-media-buy-delivery-request",
    "sync_creatives": "creative/sync-creatives-request",
    "sync_accounts": "account/sync-accounts-request",
}


checker = jsonschema.FormatChecker()


@checker.checks("date-time", raises=ValueError)
def is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@functools.cache
def adcps_shape(release: str) -> Shape:
    return shape_of(schema(RELEASES[release], PATHS["create_media_buy"]))


@functools.cache
def validator(release: str, tool: str) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(schema(RELEASES[release], PATHS[tool]), format_checker=checker)


def check(release: str, tool: str, arguments: Any) -> None:
    problems = [f"{list(each.path)}: {each.message}" for each in validator(release, tool).iter_errors(arguments)]
    assert problems == []


def seller(*releases: str, tools: Mapping[str, Shape] | None = None, ttl: int | None = 86400, **more: Any) -> Seller:
    every = dict.fromkeys(PATHS, Shape()) if tools is None else tools
    profile = SellerProfile(
        Protocol.MCP, "https://s.example/mcp", "2025-06-18", versions=releases, tools=every, replay_ttl=ttl
    )
    return a_seller("https://s.example/mcp", profile=profile, **more)


def platform() -> AdCPSellers:
    opened = open_sellers()
    assert isinstance(opened, AdCPSellers)
    return opened


def sent(prepared: Prepared) -> Any:
    return json.loads(prepared.body)


days = st.datetimes(datetime(2026, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ids = st.text("abcdefgh_0123456789", min_size=1, max_size=20)
money = st.integers(0, 10**12).map(lambda minor: Money(minor, "USD"))
bids = st.none() | st.decimals(0, 10_000, places=6)
accounts = st.builds(
    AccountRef,
    brand_domain=st.sampled_from(["acme.com", "Acme.CO.uk", "a-b.example"]),
    operator_domain=st.sampled_from(["agency.com", "acme.com"]),
    sandbox=st.booleans(),
    account_id=st.none() | ids,
)
packages = st.builds(
    PackageOrder,
    buyer_ref=ids,
    product_id=ids,
    pricing_option_id=ids,
    budget=money,
    bid=bids,
    pacing=st.sampled_from([None, "even", "asap", "front_loaded"]),
    paused=st.booleans(),
    start=st.none() | days,
    end=st.none() | days,
    targeting=st.sampled_from([{}, {"geo_countries": ["US", "DE"]}, {"language": ["en"]}]),
    creative_ids=st.lists(ids, max_size=3).map(tuple),
    optimization_goals=st.sampled_from([(), ({"kind": "metric", "metric": "clicks", "priority": 1},)]),
)
orders = st.builds(
    BuyOrder,
    media_buy_id=ids,
    campaign_id=ids,
    name=st.text(min_size=1, max_size=30),
    account=accounts,
    start=st.none() | days,
    end=days,
    packages=st.lists(packages, min_size=1, max_size=3).map(tuple),
    paused=st.booleans(),
)


@pytest.mark.contract
@pytest.mark.parametrize("release", RELEASES)
@settings(max_examples=40)
@given(order=orders)
def test_every_order_is_a_valid_create_media_buy(release: str, order: BuyOrder) -> None:
    prepared = platform().prepare_buy(seller("3.0", release), order, KEY)
    check(release, "create_media_buy", sent(prepared))
    assert prepared.dropped == ()


@pytest.mark.contract
@pytest.mark.parametrize("release", RELEASES)
@settings(max_examples=40)
@given(order=orders)
def test_nothing_is_lost_when_the_seller_lists_adcps_own_schema(release: str, order: BuyOrder) -> None:
    shapes = {"create_media_buy": adcps_shape(release)}
    prepared = platform().prepare_buy(seller("3.0", release, tools=shapes), order, KEY)
    check(release, "create_media_buy", sent(prepared))
    assert prepared.dropped == ()


changes = st.builds(
    BuyChange,
    seller_buy_id=ids,
    account=accounts,
    revision=st.none() | st.integers(1, 1000),
    paused=st.none() | st.booleans(),
    canceled=st.none() | st.booleans(),
    reason=st.none() | st.text(min_size=1, max_size=40),
    start=st.none() | days,
    end=st.none() | days,
    packages=st.lists(
        st.builds(
            PackageChange,
            package_id=ids,
            budget=st.none() | money,
            paused=st.none() | st.booleans(),
            canceled=st.none() | st.booleans(),
            bid=bids,
            creative_ids=st.none() | st.lists(ids, min_size=1, max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
)


@pytest.mark.contract
@pytest.mark.parametrize("release", RELEASES)
@settings(max_examples=25)
@given(change=changes)
def test_every_change_is_a_valid_update_media_buy(release: str, change: BuyChange) -> None:
    check(release, "update_media_buy", sent(platform().prepare_change(seller(release), change, KEY)))


SYNC = CreativeSync(
    ACCOUNT,
    (
        CreativeUpload(
            "cr_1",
            "Banner",
            {"agent_url": "https://creative.example/", "id": "display_300x250"},
            {
                "image": {
                    "asset_type": "image",
                    "url": "https://cdn.example/a.png",
                    "width": 300,
                    "height": 250,
                }
            },
        ),
    ),
    (("cr_1", "pkg_1"),),
)


@pytest.mark.contract
@pytest.mark.parametrize("release", RELEASES)
def test_creatives_and_accounts_are_synced_in_valid_requests(release: str) -> None:
    check(release, "sync_creatives", sent(platform().prepare_creatives(seller(release), SYNC, KEY)))
    for account in (ACCOUNT, replace(ACCOUNT, sandbox=False)):
        check(release, "sync_accounts", sent(platform().prepare_account(seller(release), account, "agent", KEY)))


QUERIES = [
    ProductQuery("brief", brief="sports fans", brand_domain="acme.com", account=ACCOUNT),
    ProductQuery("wholesale", filters={"channels": ["ctv"], "countries": ["US"]}),
    ProductQuery("refine", refine=({"scope": "request", "ask": "cheaper"},)),
]


@pytest.mark.contract
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.mode)
def test_reads_are_valid_requests(release: str, query: ProductQuery) -> None:
    profile = seller(release).profile
    for tool, arguments in {
        "get_products": requests.get_products(query),
        "get_media_buys": requests.get_media_buys(ACCOUNT, ["mb_1"]),
        "get_media_buy_delivery": requests.get_media_buy_delivery(
            ACCOUNT, ["mb_1"], date(2026, 1, 1), date(2026, 2, 1)
        ),
    }.items():
        full = {**arguments, **requests.version_fields(profile, tool)}
        check(release, tool, {key: each for key, each in full.items() if each is not None})


@pytest.mark.contract
def test_the_next_page_is_a_valid_request() -> None:
    first = requests.get_media_buys(ACCOUNT, ["mb_1"])
    second = requests.next_page(first, {"pagination": {"has_more": True, "cursor": "c"}})
    check("3.1", "get_media_buys", second)


@pytest.mark.contract
def test_a_task_is_asked_for_in_valid_requests() -> None:
    current = schema("3.1.19", "protocol/get-task-status-request")
    older = schema("3.0.25", "core/tasks-get-request")
    jsonschema.validate(requests.get_task_status("t1", ACCOUNT), current)
    for scoped in (False, True):
        jsonschema.validate(requests.tasks_get("t1", ACCOUNT, scoped=scoped), older)


def test_a_paused_campaign_pauses_every_package_and_the_buy_from_3_1_on() -> None:
    order = an_order(paused=True)
    newer = sent(platform().prepare_buy(seller("3.0", "3.1"), order, KEY))
    older = sent(platform().prepare_buy(seller("3.0"), order, KEY))
    assert (newer["paused"], newer["packages"][0]["paused"]) == (True, True)
    assert ("paused" in older, older["packages"][0]["paused"]) == (False, True)
    free = sent(platform().prepare_buy(seller("3.1"), an_order(), KEY))
    assert "paused" not in free
    assert "paused" not in free["packages"][0]


def test_our_ids_travel_in_the_context() -> None:
    body = sent(platform().prepare_buy(seller("3.1"), an_order(), KEY))
    assert body["context"] == {"internal_campaign_id": "cmp_ours", "media_buy_id": "mb_ours"}
    assert body["packages"][0]["context"] == {"buyer_ref": "ref_1"}


def test_amounts_are_written_exactly() -> None:
    order = an_order(budget="1234567890.01", package={"bid": Decimal("0.100000")})
    body = platform().prepare_buy(seller("3.1"), order, KEY).body
    assert b'"budget":1234567890.01,' in body
    assert b'"bid_price":0.1,' in body


def test_a_start_is_asap_or_a_time_in_utc() -> None:
    assert sent(platform().prepare_buy(seller("3.1"), an_order(), KEY))["start_time"] == "asap"
    later = datetime(2029, 5, 1, 12, tzinfo=UTC).astimezone(tz=datetime.now(UTC).astimezone().tzinfo)
    body = sent(platform().prepare_buy(seller("3.1"), an_order(start=later + timedelta(0)), KEY))
    assert body["start_time"] == "2029-05-01T12:00:00Z"


def test_the_name_goes_only_where_it_is_listed() -> None:
    listed = {"create_media_buy": Shape({**dict.fromkeys(sent_keys()), "name": None}, closed=True)}
    assert sent(platform().prepare_buy(seller("3.1", tools=listed), an_order(), KEY))["name"] == "Spring"
    assert "name" not in sent(platform().prepare_buy(seller("3.1"), an_order(), KEY))


def sent_keys() -> list[str]:
    return list(sent(platform().prepare_buy(seller("3.1"), an_order(), KEY)))


@pytest.mark.parametrize(
    ("releases", "shape", "fields"),
    [
        (("3.0", "3.1"), Shape(), {"adcp_version": "3.1", "adcp_major_version": 3}),
        (("3.0",), Shape(), {"adcp_version": "3.0", "adcp_major_version": 3}),
        (("3.0", "3.1-beta.2", "3.2-beta.4"), Shape(), {"adcp_version": "3.0", "adcp_major_version": 3}),
        (("3.2",), Shape(), {"adcp_major_version": 3}),
        ((), Shape(), {}),
        ((), Shape({"adcp_major_version": None}, closed=True), {"adcp_major_version": 3}),
        (("3.1",), Shape({"brief": None}, closed=True), {}),
        (("3.1",), Shape({"adcp_version": None}, closed=True), {"adcp_version": "3.1"}),
    ],
)
def test_the_version_is_told_to_who_declares_or_lists_it(
    releases: tuple[str, ...], shape: Shape, fields: dict[str, Any]
) -> None:
    profile = seller(*releases, tools={"get_products": shape}).profile
    assert requests.version_fields(profile, "get_products") == fields
    assert requests.version_fields(None, "get_products") == {}


def closed(*keys: str) -> dict[str, Shape]:
    return {"create_media_buy": Shape(dict.fromkeys(keys), closed=True)}


ALL = ("account", "brand", "start_time", "end_time", "packages", "context", "idempotency_key")


@pytest.mark.parametrize(
    ("keys", "ttl", "replayable"), [(ALL, 86400, True), (ALL, None, False), (ALL[:-1], 86400, False)]
)
def test_a_write_may_be_repeated_only_where_the_key_is_taken_and_remembered(
    keys: tuple[str, ...], ttl: int | None, replayable: bool
) -> None:
    prepared = platform().prepare_buy(seller("3.1", tools=closed(*keys), ttl=ttl), an_order(), KEY)
    assert prepared.replayable is replayable
    assert ("idempotency_key" in sent(prepared)) is ("idempotency_key" in keys)
    if "idempotency_key" not in keys:
        assert [each.path for each in prepared.dropped] == ["idempotency_key"]


def test_without_a_profile_nothing_is_dropped_and_nothing_repeated() -> None:
    prepared = platform().prepare_buy(a_seller("https://s.example/mcp"), an_order(), KEY)
    assert (prepared.dropped, prepared.replayable) == ((), False)


@pytest.mark.parametrize("keys", [("account", "packages", "end_time"), ("brand", "start_time", "end_time", "packages")])
def test_an_order_that_would_reach_the_seller_as_another_one_is_not_prepared(keys: tuple[str, ...]) -> None:
    with pytest.raises(Rejected, match="another order"):
        platform().prepare_buy(seller("3.1", tools=closed(*keys)), an_order(), KEY)


def test_a_sandbox_order_never_loses_its_mark_at_a_seller_that_is_not_ours() -> None:
    natural = Shape({"brand": None, "operator": None}, closed=True)
    shapes = {"create_media_buy": Shape({**dict.fromkeys(ALL), "account": natural}, closed=True)}
    with pytest.raises(Rejected, match=r"account\.sandbox"):
        platform().prepare_buy(seller("3.1", tools=shapes), an_order(), KEY)
    ours = platform().prepare_buy(seller("3.1", tools=shapes, own_sandbox=True), an_order(), KEY)
    assert [each.path for each in ours.dropped] == ["account.sandbox"]
    live = an_order(account=replace(ACCOUNT, sandbox=False))
    assert platform().prepare_buy(seller("3.1", tools=shapes), live, KEY).dropped == ()


@pytest.mark.parametrize(
    "package",
    [{"bid": Decimal(1)}, {"targeting": {"geo_countries": ["US"]}}, {"end": datetime(2029, 1, 1, tzinfo=UTC)}],
)
def test_a_price_or_a_target_is_not_left_out_in_silence(package: dict[str, Any]) -> None:
    bare = Shape(dict.fromkeys(["product_id", "pricing_option_id", "budget"]), closed=True)
    shapes = {"create_media_buy": Shape({**dict.fromkeys(ALL), "packages": bare}, closed=True)}
    plain = platform().prepare_buy(seller("3.1", tools=shapes), an_order(), KEY)
    assert [each.path for each in plain.dropped] == ["packages[0].context"]
    with pytest.raises(Rejected, match="another order"):
        platform().prepare_buy(seller("3.1", tools=shapes), an_order(package=package), KEY)


def test_a_pause_is_not_left_out_of_a_change_but_the_account_may_be() -> None:
    change = BuyChange("mb_1", ACCOUNT, revision=3, paused=True)
    without_account = {"update_media_buy": Shape(dict.fromkeys(["media_buy_id", "paused"]), closed=True)}
    prepared = platform().prepare_change(seller("3.1", tools=without_account), change, KEY)
    assert sent(prepared) == {"media_buy_id": "mb_1", "paused": True}
    assert {each.path for each in prepared.dropped} == {"account", "revision", "idempotency_key"}
    without_pause = {"update_media_buy": Shape(dict.fromkeys(["media_buy_id", "account"]), closed=True)}
    with pytest.raises(Rejected):
        platform().prepare_change(seller("3.1", tools=without_pause), change, KEY)


def test_preparing_twice_gives_the_same_bytes() -> None:
    first, second = (platform().prepare_buy(seller("3.1"), an_order(), KEY) for _ in range(2))
    assert first.body == second.body
