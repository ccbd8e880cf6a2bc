"""The conventions of the wire, on a small app made of the real pieces and a handful of routes."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

import httpx
import pytest
import yaml
from fastapi import APIRouter, Query, Request, Response
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from buyside.api import errors, not_built
from buyside.api.app import About, create_app
from buyside.api.envelope import nothing, reply, reply_json
from buyside.api.health import Health
from buyside.api.paging import AdvertiserPage, CursorPage, Groups, TakeSkip, read_cursor, write_cursor
from buyside.api.ratelimit import RateLimit
from buyside.api.requests import AdvertiserPath, CampaignPath, Preview, Signed, Words, router
from buyside.domain.accounts import Caller, Role, Surface
from buyside.domain.errors import (
    BuysideError,
    Conflict,
    InsufficientMediaBudget,
    Invalid,
    Issue,
    RateLimited,
    Unauthorized,
)
from buyside.domain.ids import AccountId, KeyId
from buyside.schemas.campaigns import CreateCampaignBody, ExecuteCampaignBody
from buyside.schemas.products import RemoveProductsRequest
from buyside.schemas.wire import Maybe, Number
from buyside.schemas.wire import Response as Payload
from buyside.services.work import Work

BASE = "/api/v2/buyer"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Echo(Payload):
    name: str
    amount: Maybe[Number] = None
    note: str | None


class EchoList(Payload):
    items: list[str]
    total: int


toy = router("Campaigns")


@toy.get("/campaigns/{campaignId}", operation_id="getCampaign", response_model=Echo)
async def get_campaign(work: Signed, campaign_id: CampaignPath) -> Response:
    """Read a campaign."""
    if campaign_id == "broken":
        raise RuntimeError("a secret of ours")
    if campaign_id == "taken":
        raise InsufficientMediaBudget("Too little.", field="budget.total", details={"requested": Decimal("10.50")})
    if campaign_id == "busy":
        raise RateLimited(retry_after=2.2)
    return reply(Echo(name=campaign_id, note=None, amount=Decimal("10.10")))


@toy.get("/campaigns", operation_id="listCampaigns", response_model=EchoList)
async def list_campaigns(
    work: Signed,
    page: CursorPage,
    status: Annotated[list[Literal["DRAFT", "ACTIVE"]] | None, Words, Query()] = None,
) -> Response:
    """List campaigns. The rest of the text."""
    items = [f"{page.take}", f"{page.skip}", f"{page.cursor}", *(status or [])]
    return reply(EchoList(items=items, total=12), meta=page.meta(len(items), 12))


@toy.post("/campaigns", operation_id="createCampaign", status_code=201, response_model=Echo)
async def create_campaign(work: Signed, body: CreateCampaignBody) -> Response:
    """Create a campaign."""
    return reply(Echo(name=body.name, note=None, amount=body.budget.total), 201)


@toy.delete("/campaigns/{campaignId}", operation_id="deleteCampaign", status_code=204, response_model=None)
async def delete_campaign(work: Signed, campaign_id: CampaignPath) -> Response:
    """Archive a campaign."""
    return nothing()


@toy.post("/campaigns/{campaignId}/execute", operation_id="executeCampaign", response_model=Echo)
async def execute(
    work: Signed, campaign_id: CampaignPath, body: ExecuteCampaignBody | None = None, preview: Preview = False
) -> Response:
    """Place the media buys."""
    return reply(Echo(name="with debug" if body and body.debug else f"plain {preview}", note=None))


@toy.get("/campaigns/{campaignId}/creatives/{creativeId}", operation_id="getCreativeManifest", response_model=Echo)
async def get_creative(work: Signed, campaign_id: CampaignPath, creativeId: str) -> Response:  # noqa: N803
    """Read a creative."""
    return reply(Echo(name=creativeId, note=None))


@toy.get("/campaigns/{campaignId}/products", operation_id="getCampaignProducts", response_model=Echo)
async def stored(work: Signed, campaign_id: CampaignPath) -> Response:
    """Stored bytes."""
    return reply_json(b'{"name":"stored","note":null}')


@toy.get("/advertisers", operation_id="listAdvertisers", response_model=EchoList)
async def list_advertisers(work: Signed, page: AdvertiserPage) -> Response:
    """List advertisers."""
    return reply(EchoList(items=[f"{page.take}", f"{page.skip}", f"{page.next_offset(2, 9)}"], total=9))


@toy.get("/advertisers/{advertiserId}", operation_id="getAdvertiser", response_model=Echo)
async def get_advertiser(work: Signed, advertiser_id: AdvertiserPath) -> Response:
    """Read an advertiser."""
    return reply(Echo(name=str(advertiser_id), note=None))


@toy.get("/campaigns/{campaignId}/creatives", operation_id="listCreatives", response_model=EchoList)
async def list_creatives(work: Signed, campaign_id: CampaignPath, page: TakeSkip) -> Response:
    """List creatives."""
    return reply(EchoList(items=[f"{page.take}", f"{page.skip}"], total=2))


@toy.get("/discovery/{discoveryId}/discover-products", operation_id="browseProducts", response_model=EchoList)
async def browse(work: Signed, discoveryId: str, part: Groups) -> Response:  # noqa: N803
    """Browse a session."""
    figures = [part.groups, part.first_group, part.products, part.first_product]
    return reply(EchoList(items=[str(figure) for figure in figures], total=0))


@toy.delete("/discovery/{discoveryId}/products", operation_id="removeProducts", response_model=Echo)
async def remove(work: Signed, discoveryId: str, body: RemoveProductsRequest) -> Response:  # noqa: N803
    """Remove from the selection."""
    return reply(Echo(name=",".join(body.product_ids), note=None))


@toy.get("/accounts/current", operation_id="getCurrentAccount", response_model=Echo)
async def current(work: Signed) -> Response:
    """Read the account of the key."""
    return reply(Echo(name=str(work.caller.account), note=None))


async def authenticate(request: Request) -> Work:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not token.startswith("key"):
        raise Unauthorized
    caller = Caller(AccountId(int(token[3:] or 1)), KeyId(1), Role.ADMIN, Surface.REST, "test")
    return Work(cast(Any, None), caller)


async def well() -> Health:
    return Health({"database": "ready"}, 0, NOW)


async def unwell() -> Health:
    return Health({"database": "cannot be reached"}, 0, NOW)


def client_of(about: About, check: Any = well, routers: list[APIRouter] | None = None) -> httpx.AsyncClient:
    app = create_app(about, routers or [toy], authenticate=authenticate, check=check)
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers={"Authorization": "Bearer key1"})


ABOUT = About(version="0.1.0", public_url="http://buyside.test")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(ABOUT) as made:
        yield made


def campaign(**changes: Any) -> dict[str, Any]:
    return {
        "advertiserId": "12",
        "name": "Spring",
        "flightDates": {"startDate": "2026-04-01", "endDate": "2026-04-30T12:00:00+02:00"},
        "budget": {"total": 1000.5},
        **changes,
    }


def error_of(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    body = response.json()
    assert (response.status_code, body["data"], body["error"]["code"]) == (status, None, code), response.text
    assert body["error"]["details"]["recovery"] in {"transient", "correctable", "terminal"}
    assert response.headers["content-type"] == "application/json"
    return cast(dict[str, Any], body["error"])


class TestEnvelope:
    async def test_a_payload_is_bare_by_default(self, client: httpx.AsyncClient) -> None:
        response = await client.get(f"{BASE}/campaigns/cmp_1")
        assert response.text == '{"name":"cmp_1","amount":10.1,"note":null}'

    async def test_a_header_wraps_it_and_the_length_is_right(self, client: httpx.AsyncClient) -> None:
        response = await client.get(f"{BASE}/campaigns/cmp_1", headers={"X-Envelope": "Wrapped"})
        assert response.json() == {"data": {"name": "cmp_1", "amount": 10.1, "note": None}, "error": None}
        assert int(response.headers["content-length"]) == len(response.content)

    async def test_the_setting_wraps_and_the_header_unwraps(self) -> None:
        async with client_of(About(version="0", envelope="wrapped")) as client:
            wrapped = (await client.get(f"{BASE}/campaigns/cmp_1/products")).json()
            assert wrapped == {"data": {"name": "stored", "note": None}, "error": None}
            bare = await client.get(f"{BASE}/campaigns/cmp_1/products", headers={"X-Envelope": "bare"})
            assert bare.json() == {"name": "stored", "note": None}

    async def test_lists_carry_their_page_in_wrapped_mode_only(self, client: httpx.AsyncClient) -> None:
        wrapped = (await client.get(f"{BASE}/campaigns?take=3", headers={"X-Envelope": "wrapped"})).json()
        assert wrapped["meta"] == {"pagination": {"skip": 0, "take": 3, "total": 12, "hasMore": True}}
        assert "meta" not in (await client.get(f"{BASE}/campaigns?take=3")).json()

    async def test_204_is_empty_in_both_modes(self, client: httpx.AsyncClient) -> None:
        for mode in ("bare", "wrapped"):
            response = await client.delete(f"{BASE}/campaigns/cmp_1", headers={"X-Envelope": mode})
            assert (response.status_code, response.content) == (204, b"")

    @pytest.mark.parametrize("path", ["/", "/health", "/openapi.json", f"{BASE}/openapi.yaml", f"{BASE}/skill.md"])
    async def test_these_are_never_wrapped_and_need_no_key(self, path: str) -> None:
        async with client_of(About(version="0", envelope="wrapped")) as client:
            response = await client.get(path, headers={"Authorization": ""})
        assert response.status_code == 200
        assert not response.text.startswith('{"data"')


class TestErrors:
    async def test_an_expected_error_has_the_shape_and_leaves_no_stack(
        self, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG, "buyside"):
            response = await client.get(f"{BASE}/campaigns/taken")
        error = error_of(response, 409, "INSUFFICIENT_MEDIA_BUDGET")
        assert error["field"] == "budget.total"
        assert error["details"] == {"requested": 10.5, "recovery": "correctable"}
        assert not [record for record in caplog.records if record.exc_info]

    async def test_an_unexpected_error_is_logged_and_tells_nothing(
        self, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        response = await client.get(f"{BASE}/campaigns/broken")
        error_of(response, 500, "INTERNAL_ERROR")
        assert "secret" not in response.text
        assert "RateLimit-Limit" in response.headers
        assert "X-Request-Id" in response.headers
        assert [record.exc_info for record in caplog.records if record.name == "buyside.api.errors"]

    async def test_a_seller_that_slows_us_down_is_not_our_rate_limit(self, client: httpx.AsyncClient) -> None:
        response = await client.get(f"{BASE}/campaigns/busy")
        assert error_of(response, 503, "SERVICE_UNAVAILABLE")["details"]["recovery"] == "transient"
        assert response.headers["Retry-After"] == "3"

    async def test_every_finding_of_a_body_is_listed_under_the_names_that_were_sent(
        self, client: httpx.AsyncClient
    ) -> None:
        body = campaign(name="", budget={"total": "1000"}, productIds=["a", 5], storefrontIds=None)
        error = error_of(await client.post(f"{BASE}/campaigns", json=body), 400, "VALIDATION_ERROR")
        assert error["field"] == "name"
        paths = [issue["path"] for issue in error["details"]["issues"]]
        assert paths == [["name"], ["budget", "total"], ["storefrontIds"], ["productIds", 1]]
        assert all(issue["message"] and issue["code"] for issue in error["details"]["issues"])
        assert "3 more problems" in error["message"]

    async def test_a_missing_field_and_a_list_item_are_named_by_path(self, client: httpx.AsyncClient) -> None:
        goal = {"kind": "event", "eventSources": [{"eventSourceId": "e"}]}
        body = campaign(performanceConfig={"optimizationGoals": [goal]})
        error = error_of(await client.post(f"{BASE}/campaigns", json=body), 400, "VALIDATION_ERROR")
        assert error["field"] == "performanceConfig.optimizationGoals[0].eventSources[0].eventType"

    async def test_a_rule_over_several_fields_names_the_one_to_change(self, client: httpx.AsyncClient) -> None:
        body = campaign(productIds=["p"], constraints={"geo_postal_areas": [{"system": "zip", "values": []}]})
        first = error_of(await client.post(f"{BASE}/campaigns", json=body), 400, "VALIDATION_ERROR")
        assert first["field"] == "constraints.geo_postal_areas[0].country"
        del body["constraints"]
        second = error_of(await client.post(f"{BASE}/campaigns", json=body), 400, "VALIDATION_ERROR")
        assert (second["field"], second["message"]) == ("discoveryId", "discoveryId: productIds needs discoveryId")

    async def test_a_query_parameter_is_named(self, client: httpx.AsyncClient) -> None:
        response = await client.get(f"{BASE}/campaigns?take=0&status=DRAFT,NEVER")
        error = error_of(response, 400, "VALIDATION_ERROR")
        assert error["field"] == "take"
        assert [issue["path"][0] for issue in error["details"]["issues"]] == ["take", "status"]

    @pytest.mark.parametrize(
        "text",
        [b"{", b'{"a": NaN}', b"[" * 200_000, b"\xff\xfe", b'{"name": "\\ud800"', b"-", b'{"a": ' + b"9" * 5000 + b"}"],
    )
    async def test_what_is_not_json_is_a_bad_request(self, client: httpx.AsyncClient, text: bytes) -> None:
        response = await client.post(f"{BASE}/campaigns", content=text, headers={"Content-Type": "application/json"})
        error_of(response, 400, "BAD_REQUEST")

    @pytest.mark.parametrize(
        ("text", "field"),
        [
            (b'{"name": "a\\u0000b"}', "name"),
            (b'{"a": {"b": ["\\ud800"]}}', "a.b[0]"),
            (b'{"budget": {"total": 1e400}}', "budget.total"),
            (b'{"budget": {"total": 1e-400}}', "budget.total"),
            (b'{"advertiserId": 9223372036854775808}', "advertiserId"),
        ],
    )
    async def test_what_no_store_keeps_is_refused_by_name(
        self, client: httpx.AsyncClient, text: bytes, field: str
    ) -> None:
        response = await client.post(f"{BASE}/campaigns", content=text, headers={"Content-Type": "application/json"})
        assert error_of(response, 400, "VALIDATION_ERROR")["field"] == field

    @pytest.mark.parametrize("body", [b"[]", b'"text"', b"5", b"null"])
    async def test_a_body_that_is_no_object_is_invalid(self, client: httpx.AsyncClient, body: bytes) -> None:
        response = await client.post(f"{BASE}/campaigns", content=body, headers={"Content-Type": "application/json"})
        error_of(response, 400, "VALIDATION_ERROR")

    async def test_a_body_is_required_where_there_is_something_to_say(self, client: httpx.AsyncClient) -> None:
        error = error_of(await client.post(f"{BASE}/campaigns"), 400, "VALIDATION_ERROR")
        assert "body is required" in error["message"]

    async def test_another_content_type_is_a_bad_request_and_none_is_taken_for_json(
        self, client: httpx.AsyncClient
    ) -> None:
        text = json.dumps(campaign()).encode()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        error_of(await client.post(f"{BASE}/campaigns", content=text, headers=form), 400, "BAD_REQUEST")
        assert (await client.post(f"{BASE}/campaigns", content=text)).status_code == 201

    async def test_nul_in_an_address_is_refused(self, client: httpx.AsyncClient) -> None:
        error_of(await client.get(f"{BASE}/campaigns/a%00b"), 400, "BAD_REQUEST")
        error_of(await client.get(f"{BASE}/campaigns?cursor=%00"), 400, "BAD_REQUEST")

    async def test_an_unknown_address_is_not_found(self, client: httpx.AsyncClient) -> None:
        error_of(await client.get("/nowhere"), 404, "NOT_FOUND")
        error_of(await client.get(f"{BASE}/nowhere"), 404, "NOT_FOUND")

    async def test_another_method_names_those_that_are_allowed(self, client: httpx.AsyncClient) -> None:
        response = await client.patch(f"{BASE}/campaigns")
        error_of(response, 405, "METHOD_NOT_ALLOWED")
        assert response.headers["Allow"] == "GET, POST"
        half_built = await client.request("OPTIONS", f"{BASE}/advertisers/12")
        assert half_built.headers["Allow"] == "GET"
        not_built_at_all = await client.request("OPTIONS", f"{BASE}/webhook-subscriptions")
        assert not_built_at_all.headers["Allow"] == "GET, POST"
        assert (await client.post("/openapi.json")).headers["Allow"] == "GET"

    async def test_an_advertiser_that_is_no_number_is_not_found(self, client: httpx.AsyncClient) -> None:
        assert (await client.get(f"{BASE}/advertisers/12")).json()["name"] == "12"
        for word in ("acme", "1e3", "9" * 30, "٣"):
            error_of(await client.get(f"{BASE}/advertisers/{word}"), 404, "NOT_FOUND")

    def test_every_class_of_the_tree_has_a_status(self) -> None:
        def leaves(kind: type[BuysideError]) -> list[type[BuysideError]]:
            below = [leaf for sub in kind.__subclasses__() if sub.__module__ == kind.__module__ for leaf in leaves(sub)]
            return below or [kind]

        assert set(leaves(BuysideError)) <= set(errors.STATUS)

    async def test_a_rule_found_by_the_domain_looks_like_one_found_by_the_schema(self) -> None:
        one = json.loads(bytes(errors.refusal(Invalid("Too late.", field="mediaBuys[0].name")).body))["error"]
        assert one["details"]["issues"] == [
            {"code": "invalid", "path": ["mediaBuys", 0, "name"], "message": "Too late."}
        ]
        two = Invalid.of([Issue(("a", 1), "bad"), Issue(("b",), "worse")])
        assert (two.field, two.message) == ("a[1]", "a[1]: bad (and 1 more problem)")
        assert errors.status_of(Conflict()) == 409


class TestSize:
    async def test_a_body_announced_as_too_large_is_not_read(self) -> None:
        async with client_of(About(version="0", largest_body=100)) as client:
            response = await client.post(f"{BASE}/campaigns", json=campaign(brief="x" * 200))
        error_of(response, 413, "PAYLOAD_TOO_LARGE")

    async def test_a_body_that_turns_out_too_large_is_cut_off(self) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            for _ in range(1000):
                sent += 1
                yield b"x" * 60

        headers = {"Content-Type": "application/json"}
        async with client_of(About(version="0", largest_body=100)) as client:
            response = await client.post(f"{BASE}/campaigns", content=endless(), headers=headers)
        error_of(response, 413, "PAYLOAD_TOO_LARGE")
        assert sent < 10


class TestPages:
    @pytest.mark.parametrize(
        ("path", "items"),
        [
            ("/campaigns", ["50", "0", "None"]),
            ("/campaigns?take=7&skip=3", ["7", "3", "None"]),
            ("/campaigns?limit=7&offset=3", ["7", "3", "None"]),
            ("/campaigns?cursor=abc&skip=3", ["50", "0", "abc"]),
            ("/campaigns?status=DRAFT&status=ACTIVE", ["50", "0", "None", "DRAFT", "ACTIVE"]),
            ("/campaigns?status=DRAFT,ACTIVE", ["50", "0", "None", "DRAFT", "ACTIVE"]),
            ("/campaigns?skip=10000", ["50", "10000", "None"]),
            ("/advertisers", ["100", "0", "2"]),
            ("/advertisers?limit=2&offset=1", ["2", "1", "3"]),
            ("/advertisers?take=2&skip=7", ["2", "7", "None"]),
            ("/campaigns/c/creatives?limit=9", ["9", "0"]),
            ("/discovery/d/discover-products", ["10", "0", "10", "0"]),
            ("/discovery/d/discover-products?groupLimit=3&groupOffset=1&productsPerGroup=2&productOffset=4", "3124"),
        ],
    )
    async def test_each_dialect_and_its_synonyms(
        self, client: httpx.AsyncClient, path: str, items: list[str] | str
    ) -> None:
        assert (await client.get(BASE + path)).json()["items"] == list(items)

    @pytest.mark.parametrize(
        ("path", "field"),
        [
            ("/campaigns?take=251", "take"),
            ("/campaigns?skip=10001", "skip"),
            ("/campaigns?skip=-1", "skip"),
            ("/campaigns?take=1e400", "take"),
            ("/advertisers?limit=101", "limit"),
            ("/advertisers?take=101", "take"),
            ("/discovery/d/discover-products?productOffset=1001", "productOffset"),
        ],
    )
    async def test_each_limit(self, client: httpx.AsyncClient, path: str, field: str) -> None:
        assert error_of(await client.get(BASE + path), 400, "VALIDATION_ERROR")["field"] == field

    @given(st.text(max_size=50), st.integers(-(2**53), 2**53))
    def test_a_cursor_gives_back_its_key(self, text: str, number: int) -> None:
        key = (text.encode("utf-8", "replace").decode(), number)
        assert read_cursor("campaigns", write_cursor("campaigns", key), (str, int)) == key

    @given(st.text(max_size=200))
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid) as refused:
            read_cursor("campaigns", text, (str, int))
        assert refused.value.field == "cursor"

    def test_a_cursor_of_another_list_or_with_a_changed_letter_is_refused(self) -> None:
        mine = write_cursor("campaigns", ("2026-01-01", 7))
        others = [write_cursor("decisions", ("2026-01-01", 7)), write_cursor("campaigns", (7, 7)), mine[:-2] + "AA"]
        for other in others:
            with pytest.raises(Invalid):
                read_cursor("campaigns", other, (str, int))


class TestRate:
    async def test_the_headers_are_on_every_answer_also_without_a_limit(self, client: httpx.AsyncClient) -> None:
        for path in ("/health", f"{BASE}/campaigns", "/nowhere"):
            headers = (await client.get(path)).headers
            assert int(headers["RateLimit-Remaining"]) == int(headers["RateLimit-Limit"]) > 0
            assert 1 <= int(headers["RateLimit-Reset"]) <= 60

    async def test_over_the_limit_is_429_with_the_time_to_wait_and_other_accounts_go_on(self) -> None:
        async with client_of(About(version="0", requests_per_minute=2)) as client:
            client._transport.app.state.rate_limit.clock = lambda: 42.0  # type: ignore[attr-defined]
            left = [(await client.get(f"{BASE}/accounts/current")).headers["RateLimit-Remaining"] for _ in range(2)]
            assert left == ["1", "0"]
            refused = await client.get(f"{BASE}/accounts/current")
            error_of(refused, 429, "RATE_LIMITED")
            assert (refused.headers["Retry-After"], refused.headers["RateLimit-Reset"]) == ("18", "18")
            other = await client.get(f"{BASE}/accounts/current", headers={"Authorization": "Bearer key2"})
            assert other.json()["name"] == "2"

    def test_a_new_window_forgives(self) -> None:
        now = [0.0]
        limit = RateLimit(1, clock=lambda: now[0])
        assert [limit.count(1).exceeded, limit.count(1).exceeded] == [False, True]
        now[0] = 60.0
        assert not limit.count(1).exceeded


class TestNotBuilt:
    def test_the_table_has_the_contract_and_no_operation_twice(self) -> None:
        ids = [operation.id for operation in not_built.CONTRACT]
        assert len(ids) == len(set(ids)) == 212

    async def test_every_operation_without_a_route_says_so(self, client: httpx.AsyncClient) -> None:
        built = {(method, route.path) for route in toy.routes for method in route.methods}  # type: ignore[attr-defined]
        for operation in not_built.CONTRACT:
            if (operation.method, BASE + operation.path) not in built:
                path = operation.path.replace("{", "x").replace("}", "")
                error = error_of(await client.request(operation.method, BASE + path), 501, "NOT_IMPLEMENTED")
                assert error["details"]["operation"] == operation.id

    async def test_a_literal_address_is_not_taken_for_an_id(self, client: httpx.AsyncClient) -> None:
        assert (await client.get(f"{BASE}/campaigns/c/creatives/cr_1")).json()["name"] == "cr_1"
        error_of(await client.get(f"{BASE}/campaigns/c/creatives/templates"), 501, "NOT_IMPLEMENTED")

    async def test_the_key_is_asked_for_first(self, client: httpx.AsyncClient) -> None:
        for method, path in (("POST", "/media-buys/batch"), ("POST", "/campaigns"), ("GET", "/campaigns/c")):
            response = await client.request(method, BASE + path, content=b"{", headers={"Authorization": ""})
            error_of(response, 401, "UNAUTHORIZED")
            assert response.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize("path", ["", "/", "/api-call", "/ask-about-capability"])
    async def test_the_json_rpc_twins_answer_501(self, client: httpx.AsyncClient, path: str) -> None:
        error_of(await client.post(BASE + path, json={}), 501, "NOT_IMPLEMENTED")

    async def test_what_asks_for_nothing_is_no_trouble(self, client: httpx.AsyncClient) -> None:
        body = campaign(frequencyCaps=[], dataDelivery={"outputs": []}, campaignType="DECISIONED", whatever=1)
        assert (await client.post(f"{BASE}/campaigns", json=body)).status_code == 201
        assert (await client.get(f"{BASE}/advertisers?linkedAccountPartnerId=")).status_code == 200

    async def test_what_is_not_supported_is_named_and_never_dropped(self, client: httpx.AsyncClient) -> None:
        refused = await client.get(f"{BASE}/advertisers?linkedAccountPartnerId=7")
        assert error_of(refused, 501, "NOT_IMPLEMENTED")["field"] == "linkedAccountPartnerId"

    async def test_directed_campaigns_are_not_enabled(self, client: httpx.AsyncClient) -> None:
        response = await client.post(f"{BASE}/campaigns", json=campaign(mode="directed"))
        error_of(response, 403, "FEATURE_NOT_ENABLED")


class TestAddresses:
    async def test_older_and_outside_addresses_lead_to_the_same(self, client: httpx.AsyncClient) -> None:
        for path in ("/api/buyer/accounts/current", "/api/v2/accounts/current", f"{BASE}/accounts/current"):
            assert (await client.get(path)).json()["name"] == "1"
        error_of(await client.get("/api/v2/notifications"), 501, "NOT_IMPLEMENTED")
        error_of(await client.get("/api/v2/accountsandmore"), 404, "NOT_FOUND")

    async def test_a_slash_at_the_end_is_as_if_it_were_not_there(self, client: httpx.AsyncClient) -> None:
        for path in ("/api/buyer/accounts/current/", "/api/v2/accounts/current/", f"{BASE}/accounts/current/"):
            assert (await client.get(path)).json()["name"] == "1"
        assert (await client.get(f"{BASE}/campaigns/c/?includePropertyLists=false")).json()["name"] == "c"
        assert (await client.get(f"{BASE}/campaigns/")).status_code == 200
        assert (await client.post(f"{BASE}/campaigns/c/execute/", json={})).json()["name"] == "plain False"
        assert (await client.get("/health/")).status_code == 200
        error_of(await client.get("/api/v2/notifications/"), 501, "NOT_IMPLEMENTED")
        for nowhere in (f"{BASE}/nothing/", f"{BASE}/campaigns//", "/api/buyer/nothing/"):
            error_of(await client.get(nowhere), 404, "NOT_FOUND")
        assert (await client.delete(f"{BASE}/campaigns/")).status_code == 405

    async def test_an_empty_body_will_do_where_the_body_is_optional(self, client: httpx.AsyncClient) -> None:
        address = f"{BASE}/campaigns/c/execute"
        as_json = {"Content-Type": "application/json"}
        assert (await client.post(address, headers=as_json)).json()["name"] == "plain False"
        assert (await client.post(f"{address}?preview=true", json={})).json()["name"] == "plain True"
        assert (await client.post(address, json={"debug": True})).json()["name"] == "with debug"
        error_of(await client.post(address, json={"debug": "yes"}), 400, "VALIDATION_ERROR")
        error_of(await client.post(address, json={"other": 1}), 400, "VALIDATION_ERROR")

    async def test_delete_may_carry_a_body(self, client: httpx.AsyncClient) -> None:
        response = await client.request("DELETE", f"{BASE}/discovery/d/products", json={"productIds": ["a", "b"]})
        assert response.json()["name"] == "a,b"

    async def test_a_request_id_is_kept_or_made(self, client: httpx.AsyncClient) -> None:
        kept = await client.get("/health", headers={"X-Request-Id": "mine-1"})
        assert kept.headers["X-Request-Id"] == "mine-1"
        made = await client.get("/health", headers={"X-Request-Id": "not one\tat all"})
        assert made.headers["X-Request-Id"].startswith("req_")

    async def test_many_requests_at_once_keep_their_own_answers(self, client: httpx.AsyncClient) -> None:
        asked = [client.get(f"{BASE}/campaigns/c{n}", headers={"X-Request-Id": f"r{n}"}) for n in range(20)]
        for n, response in enumerate(await asyncio.gather(*asked)):
            assert (response.json()["name"], response.headers["X-Request-Id"]) == (f"c{n}", f"r{n}")


class TestHealth:
    async def test_it_names_the_parts(self, client: httpx.AsyncClient) -> None:
        body = (await client.get("/health")).json()
        assert (body["status"], body["services"], body["timestamp"]) == (
            "ok",
            {"database": "ready"},
            "2026-03-01T12:00:00Z",
        )

    async def test_it_is_503_when_a_part_is_not_ready(self) -> None:
        async with client_of(ABOUT, unwell) as client:
            response = await client.get("/health")
        assert (response.status_code, response.json()["status"]) == (503, "degraded")


class TestDocuments:
    async def test_the_document_is_valid_and_holds_what_works(self, client: httpx.AsyncClient) -> None:
        document = (await client.get("/openapi.json")).json()
        assert document["openapi"].startswith("3.1")
        create = document["paths"][f"{BASE}/campaigns"]["post"]
        assert (create["operationId"], create["summary"]) == ("createCampaign", "Create a campaign")
        assert {"201", "400", "401", "403", "409", "413", "429", "500", "501"} <= set(create["responses"])
        assert create["security"] == [{"bearer": []}, {"apiKey": []}]
        assert f"{BASE}/reporting/metrics" not in document["paths"]
        for schema in document["components"]["schemas"].values():
            Draft202012Validator.check_schema(schema)
        text = json.dumps(document)
        for reference in [part.split('"')[0] for part in text.split('"$ref": "')[1:]]:
            node = document
            for step in reference.removeprefix("#/").split("/"):
                node = node[step]

    async def test_path_parameters_are_named_as_in_the_contract(self, client: httpx.AsyncClient) -> None:
        document = (await client.get("/openapi.json")).json()
        for path, item in document["paths"].items():
            for operation in item.values():
                names = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
                assert names == {part[1:-1] for part in path.split("/") if part.startswith("{")}

    async def test_yaml_says_the_same(self, client: httpx.AsyncClient) -> None:
        as_json = (await client.get("/openapi.json")).json()
        assert yaml.safe_load((await client.get(f"{BASE}/openapi.yaml")).text) == as_json

    async def test_an_answer_validates_against_its_schema(self, client: httpx.AsyncClient) -> None:
        document = (await client.get("/openapi.json")).json()
        echo = document["components"]["schemas"]["Echo"]
        assert echo["required"] == ["name", "note"]
        assert echo["properties"]["amount"] == {"type": "number"}
        Draft202012Validator(echo).validate((await client.get(f"{BASE}/campaigns/c")).json())

    async def test_the_front_page_says_how_a_key_is_made_and_leads_on(self, client: httpx.AsyncClient) -> None:
        manual = (await client.get(f"{BASE}/skill.md")).text
        front = await client.get(yaml.safe_load(manual.split("---\n", 2)[1])["auth"]["obtain_url"])
        assert (front.status_code, front.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert "buyside keys create --account NAME" in front.text
        links = re.findall(r"http://buyside\.test/\S+", front.text)
        assert len(links) == 4
        for link in links:
            assert (await client.get(link)).status_code == 200
        assert "http://buyside.test/openapi.json" in manual, "field names are there"

    async def test_every_write_may_say_why(self, client: httpx.AsyncClient) -> None:
        for path, item in (await client.get("/openapi.json")).json()["paths"].items():
            for method, operation in item.items():
                names = {each["name"] for each in operation.get("parameters", ())}
                assert ("X-Reason" in names) == (method != "get"), (method, path)

    async def test_the_manual_lists_every_operation_of_the_document(self, client: httpx.AsyncClient) -> None:
        text = (await client.get(f"{BASE}/skill.md")).text
        _, front, rest = text.split("---\n", 2)
        matter = yaml.safe_load(front)
        assert (matter["name"], matter["version"]) == ("scope3-agentic-buyer", "2.0.0")
        assert matter["api_base_url"] == f"http://buyside.test{BASE}"
        assert set(matter["auth"]) == {"type", "header", "format", "obtain_url"}
        assert "\n| Method | Endpoint | Description |\n" in rest
        assert "| POST | `/campaigns` | Create a campaign |" in rest
        document = (await client.get("/openapi.json")).json()
        documented = sum(len(item) for path, item in document["paths"].items() if path.startswith(BASE))
        assert rest.count("\n| GET |") + rest.count("\n| POST |") + rest.count("\n| DELETE |") == documented
        assert "{{" not in text
