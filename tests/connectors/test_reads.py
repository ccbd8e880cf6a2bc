"""Reads: second tries where they are harmless, every page, and errors that say what went wrong."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from buyside.connectors.adcp.reads import refused_arguments
from buyside.domain.answers import Outcome, SellerError
from buyside.domain.errors import PlatformError, RateLimited, RefusedCredentials, Rejected, Unavailable
from buyside.domain.products import ProductQuery
from buyside.domain.storefronts import Auth, AuthKind, Protocol, SellerProfile, Shape
from tests.connectors.sellers import ACCOUNT, a_seller, sellers
from tests.connectors.servers import Handler, Request, mcp, serving, tool_result

QUERY = ProductQuery("brief", brief="sports", brand_domain="acme.com", account=ACCOUNT)
PYDANTIC = (
    "1 validation error for call[get_products]\n{}\n  Unexpected keyword argument [type=unexpected_keyword_argument]"
)


def arguments(request: Request) -> dict[str, Any]:
    found = request.message["params"]["arguments"]
    assert isinstance(found, dict)
    return found


def error(text: str) -> dict[str, Any]:
    return {"isError": True, "content": [{"type": "text", "text": text}]}


def profile(url: str, *versions: str, **tools: Shape) -> SellerProfile:
    return SellerProfile(Protocol.MCP, url, "2025-06-18", versions=versions, tools=tools)


async def test_a_read_goes_again_once_without_the_arguments_that_were_refused() -> None:
    async def picky(request: Request) -> None:
        named = [each for each in ("adcp_version", "account") if each in arguments(request)]
        if named:
            await request.result(error("\n".join(PYDANTIC.format(each) for each in named)))
        else:
            await request.result(tool_result({"products": [{"product_id": "p1"}]}))

    async with serving(mcp(picky)) as server, sellers() as platform:
        seller = a_seller(server.url, profile=profile(server.url, "3.1", get_products=Shape()))
        offer = await platform.products(seller, QUERY, timeout=5)
        assert [each.product_id for each in offer.products] == ["p1"]
        first, second = (arguments(each) for each in server.asked("tools/call"))
        assert set(first) - set(second) == {"adcp_version", "account"}


async def test_a_read_is_not_asked_as_another_question() -> None:
    async def picky(request: Request) -> None:
        await request.result(error(PYDANTIC.format("brief")))

    async with serving(mcp(picky)) as server, sellers() as platform:
        with pytest.raises(Rejected):
            await platform.products(a_seller(server.url), QUERY, timeout=5)
        assert len(server.asked("tools/call")) == 1


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (SellerError("VALIDATION_ERROR", "Unexpected keyword argument: 'account'"), {"account"}),
        (SellerError("X", "got an unexpected keyword argument 'account'"), {"account"}),
        (SellerError("X", "Additional properties are not allowed ('account' was unexpected)"), {"account"}),
        (SellerError("X", "Extra inputs are not permitted", field="account"), {"account"}),
        (SellerError("X", "unknown field: status_filter"), {"status_filter"}),
        (SellerError("VERSION_UNSUPPORTED", "3.1 is not spoken here"), {"adcp_version"}),
        (SellerError("X", "account is suspended"), set()),
        (SellerError("X", "budget too low", field="account"), set()),
        (SellerError("X", "Unexpected keyword argument: 'nothing_of_ours'"), set()),
        (None, set()),
    ],
)
def test_only_arguments_named_as_unexpected_are_left_out(found: SellerError | None, named: set[str]) -> None:
    asked = {"account": 1, "adcp_version": "3.1", "status_filter": [], "brief": "x"}
    assert refused_arguments(found, asked) == named


async def test_a_read_whose_connection_was_cut_goes_again_once() -> None:
    cuts = 1

    async def flaky(request: Request) -> None:
        nonlocal cuts
        cuts -= 1
        if cuts >= 0:
            request.cut()
        else:
            await request.result(tool_result({"products": []}))

    async with serving(mcp(flaky)) as server, sellers() as platform:
        assert (await platform.products(a_seller(server.url), QUERY, timeout=5)).products == ()
        cuts = 2
        with pytest.raises(Unavailable):
            await platform.products(a_seller(server.url), QUERY, timeout=5)
        assert len(server.asked("tools/call")) == 4


async def test_every_page_is_read_and_a_page_that_repeats_ends_it() -> None:
    pages = {None: ("mb_1", "b"), "b": ("mb_2", "c"), "c": ("mb_3", "c")}

    async def paging(request: Request) -> None:
        buy, cursor = pages[arguments(request).get("pagination", {}).get("cursor")]
        listed = {
            "media_buys": [{"media_buy_id": buy, "status": "active"}],
            "pagination": {"has_more": True, "cursor": cursor},
        }
        await request.result(tool_result(listed))

    async with serving(mcp(paging)) as server, sellers() as platform:
        buys = await platform.media_buys(a_seller(server.url), ACCOUNT, timeout=5)
        assert [each.seller_buy_id for each in buys] == ["mb_1", "mb_2", "mb_3"]
        for call in server.asked("tools/call"):
            assert len(arguments(call)["status_filter"]) == 7


async def test_buys_and_deliveries_that_were_not_asked_for_are_left_out() -> None:
    async def generous(request: Request) -> None:
        ids = ("mb_1", "mb_2")
        deliveries = [{"media_buy_id": each, "totals": {"impressions": 1, "spend": 1}} for each in ids]
        listed = [{"media_buy_id": each, "status": "active"} for each in ids]
        await request.result(tool_result({"media_buys": listed, "media_buy_deliveries": deliveries}))

    async with serving(mcp(generous)) as server, sellers() as platform:
        seller = a_seller(server.url)
        buys = await platform.media_buys(seller, ACCOUNT, seller_buy_ids=["mb_2"], timeout=5)
        assert [each.seller_buy_id for each in buys] == ["mb_2"]
        days = {"start": date(2026, 1, 1), "end": date(2026, 1, 2)}
        rows = await platform.delivery(seller, ACCOUNT, ["mb_2"], **days, timeout=5)
        assert [each.seller_buy_id for each in rows] == ["mb_2"]


def answering(body: Any, status: int = 200, **headers: str) -> Handler:
    async def handle(request: Request) -> None:
        if status == 200:
            await request.result(body)
        else:
            await request.json(body, status, **headers)

    return handle


def refused(code: str, **more: Any) -> dict[str, Any]:
    return {
        "isError": True,
        "structuredContent": {"adcp_error": {"code": code, "message": "No, tok-123456789.", **more}},
    }


@pytest.mark.parametrize(
    ("handler", "raised"),
    [
        (answering(refused("RATE_LIMITED", retry_after=7)), RateLimited),
        (answering({}, 429, retry_after="7"), RateLimited),
        (answering({}, 401), RefusedCredentials),
        (answering(refused("AUTH_INVALID")), RefusedCredentials),
        (answering(refused("PRODUCT_NOT_FOUND")), Rejected),
        (answering({}, 400), Rejected),
        (answering({}, 404), Unavailable),
        (answering({}, 503), Unavailable),
        (answering(refused("SERVICE_UNAVAILABLE")), Unavailable),
        (answering(tool_result({"status": "submitted", "task_id": "t"})), Unavailable),
        (answering(tool_result({"status": "input-required"})), Rejected),
        (answering({"content": [{"type": "text", "text": "Hello!"}]}), Unavailable),
    ],
)
async def test_a_failed_read_says_what_went_wrong_and_holds_no_secret(
    handler: Handler, raised: type[PlatformError]
) -> None:
    async with serving(mcp(handler)) as server, sellers() as platform:
        seller = a_seller(server.url, auth=Auth(AuthKind.BEARER, token="tok-123456789"))
        with pytest.raises(PlatformError) as failure:
            await platform.products(seller, QUERY, timeout=5)
    assert type(failure.value) is raised
    assert failure.value.details
    assert "tok-123456789" not in str(failure.value.__dict__)
    if isinstance(failure.value, RateLimited):
        assert failure.value.retry_after == 7


async def test_the_wait_covers_all_pages() -> None:
    async def slow_second(request: Request) -> None:
        if "pagination" in arguments(request):
            await asyncio.Event().wait()
        await request.result(tool_result({"products": [], "pagination": {"has_more": True, "cursor": "2"}}))

    async with serving(mcp(slow_second)) as server, sellers() as platform:
        with pytest.raises(Unavailable):
            await platform.products(a_seller(server.url), QUERY, timeout=0.3)


async def test_the_seller_is_told_our_patience_where_it_lists_a_time_budget() -> None:
    async with serving(mcp(answering(tool_result({"products": []})))) as server, sellers() as platform:
        listing = Shape(dict.fromkeys(["brief", "buying_mode", "time_budget"]), closed=True)
        seller = a_seller(server.url, profile=profile(server.url, get_products=listing))
        await platform.products(seller, QUERY, timeout=30)
        assert arguments(server.asked("tools/call")[0])["time_budget"] == {"interval": 28, "unit": "seconds"}


@pytest.mark.parametrize(
    ("tools", "asked"),
    [((), "get_task_status"), (("tasks_get",), "tasks_get"), (("tasks_get", "get_task_status"), "get_task_status")],
)
async def test_a_task_is_asked_for_with_the_tool_that_is_there(tools: tuple[str, ...], asked: str) -> None:
    done = {"task_id": "t1", "task_type": "create_media_buy", "status": "completed", "result": {"media_buy_id": "mb_1"}}
    async with serving(mcp(answering(tool_result(done)))) as server, sellers() as platform:
        seller = a_seller(server.url, profile=profile(server.url, **dict.fromkeys(tools, Shape())))
        answer = await platform.task(seller, "t1", ACCOUNT, timeout=5)
        assert (answer.outcome, answer.data) == (Outcome.ACCEPTED, {"media_buy_id": "mb_1"})
        assert server.asked("tools/call")[0].message["params"]["name"] == asked


@pytest.mark.parametrize("listed", [("task_id",), ("task_id", "account")])
async def test_an_older_task_tool_is_told_the_account_where_it_lists_one(listed: tuple[str, ...]) -> None:
    done = {"task_id": "t1", "status": "submitted"}
    async with serving(mcp(answering(tool_result(done)))) as server, sellers() as platform:
        listing = Shape(dict.fromkeys(listed), closed=True)
        await platform.task(
            a_seller(server.url, profile=profile(server.url, tasks_get=listing)), "t1", ACCOUNT, timeout=5
        )
        assert set(arguments(server.asked("tools/call")[0])) == set(listed)


async def test_a_task_that_cannot_be_asked_for_is_an_error_and_no_verdict() -> None:
    async with serving(mcp(answering(refused("REFERENCE_NOT_FOUND")))) as server, sellers() as platform:
        with pytest.raises(Rejected):
            await platform.task(a_seller(server.url), "t1", ACCOUNT, timeout=5)
