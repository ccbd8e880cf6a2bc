"""Input that nobody sends by mistake: each gets a clear answer, nothing breaks, and nothing half-made is left."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import Body, a_banner, a_body, a_campaign, an_advertiser, get, ok, reach, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
HUGE = "9" * 4000
DEEP = 100_000


def clear(response: httpx.Response) -> int:
    """A success or a refusal in the contract's shape, whichever it is."""
    if response.is_success:
        return response.status_code
    assert response.status_code < 500, response.text
    error = response.json()["error"]
    refused(response, response.status_code, error["code"])
    return response.status_code


class TestBodies:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (b"{", "BAD_REQUEST"),
            (b'{"name": "a"', "BAD_REQUEST"),
            (b"\xff\xfe{}", "BAD_REQUEST"),
            (b'{"name": "\xc3\x28"}', "BAD_REQUEST"),
            (b'{"name": "\xed\xa0\x80"}', "VALIDATION_ERROR"),
            (b'{"expectedRevision": ' + b"9" * 5000 + b"}", "BAD_REQUEST"),
            (b'{"budget": {"total": NaN}}', "BAD_REQUEST"),
            (b'{"budget": {"total": -Infinity}}', "BAD_REQUEST"),
            (b"[" * DEEP, "BAD_REQUEST"),
            (b'{"a":' * DEEP, "BAD_REQUEST"),
            (b"[" * 60 + b"1" + b"]" * 60, "VALIDATION_ERROR"),
            (b"null", "VALIDATION_ERROR"),
            (b"[]", "VALIDATION_ERROR"),
            (b'"text"', "VALIDATION_ERROR"),
            (b"17", "VALIDATION_ERROR"),
        ],
    )
    async def test_what_is_no_body_of_ours_is_refused(self, rest: Rest, text: bytes, code: str) -> None:
        campaign = await a_campaign(rest)
        for method, path in (
            ("POST", "/campaigns"),
            ("PUT", f"/campaigns/{campaign}"),
            ("POST", "/storefronts"),
            ("POST", "/discovery/discover-products"),
        ):
            refused(await rest.admin.request(method, path, content=text, headers=JSON), 400, code)

    @pytest.mark.parametrize(
        "value",
        [HUGE, f"-{HUGE}", "1e400", "-1e400", "1e-400", "9223372036854775808", "1e30", "0.1e-30", "123456789012345.67"],
    )
    @pytest.mark.parametrize(
        ("field", "template"),
        [
            ("budget.total", '{"budget": {"total": %s}}'),
            ("budget.dailyCap", '{"budget": {"dailyCap": %s}}'),
            ("expectedRevision", '{"expectedRevision": %s}'),
            ("storefrontIds[0]", '{"storefrontIds": [%s]}'),
        ],
    )
    async def test_a_number_beyond_reason_is_refused_by_name(
        self, rest: Rest, field: str, template: str, value: str
    ) -> None:
        campaign = await a_campaign(rest)
        response = await rest.admin.put(f"/campaigns/{campaign}", content=template % value, headers=JSON)
        refused(response, 400, "VALIDATION_ERROR", field)

    @pytest.mark.parametrize("value", ["a\x00b", "\ud800", "x\udfff"])
    @pytest.mark.parametrize(
        ("field", "body"),
        [
            ("name", {"name": "%"}),
            ("brief", {"brief": "%"}),
            ("discoveryId", {"discoveryId": "%"}),
            ("constraints.channels[0]", {"constraints": {"channels": ["%"]}}),
            ("utterly.unknown", {"utterly": {"unknown": "%"}}),
        ],
    )
    async def test_a_character_that_no_store_keeps_is_refused_by_name(
        self, rest: Rest, field: str, body: Body, value: str
    ) -> None:
        campaign = await a_campaign(rest)
        text = json.dumps(body).replace("%", json.dumps(value)[1:-1])
        response = await rest.admin.put(f"/campaigns/{campaign}", content=text, headers=JSON)
        refused(response, 400, "VALIDATION_ERROR", field)

    async def test_a_key_that_no_store_keeps_is_refused(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        text = '{"constraints": {"a\\u0000b": 1, "\\ud800": 2}}'
        response = await rest.admin.put(f"/campaigns/{campaign}", content=text, headers=JSON)
        refused(response, 400, "VALIDATION_ERROR", "constraints")

    @pytest.mark.parametrize("value", [[], {}, "x", "", 0, -1, 1.5, True, None, [[]], {"a": {}}])
    async def test_a_value_of_another_kind_is_refused_wherever_it_stands(self, rest: Rest, value: object) -> None:
        campaign = await a_campaign(rest)
        for body in substituted(a_body("1", brief="b", constraints={"geo_countries": ["US"]}), value):
            assert clear(await rest.admin.put(f"/campaigns/{campaign}", json=body)) in {200, 400}
            assert clear(await rest.admin.post("/campaigns", json=body)) in {201, 400}

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "body",
        [
            {"storefrontIds": list(range(1, 100_001))},
            {"constraints": {"countries": ["US"] * 100_000}},
            {"constraints": {"geo_countries": ["US"] * 100_000}},
            {"constraints": {"geo_postal_areas": [{"system": "us_zip", "values": ["10001"] * 100_000}]}},
            {"performanceConfig": {"optimizationGoals": [{"kind": "metric", "metric": "clicks"}] * 100_000}},
            {"unknown": [0] * 100_000},
            {f"key{n}": n for n in range(100_000)},
        ],
        ids=["storefronts", "countries", "geo", "zips", "goals", "unknown", "keys"],
    )
    async def test_a_hundred_thousand_of_something_breaks_nothing(self, rest: Rest, body: Body) -> None:
        campaign = await a_campaign(rest)
        assert clear(await rest.admin.put(f"/campaigns/{campaign}", json=body)) in {200, 400}
        assert len((await rest.admin.get(f"/campaigns/{campaign}")).content) < 2_000_000

    async def test_a_hundred_thousand_products_limits_and_sources_are_refused(self, rest: Rest) -> None:
        for method, path, body in (
            ("POST", "/discovery/session_1/products", {"products": [{"productId": "p"}] * 100_000}),
            ("DELETE", "/discovery/session_1/products", {"productIds": ["p"] * 100_000}),
            ("PUT", "/accounts/current/limits", {"limits": [{"scope": "account"}] * 100_000}),
            ("POST", "/storefronts", {"name": "x", "sources": [{}] * 10_000}),
        ):
            assert clear(await rest.admin.request(method, path, json=body)) in {400, 404}

    async def test_a_body_of_nine_megabytes_is_too_large(self, rest: Rest) -> None:
        content = b'{"name": "' + b"x" * (9 * 1024 * 1024) + b'"}'
        refused(await rest.admin.post("/campaigns", content=content, headers=JSON), 413, "PAYLOAD_TOO_LARGE")

    async def test_of_a_key_that_stands_twice_the_last_counts_for_all(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        content = '{"budget": {"total": 1, "total": 700}, "name": "First", "name": "Last"}'
        shown = ok(await rest.admin.put(f"/campaigns/{campaign}", content=content, headers=JSON))["campaign"]
        assert (shown["name"], shown["budget"]["total"]) == ("Last", 700)

    @pytest.mark.parametrize("kind", ["text/xml", "application/x-www-form-urlencoded", "text/plain", "nonsense"])
    async def test_another_content_type_is_refused(self, rest: Rest, kind: str) -> None:
        response = await rest.admin.post("/campaigns", content=b"<a/>", headers={"Content-Type": kind})
        refused(response, 400, "BAD_REQUEST")


def substituted(body: Any, value: object) -> list[Any]:
    """The body with each of its parts, one at a time, replaced."""
    made: list[Any] = []
    if isinstance(body, dict):
        for key, inner in body.items():
            made += [{**body, key: value}, *({**body, key: each} for each in substituted(inner, value))]
    elif isinstance(body, list):
        made += [[value], *([each] for each in substituted(body[0], value))]
    return made


class TestText:
    @pytest.mark.parametrize(
        "name",
        [
            "🎿" * 255,
            "👩‍👩‍👧‍👦 Familie",
            "مرحبا ‮Sommer‬",
            "Zalgo ̶̢̛͇s̷",
            "'; DROP TABLE campaign; --",
            "<script>alert(1)</script>",
            "100% {0} %s ${x} \\",
            " ",
            "\u200b",
            "a\nb\tc",
            "ﬀ İ ẞ",
        ],
    )
    async def test_a_name_comes_back_as_it_was_given_and_is_found_again(self, rest: Rest, name: str) -> None:
        campaign = await a_campaign(rest, name=name, brief=name * 3)
        shown = await get(rest, campaign)
        assert (shown["name"], shown["brief"]) == (name, name * 3)
        (row,) = ok(await rest.admin.get("/campaigns", params={"name": name}))["campaigns"]
        assert row["campaignId"] == campaign
        made = ok(await rest.admin.post(f"/campaigns/{campaign}/creatives/create", json={"name": name}), 201)
        assert made["name"] == name
        (found,) = ok(await rest.admin.get(f"/campaigns/{campaign}/creatives", params={"search": name}))["manifests"]
        assert found["creative_id"] == made["creative_id"]

    async def test_an_emoji_is_one_character_of_a_name(self, rest: Rest) -> None:
        body = a_body(await an_advertiser(rest), name="🎿" * 256)
        refused(await rest.admin.post("/campaigns", json=body), 400, "VALIDATION_ERROR", "name")

    async def test_a_campaign_with_such_a_name_is_bought(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)], name="🎿" * 255, brief="‮")
        await a_banner(rest, campaign, name="Größe\n🎿")
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/execute", headers={b"X-Reason": "schön".encode()}))[
            "success"
        ]
        assert len(await north.buys()) == 1


class TestDates:
    @pytest.mark.parametrize(
        "date",
        [
            "0000-01-01",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "10000-01-01",
            "2031-02-30",
            "2031-13-01",
            "2031-01-01T25:00:00Z",
            "2031-01-01T00:00:60Z",
            "2031-01-01T00:00:00",
            "2031-01-01T00:00:00+99:99",
            "2031-W01-1",
            "20310101",
            "1767225600",
            "2031-01-01T00:00:00Z; DROP",
            "",
            " ",
            "\u0662\u0660\u0663\u0661-01-01",
        ],
    )
    async def test_what_is_no_date_is_refused_by_name(self, rest: Rest, date: str) -> None:
        campaign = await a_campaign(rest)
        for field in ("startDate", "endDate"):
            response = await rest.admin.put(f"/campaigns/{campaign}", json={"flightDates": {field: date}})
            refused(response, 400, "VALIDATION_ERROR", f"flightDates.{field}")

    @pytest.mark.parametrize(
        ("start", "end"),
        [("2031-05-02", "2031-05-01"), ("2031-05-01T10:00:00Z", "2031-05-01T10:00:00Z"), ("9999-12-31", "0001-01-01")],
    )
    async def test_an_end_that_is_not_after_the_start_is_refused(self, rest: Rest, start: str, end: str) -> None:
        body = a_body(await an_advertiser(rest), flightDates={"startDate": start, "endDate": end})
        refused(await rest.admin.post("/campaigns", json=body), 400, "VALIDATION_ERROR", "flightDates.endDate")

    async def test_a_flight_of_all_time_is_kept_bought_and_read(self, rest: Rest, north: SandboxHandle) -> None:
        dates = {"startDate": "0001-01-01", "endDate": "9999-12-31"}
        campaign = await a_campaign(rest, [await reach(rest, north)], flightDates=dates)
        shown = await get(rest, campaign)
        assert shown["flightDates"] == {"startDate": "0001-01-01T00:00:00Z", "endDate": "9999-12-31T23:59:59Z"}
        await a_banner(rest, campaign)
        assert clear(await rest.admin.post(f"/campaigns/{campaign}/execute")) == 200
        (ref,) = (await get(rest, campaign))["mediaBuyRefs"]
        assert clear(await rest.admin.get(f"/media-buys/{ref['mediaBuyId']}/packages")) == 200
        assert clear(await rest.admin.get(f"/campaigns/{campaign}/media-buy-status")) == 200
        assert clear(await rest.admin.post(f"/campaigns/{campaign}/pause")) == 200


class TestAddresses:
    @pytest.mark.parametrize(
        "path",
        [
            "/campaigns/%00",
            "/campaigns/%F0%9F%8E%BF",
            "/campaigns/%ED%A0%80",
            "/campaigns/%ff",
            "/campaigns/" + "x" * 5000,
            "/campaigns/..%2f..%2fetc",
            "/campaigns/'%20or%201=1",
            "/campaigns/cmp_1%0d%0aX-Evil:%201",
            "/storefronts/99999999999999999999",
            "/storefronts/-1",
            "/storefronts/1.0",
            "/storefronts/0x1",
            "/advertisers/0",
            "/advertisers/99999999999999999",
            "/advertisers/１２",
            "/advertisers/1e3",
            "/media-buys/%20",
            "/decisions/%E2%80%AE",
            "/discovery/%00/products",
        ],
    )
    async def test_an_id_that_is_none_is_not_found_or_refused(self, rest: Rest, path: str) -> None:
        response = await rest.admin.get(path)
        assert clear(response) in {400, 404}
        assert "x-evil" not in response.headers

    @pytest.mark.parametrize(
        "query",
        [
            "take=1e2",
            "take=%EF%BC%91",
            "take=99999999999999999999",
            "take=1.5",
            "take=",
            "take=true",
            "skip=0x10",
            "skip=-0",
            "cursor=%00",
            "cursor=" + "A" * 1024,
            "cursor=" + "A" * 5000,
            "cursor=W10",
            "name=%00",
            "name=%ED%A0%80",
            "name=" + "x" * 5000,
            "status=%F0%9F%8E%BF",
            "status=" + "&status=".join(["DRAFT"] * 2000),
            "advertiserId=0",
            "advertiserId=99999999999999999999",
            "includeArchived=maybe",
            "=&&=&a",
            "%",
            "mode[]=discovery",
        ],
    )
    async def test_a_query_is_understood_or_refused(self, rest: Rest, query: str) -> None:
        await a_campaign(rest)
        assert clear(await rest.admin.get(f"/campaigns?{query}")) in {200, 400}

    @pytest.mark.parametrize(
        "headers",
        [
            {"Authorization": ""},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer " + "x" * 8000},
            {"Authorization": "Bearer buyside_1_" + "a" * 43},
            {"Authorization": "Bearer buyside_99999999999999999999_" + "a" * 43},
            {"Authorization": "Basic dXNlcjpwYXNz"},
            {"Authorization": b"Bearer \xff\xfe"},
            {"x-scope3-api-key": "buyside_1_"},
        ],
    )
    async def test_a_key_that_is_none_opens_nothing(self, rest: Rest, headers: Any) -> None:
        response = await rest.nobody.get("/campaigns", headers=headers)
        refused(response, 401, "UNAUTHORIZED")
        assert response.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize("reason", ["x" * 1001, "ü".encode() * 1001])
    async def test_a_reason_beyond_its_length_is_refused(self, rest: Rest, reason: Any) -> None:
        campaign = await a_campaign(rest)
        response = await rest.admin.put(f"/campaigns/{campaign}", json={"name": "x"}, headers={"X-Reason": reason})
        refused(response, 400, "BAD_REQUEST", "X-Reason")

    @pytest.mark.parametrize("envelope", ["", "WRAPPED", "both", "bare, wrapped", "x" * 500])
    async def test_an_envelope_that_is_none_is_the_usual_one(self, rest: Rest, envelope: str) -> None:
        shown = ok(await rest.admin.get("/campaigns", headers={"X-Envelope": envelope}))
        assert ("data" in shown) == (envelope == "WRAPPED")
