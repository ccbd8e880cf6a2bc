"""Campaigns over REST: made, listed, read, edited, archived (seeds: get campaign, update campaign)."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from buyside.domain.advertisers import FeePricing, FeeTerm
from buyside.domain.campaigns import Status
from buyside.domain.media_buys import Status as BuyStatus
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import (
    Body,
    a_banner,
    a_body,
    a_campaign,
    a_live_campaign,
    a_session,
    an_advertiser,
    at,
    flight,
    force,
    get,
    ok,
    put,
    reach,
    refused,
    stored_buys,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLICKS = {"optimizationGoals": [{"kind": "metric", "metric": "clicks", "target": {"kind": "cost_per", "value": 2.5}}]}


class TestCreate:
    async def test_a_campaign_is_a_draft_and_shows_what_was_asked(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        dates = {"startDate": "2031-01-15T00:00:00Z", "endDate": "2031-03-31T23:59:59Z"}
        body = a_body(
            advertiser,
            name="Summer 2025 Campaign",
            brief="Running shoes for the city",
            flightDates=dates,
            budget={"total": 50000, "currency": "USD", "dailyCap": 1000.5, "pacing": "EVEN"},
            constraints={"channels": ["ctv"], "geo_countries": ["US"], "device_type": ["desktop"]},
            optimizationApplyMode="AUTO",
        )
        shown = ok(await rest.member.post("/campaigns", json=body), 201)
        campaign = shown["campaign"]
        created = campaign.pop("createdAt")
        assert campaign.pop("updatedAt") == created
        assert campaign == {
            "campaignId": campaign["campaignId"],
            "advertiserId": advertiser,
            "name": "Summer 2025 Campaign",
            "status": "DRAFT",
            "mode": "discovery",
            "management": "managed",
            "optimizationApplyMode": "AUTO",
            "revision": 1,
            "brief": "Running shoes for the city",
            "flightDates": dates,
            "budget": {"total": 50000, "currency": "USD", "dailyCap": 1000.5, "pacing": "EVEN"},
            "mediaBudget": {"total": 50000, "currency": "USD"},
            "allocatedBudget": 0,
            "unallocatedBudget": 50000,
            "constraints": {"channels": ["ctv"], "geo_countries": ["US"], "device_type": ["desktop"]},
        }
        assert campaign["campaignId"].startswith("cmp_")
        assert (await get(rest, campaign["campaignId"]))["createdAt"] == created

    async def test_an_advertiser_is_named_by_number_or_by_digits(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        for named in (advertiser, int(advertiser)):
            made = ok(await rest.admin.post("/campaigns", json=a_body(advertiser, advertiserId=named)), 201)
            assert made["campaign"]["advertiserId"] == advertiser

    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            (("2031-05-01", "2031-05-31"), ("2031-05-01T00:00:00Z", "2031-05-31T23:59:59Z")),
            (
                ("2031-05-01T00:00:00+02:00", "2031-05-31T20:00:00-04:00"),
                ("2031-04-30T22:00:00Z", "2031-06-01T00:00:00Z"),
            ),
            (
                ("2031-05-01T06:00:00.250Z", "2031-05-31T00:00Z"),
                ("2031-05-01T06:00:00.250000Z", "2031-05-31T00:00:00Z"),
            ),
        ],
    )
    async def test_dates_are_taken_with_z_with_an_offset_and_bare(
        self, rest: Rest, given: tuple[str, str], shown: tuple[str, str]
    ) -> None:
        dates = dict(zip(("startDate", "endDate"), given, strict=True))
        campaign = await get(rest, await a_campaign(rest, flightDates=dates))
        assert (campaign["flightDates"]["startDate"], campaign["flightDates"]["endDate"]) == shown

    async def test_performance_follows_from_goals_and_needs_them(self, rest: Rest) -> None:
        campaign = await get(rest, await a_campaign(rest, performanceConfig=CLICKS))
        assert (campaign["mode"], campaign["performanceConfig"]) == ("performance", CLICKS)
        body = a_body(await an_advertiser(rest), mode="performance")
        refused(await rest.admin.post("/campaigns", json=body), 400, "VALIDATION_ERROR", "performanceConfig")

    async def test_what_older_clients_send_is_tolerated_and_never_shown(self, rest: Rest) -> None:
        shown = await get(rest, await a_campaign(rest, campaignType="DECISIONED", color="blue"))
        assert not {"campaignType", "color"} & set(shown)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "x" * 256}, "name"),
            ({"name": None}, "name"),
            ({"brief": "x" * 5001}, "brief"),
            ({"brief": None}, "brief"),
            ({"budget": {"total": 0}}, "budget.total"),
            ({"budget": {"total": -5}}, "budget.total"),
            ({"budget": {"total": "1000"}}, "budget.total"),
            ({"budget": {"total": 10.005}}, "budget.total"),
            ({"budget": {"total": 1e14}}, "budget.total"),
            ({"budget": {"total": 10, "dailyCap": 0}}, "budget.dailyCap"),
            ({"budget": {"total": 10, "dailyCap": 1.001}}, "budget.dailyCap"),
            ({"budget": {"total": 10, "pacing": "SLOW"}}, "budget.pacing"),
            ({"budget": {}}, "budget.total"),
            ({"flightDates": {"startDate": "2031-05-02", "endDate": "2031-05-01"}}, "flightDates.endDate"),
            ({"flightDates": {"startDate": "soon", "endDate": "2031-05-01"}}, "flightDates.startDate"),
            ({"flightDates": {"startDate": "2031-05-01"}}, "flightDates.endDate"),
            ({"mode": "tracked"}, "mode"),
            ({"storefrontIds": [0]}, "storefrontIds[0]"),
            ({"storefrontIds": list(range(1, 52))}, "storefrontIds"),
            ({"storefrontIds": [999_999_999]}, "storefrontIds[0]"),
            ({"productIds": ["p"]}, "discoveryId"),
            ({"optimizationApplyMode": "SOMETIMES"}, "optimizationApplyMode"),
            ({"constraints": {"geo_countries": ["usa"]}}, "constraints.geo_countries[0]"),
            ({"constraints": {"device_type": ["toaster"]}}, "constraints.device_type[0]"),
        ],
    )
    async def test_what_is_out_of_bounds_is_named(self, rest: Rest, changes: Body, field: str) -> None:
        body = a_body(await an_advertiser(rest)) | changes
        error = refused(await rest.admin.post("/campaigns", json=body), 400, "VALIDATION_ERROR", field)
        assert error["details"]["issues"]
        assert ok(await rest.admin.get("/campaigns"))["total"] == 0

    async def test_every_problem_is_listed_at_once(self, rest: Rest) -> None:
        body = a_body("1", name="", budget={"total": -1}, flightDates={"startDate": 5, "endDate": "2031-01-01"})
        error = refused(await rest.admin.post("/campaigns", json=body), 400, "VALIDATION_ERROR")
        paths = {tuple(issue["path"]) for issue in error["details"]["issues"]}
        assert paths == {("name",), ("budget", "total"), ("flightDates", "startDate")}

    async def test_an_amount_has_the_decimals_of_its_currency(self, rest: Rest) -> None:
        yen, dinar = await an_advertiser(rest, currency="JPY"), await an_advertiser(rest, currency="KWD")
        body = a_body(yen, budget={"total": 100.5})
        refused(await rest.admin.post("/campaigns", json=body), 400, "VALIDATION_ERROR", "budget.total")
        assert (await get(rest, await a_campaign(rest, advertiser=dinar, budget={"total": 10.005})))["budget"] == {
            "total": 10.005,
            "currency": "KWD",
        }

    async def test_the_currency_is_the_advertisers_and_locks_there(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest, currency="EUR")
        body = a_body(advertiser, budget={"total": 10, "currency": "USD"})
        refused(await rest.admin.post("/campaigns", json=body), 400, "CURRENCY_MISMATCH", "budget.currency")
        assert ok(await rest.admin.get(f"/advertisers/{advertiser}"))["currencyLocked"] is False
        made = await a_campaign(rest, advertiser=advertiser, budget={"total": 10, "currency": "eur"})
        assert (await get(rest, made))["budget"]["currency"] == "EUR"
        assert ok(await rest.admin.get(f"/advertisers/{advertiser}"))["currencyLocked"] is True

    async def test_the_advertiser_has_to_be_there_and_have_a_brand(self, rest: Rest) -> None:
        refused(await rest.admin.post("/campaigns", json=a_body("999999999")), 400, "VALIDATION_ERROR", "advertiserId")
        refused(await rest.admin.post("/campaigns", json=a_body("acme")), 400, "VALIDATION_ERROR", "advertiserId")
        unbranded = await an_advertiser(rest, brand=None)
        refused(await rest.admin.post("/campaigns", json=a_body(unbranded)), 400, "VALIDATION_ERROR")

    async def test_a_session_is_bound_and_its_selection_staged(self, rest: Rest, north: SandboxHandle) -> None:
        advertiser, product = await an_advertiser(rest), await reach(rest, north, budget=Decimal(250))
        session = await a_session(rest, advertiser, [product])
        campaign = await get(rest, await a_campaign(rest, advertiser=advertiser, discoveryId=session))
        assert (campaign["discoveryId"], campaign["productCount"]) == (session, 1)
        assert campaign["products"] == [{"productId": product.product_id}]
        assert (campaign["allocatedBudget"], campaign["unallocatedBudget"]) == (250, 750)
        (buy,) = campaign["mediaBuys"]
        assert (buy["status"], buy["products"][0]["budget"]) == ("DRAFT", 250)
        assert await north.calls("create_media_buy") == []

    async def test_products_of_the_session_can_be_named_at_once(self, rest: Rest, north: SandboxHandle) -> None:
        advertiser, product = await an_advertiser(rest), await reach(rest, north)
        session, other = await a_session(rest, advertiser, [product]), north.product_id("ctv_premium")
        body = a_body(advertiser, discoveryId=session, productIds=[other])
        made = ok(await rest.admin.post("/campaigns", json=body), 201)["campaign"]
        assert {p["productId"] for p in made["products"]} == {product.product_id, other}
        session = await a_session(rest, advertiser, [product])
        body = a_body(advertiser, discoveryId=session, productIds=["no_such_product"])
        refused(await rest.admin.post("/campaigns", json=body), 400, "VALIDATION_ERROR", "productIds[0]")

    async def test_a_session_that_is_not_to_be_had_is_refused(self, rest: Rest, north: SandboxHandle) -> None:
        advertiser, product = await an_advertiser(rest), await reach(rest, north)
        unknown = a_body(advertiser, discoveryId="session_none")
        refused(await rest.admin.post("/campaigns", json=unknown), 404, "NOT_FOUND")
        session = await a_session(rest, advertiser, [product])
        elsewhere = a_body(await an_advertiser(rest), discoveryId=session)
        refused(await rest.admin.post("/campaigns", json=elsewhere), 400, "VALIDATION_ERROR", "discoveryId")
        await a_campaign(rest, advertiser=advertiser, discoveryId=session)
        taken = a_body(advertiser, discoveryId=session)
        refused(await rest.admin.post("/campaigns", json=taken), 400, "VALIDATION_ERROR", "discoveryId")

    async def test_a_daily_cap_above_the_total_is_a_warning(self, rest: Rest) -> None:
        body = a_body(await an_advertiser(rest), budget={"total": 10, "dailyCap": 20})
        shown = ok(await rest.admin.post("/campaigns", json=body), 201)
        assert "dailyCap" in shown["warnings"][0]

    async def test_directed_campaigns_are_not_enabled(self, rest: Rest) -> None:
        body = a_body(await an_advertiser(rest), mode="directed")
        refused(await rest.admin.post("/campaigns", json=body), 403, "FEATURE_NOT_ENABLED", "mode")


class TestGet:
    async def test_media_buys_are_narrowed_and_nothing_else(
        self, rest: Rest, north: SandboxHandle, east: SandboxHandle
    ) -> None:
        campaign = await a_campaign(rest, [await reach(rest, each) for each in (north, east)])
        whole = await get(rest, campaign)
        first, second = [ref["mediaBuyId"] for ref in whole["mediaBuyRefs"]]

        async def narrowed(*ids: str) -> Body:
            shown: Body = ok(await rest.admin.get(f"/campaigns/{campaign}", params={"mediaBuyId": ids}))["campaign"]
            return shown

        one, both, none = await narrowed(first), await narrowed(first, second), await narrowed("mb_unknown")
        assert await narrowed(f"{first},{second}") == both
        assert [buy["mediaBuyId"] for buy in one["mediaBuys"]] == [first]
        assert len(both["mediaBuys"]) == 2
        assert none["mediaBuys"] == []
        for each in (one, both, none):
            assert {**each, "mediaBuys": None} == {**whole, "mediaBuys": None}

    async def test_format_options_can_be_left_out(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        assert "formatOptions" in (await get(rest, campaign))["mediaBuys"][0]["products"][0]
        response = await rest.admin.get(f"/campaigns/{campaign}", params={"includeProductDetails": "false"})
        assert "formatOptions" not in ok(response)["campaign"]["mediaBuys"][0]["products"][0]
        assert ok(await rest.admin.get(f"/campaigns/{campaign}", params={"fresh": "true"}))

    async def test_fees_are_carved_out_of_the_total(self, rest: Rest, north: SandboxHandle) -> None:
        fees = (
            FeeTerm("Agency", FeePricing.MARGIN, Decimal("12.5")),
            FeeTerm("Serving", FeePricing.UNIT, None, "CPM", Decimal("0.15")),
        )
        advertiser = await an_advertiser(rest, fees=fees)
        product = await reach(rest, north, budget=Decimal(400))
        shown = await get(rest, await a_campaign(rest, [product], advertiser=advertiser))
        assert shown["fees"] == [
            {"label": "Agency", "pricingType": "MARGIN", "marginPercent": 12.5, "amount": 125, "currency": "USD"},
            {
                "label": "Serving",
                "pricingType": "UNIT",
                "unit": "CPM",
                "unitPrice": 0.15,
                "amount": 0,
                "currency": "USD",
            },
        ]
        assert shown["mediaBudget"] == {"total": 875, "currency": "USD"}
        assert (shown["allocatedBudget"], shown["unallocatedBudget"]) == (350, 525)
        assert shown["mediaBuys"][0]["budget_breakdown"]["media_budget"] == 350

    async def test_formats_that_the_products_demand_are_shown_with_what_covers_them(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        formats = (await get(rest, campaign))["creativeFormats"]
        assert (formats["covered"], len(formats["missing"])) == ([], len(formats["required"]))
        await a_banner(rest, campaign)
        after = (await get(rest, campaign))["creativeFormats"]
        assert after["required"] == formats["required"]
        assert [each["id"] for each in after["covered"]] == ["display_300x250_tag"]
        assert len(after["missing"]) == len(formats["required"]) - 1

    async def test_what_is_draft_only_is_gone_once_a_buy_was_placed(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, _ = await a_live_campaign(rest, north)
        assert not {"discoveryId", "productCount", "products"} & set(await get(rest, campaign))


class TestList:
    async def test_what_ended_is_hidden_until_it_is_asked_for(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        ids = {status: await a_campaign(rest, advertiser=advertiser, name=status.value) for status in Status}
        for status, campaign in ids.items():
            if status is not Status.DRAFT:
                await force(rest.world, campaign, status)

        async def listed(**query: Any) -> list[str]:
            shown = ok(await rest.admin.get("/campaigns", params=query))
            assert shown["total"] == len(shown["campaigns"])
            return sorted(each["status"] for each in shown["campaigns"])

        assert await listed() == ["ACTIVE", "DRAFT", "PAUSED"]
        assert await listed(status="COMPLETED") == ["COMPLETED"]
        assert await listed(status=["COMPLETED", "CANCELED"]) == ["CANCELED", "COMPLETED"]
        assert await listed(status="DRAFT,ARCHIVED") == ["ARCHIVED", "DRAFT"]
        assert await listed(status="ALL") == sorted(status.value for status in Status)
        assert await listed(includeArchived="true") == ["ACTIVE", "ARCHIVED", "DRAFT", "PAUSED"]
        assert await listed(management="managed") == ["ACTIVE", "DRAFT", "PAUSED"]
        assert await listed(management="tracked") == []

    async def test_each_filter_narrows(self, rest: Rest, north: SandboxHandle) -> None:
        mine, other = await an_advertiser(rest), await an_advertiser(rest)
        summer = await a_campaign(rest, advertiser=mine, name="Große SOMMER-Aktion 100%")
        winter = await a_campaign(rest, advertiser=other, name="Winter", performanceConfig=CLICKS)
        staged = await a_campaign(rest, [await reach(rest, north)], advertiser=mine, name="Autumn")

        async def listed(**query: Any) -> set[str]:
            shown = ok(await rest.admin.get("/campaigns", params=query))
            return {each["campaignId"] for each in shown["campaigns"]}

        assert await listed() == {summer, winter, staged}
        assert await listed(advertiserId=mine) == {summer, staged}
        assert await listed(name="sommer") == {summer}
        assert await listed(name="GROSSE") == {summer}
        assert await listed(name="100%") == {summer}
        assert await listed(name="%") == {summer}
        assert await listed(name="_") == set()
        assert await listed(mode="performance") == {winter}
        assert await listed(type="discovery") == {summer, staged}
        assert await listed(type="audience") == {summer, winter, staged}
        assert await listed(mediaBuyStatus="DRAFT") == {staged}
        assert await listed(mediaBuyStatus=["ACTIVE", "PAUSED"]) == set()
        assert await listed(somethingElse="x") == {summer, winter, staged}

    async def test_a_row_is_a_summary(self, rest: Rest, north: SandboxHandle) -> None:
        await a_campaign(rest, [await reach(rest, north)], constraints={"geo_countries": ["DE"]})
        (row,) = ok(await rest.admin.get("/campaigns"))["campaigns"]
        assert set(row) == {
            "campaignId", "advertiserId", "name", "status", "mode", "management", "flightDates", "constraints",
            "productCount", "budget", "createdAt", "updatedAt",
        }  # fmt: skip
        assert (row["productCount"], row["budget"]) == (1, {"total": 1000, "currency": "USD"})

    @pytest.mark.parametrize("by", ["skip", "cursor"])
    async def test_pages_show_each_campaign_once_newest_first(self, rest: Rest, by: str) -> None:
        advertiser = await an_advertiser(rest)
        made = [await a_campaign(rest, advertiser=advertiser, name=f"No. {n}") for n in range(5)]
        seen: list[str] = []
        query: dict[str, Any] = {"take": 2}
        while True:
            response = await rest.admin.get("/campaigns", params=query, headers={"X-Envelope": "wrapped"})
            wrapped = ok(response)
            page = wrapped["data"]
            seen += [each["campaignId"] for each in page["campaigns"]]
            assert page["total"] == 5
            assert wrapped["meta"]["pagination"]["hasMore"] == page["hasMore"] == (len(seen) < 5)
            if not page["hasMore"]:
                break
            query |= {"skip": len(seen)} if by == "skip" else {"cursor": page["nextCursor"]}
        assert seen == made[::-1]
        assert "nextCursor" not in page

    async def test_a_cursor_overrides_skip(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        for n in range(3):
            await a_campaign(rest, advertiser=advertiser, name=f"No. {n}")
        first = ok(await rest.admin.get("/campaigns", params={"take": 1}))
        query = {"take": 1, "skip": 2, "cursor": first["nextCursor"]}
        (row,) = ok(await rest.admin.get("/campaigns", params=query))["campaigns"]
        assert row["name"] == "No. 1"

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"skip": 10_001}, "skip"),
            ({"skip": -1}, "skip"),
            ({"take": 0}, "take"),
            ({"take": 251}, "take"),
            ({"take": "many"}, "take"),
            ({"cursor": "not-a-cursor"}, "cursor"),
            ({"status": "LIVE"}, "status[0]"),
            ({"status": "DRAFT,LIVE"}, "status[1]"),
            ({"mediaBuyStatus": "CANCELLED"}, "mediaBuyStatus[0]"),
            ({"advertiserId": "abc"}, "advertiserId"),
            ({"management": "mine"}, "management"),
            ({"mode": "directed"}, "mode[0]"),
        ],
    )
    async def test_what_cannot_be_asked_is_named(self, rest: Rest, query: dict[str, Any], field: str) -> None:
        refused(await rest.admin.get("/campaigns", params=query), 400, "VALIDATION_ERROR", field)


class TestUpdate:
    async def test_each_field_changes_alone_and_the_revision_counts(self, rest: Rest) -> None:
        campaign = await a_campaign(rest, brief="Before", constraints={"channels": ["ctv"], "geo_countries": ["US"]})
        before = await get(rest, campaign)
        changes: list[tuple[Body, Body]] = [
            ({"name": "Autumn"}, {"name": "Autumn"}),
            ({"brief": "After"}, {"brief": "After"}),
            (
                {"flightDates": {"endDate": "2033-01-01"}},
                {"flightDates": {**before["flightDates"], "endDate": "2033-01-01T23:59:59Z"}},
            ),
            (
                {"budget": {"total": 1500}},
                {
                    "budget": {"total": 1500, "currency": "USD"},
                    "mediaBudget": {"total": 1500, "currency": "USD"},
                    "unallocatedBudget": 1500,
                },
            ),
            ({"budget": {"dailyCap": 40}}, {"budget": {"total": 1500, "currency": "USD", "dailyCap": 40}}),
            (
                {"budget": {"pacing": "ASAP", "currency": "USD"}},
                {"budget": {"total": 1500, "currency": "USD", "dailyCap": 40, "pacing": "ASAP"}},
            ),
            ({"budget": {"dailyCap": None, "pacing": None}}, {"budget": {"total": 1500, "currency": "USD"}}),
            ({"constraints": {"language": ["de"]}}, {"constraints": {"language": ["de"]}}),
            ({"optimizationApplyMode": "AUTO"}, {"optimizationApplyMode": "AUTO"}),
            ({"performanceConfig": CLICKS}, {"performanceConfig": CLICKS}),
        ]
        for revision, (asked, shown) in enumerate(changes, start=2):
            after = await put(rest, campaign, **asked)
            expected = {**before, **shown, "revision": revision, "updatedAt": after["updatedAt"]}
            assert after == expected
            assert await get(rest, campaign) == expected
            before = after

    @pytest.mark.parametrize(
        "body", [{}, {"name": "Summer"}, {"budget": {"total": 1000}}, {"mode": "discovery"}, {"utmConfig": {}}]
    )
    async def test_a_change_of_nothing_leaves_the_revision(self, rest: Rest, body: Body) -> None:
        campaign = await a_campaign(rest)
        before = await get(rest, campaign)
        assert await put(rest, campaign, **body) == before

    async def test_an_unknown_key_is_tolerated(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        assert (await put(rest, campaign, color="blue"))["revision"] == 1

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": None}, "name"),
            ({"brief": None}, "brief"),
            ({"budget": None}, "budget"),
            ({"budget": {"total": 0}}, "budget.total"),
            ({"budget": {"total": None}}, "budget.total"),
            ({"budget": {"total": 0.001}}, "budget.total"),
            ({"budget": {"dailyCap": -1}}, "budget.dailyCap"),
            ({"flightDates": {"endDate": "2001-01-01"}}, "flightDates.endDate"),
            ({"flightDates": {"startDate": "2999-01-01"}}, "flightDates.endDate"),
            ({"constraints": {"geo_regions": ["California"]}}, "constraints.geo_regions[0]"),
            ({"storefrontIds": [987_654_321]}, "storefrontIds[0]"),
            ({"storefrontIds": None}, "storefrontIds"),
            ({"mode": "performance"}, "mode"),
            ({"performanceConfig": None}, "performanceConfig"),
            ({"performanceConfig": {"optimizationGoals": []}}, "performanceConfig.optimizationGoals"),
            ({"expectedRevision": 0}, "expectedRevision"),
        ],
    )
    async def test_what_is_out_of_bounds_is_named_and_changes_nothing(self, rest: Rest, body: Body, field: str) -> None:
        campaign = await a_campaign(rest)
        before = await get(rest, campaign)
        response = await rest.admin.put(f"/campaigns/{campaign}", json={"name": "Other", **body})
        refused(response, 400, "VALIDATION_ERROR", field)
        assert await get(rest, campaign) == before

    async def test_an_unknown_campaign_is_not_found(self, rest: Rest) -> None:
        refused(await rest.admin.put("/campaigns/cmp_1", json={"name": "x"}), 404, "NOT_FOUND")

    async def test_the_currency_cannot_change(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        body = {"budget": {"currency": "EUR", "total": 2000}}
        response = await rest.admin.put(f"/campaigns/{campaign}", json=body)
        refused(response, 400, "CURRENCY_MISMATCH", "budget.currency")

    async def test_a_total_below_what_is_allocated_is_refused_with_the_least_that_will_do(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        campaign, _ = await a_live_campaign(rest, north)
        before = await get(rest, campaign)
        response = await rest.admin.put(f"/campaigns/{campaign}", json={"budget": {"total": 999.99}})
        error = refused(response, 409, "INSUFFICIENT_MEDIA_BUDGET", "budget.total")
        details = {"requestedTotal": 999.99, "allocatedBudget": 1000, "minimumAllowedBudget": 1000}
        assert details.items() <= error["details"].items()
        assert await get(rest, campaign) == before
        assert (await put(rest, campaign, budget={"total": 3000}))["unallocatedBudget"] == 2000
        assert (await put(rest, campaign, budget={"total": 1000}))["unallocatedBudget"] == 0

    async def test_with_fees_the_least_total_is_gross(self, rest: Rest, north: SandboxHandle) -> None:
        advertiser = await an_advertiser(rest, fees=(FeeTerm("Agency", FeePricing.MARGIN, Decimal(20)),))
        product = await reach(rest, north, budget=Decimal(500))
        campaign = await a_campaign(rest, [product], advertiser=advertiser)
        response = await rest.admin.put(f"/campaigns/{campaign}", json={"budget": {"total": 499.99}})
        error = refused(response, 409, "INSUFFICIENT_MEDIA_BUDGET")
        assert (error["details"]["allocatedBudget"], error["details"]["minimumAllowedBudget"]) == (400, 500)
        assert (await put(rest, campaign, budget={"total": 500}))["unallocatedBudget"] == 0

    async def test_a_flight_must_hold_what_was_placed_and_drafts_follow_it(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        campaign, _ = await a_live_campaign(rest, north)
        body = {"flightDates": {"endDate": at(days=3)}}
        refused(await rest.admin.put(f"/campaigns/{campaign}", json=body), 400, "VALIDATION_ERROR", "flightDates")
        draft = await a_campaign(rest, [await reach(rest, north)])
        shown = await put(rest, draft, flightDates={"startDate": "2031-01-01", "endDate": "2031-01-31"})
        (buy,) = shown["mediaBuys"]
        assert (buy["startTime"], buy["endTime"]) == ("2031-01-01T00:00:00Z", "2031-01-31T23:59:59Z")

    async def test_a_stale_revision_is_a_conflict(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        assert (await put(rest, campaign, name="First", expectedRevision=1))["revision"] == 2
        body = {"name": "Second", "expectedRevision": 1}
        response = await rest.admin.put(f"/campaigns/{campaign}", json=body)
        error = refused(response, 409, "CONFLICT", "expectedRevision")
        assert error["details"]["revision"] == 2
        assert (await get(rest, campaign))["name"] == "First"

    async def test_edits_at_once_lose_nothing(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        changes: list[Body] = [
            {"name": "Autumn"},
            {"brief": "Leaves"},
            {"budget": {"total": 2000}},
            {"budget": {"dailyCap": 70}},
            {"budget": {"pacing": "EVEN"}},
            {"constraints": {"channels": ["ctv"]}},
            {"flightDates": {"endDate": "2033-03-03"}},
        ]
        answers = await asyncio.gather(*(rest.admin.put(f"/campaigns/{campaign}", json=body) for body in changes))
        assert [a.status_code for a in answers] == [200] * len(changes)
        shown = await get(rest, campaign)
        assert shown["revision"] == 1 + len(changes)
        assert (shown["name"], shown["brief"], shown["constraints"]) == ("Autumn", "Leaves", {"channels": ["ctv"]})
        assert shown["budget"] == {"total": 2000, "currency": "USD", "dailyCap": 70, "pacing": "EVEN"}
        assert shown["flightDates"]["endDate"] == "2033-03-03T23:59:59Z"

    async def test_of_edits_at_once_that_expect_the_same_revision_one_is_made(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        bodies = [{"name": f"No. {n}", "expectedRevision": 1} for n in range(5)]
        answers = await asyncio.gather(*(rest.admin.put(f"/campaigns/{campaign}", json=body) for body in bodies))
        assert sorted(a.status_code for a in answers) == [200, 409, 409, 409, 409]
        assert (await get(rest, campaign))["revision"] == 2

    async def test_goals_can_be_cleared_on_a_performance_campaign(self, rest: Rest) -> None:
        campaign = await a_campaign(rest, performanceConfig=CLICKS)
        shown = await put(rest, campaign, performanceConfig=None)
        assert (shown["mode"], "performanceConfig" in shown) == ("performance", False)

    async def test_storefronts_are_shown_whole_and_cleared(self, rest: Rest, north: SandboxHandle) -> None:
        seller = (await reach(rest, north)).seller
        campaign = await a_campaign(rest)
        shown = await put(rest, campaign, storefrontIds=[str(seller.storefront_id)])
        assert shown["storefronts"] == [{"id": seller.storefront_id, "platformId": "north", "name": "North"}]
        assert "storefronts" not in await put(rest, campaign, storefrontIds=[])

    async def test_another_session_replaces_what_was_staged(
        self, rest: Rest, north: SandboxHandle, east: SandboxHandle
    ) -> None:
        advertiser = await an_advertiser(rest)
        campaign = await a_campaign(rest, [await reach(rest, north)], advertiser=advertiser)
        (old,) = (await get(rest, campaign))["mediaBuyRefs"]
        session = await a_session(rest, advertiser, [product := await reach(rest, east)])
        shown = await put(rest, campaign, discoveryId=session)
        (new,) = shown["mediaBuyRefs"]
        assert (shown["discoveryId"], shown["products"]) == (session, [{"productId": product.product_id}])
        assert new["mediaBuyId"] != old["mediaBuyId"]
        assert {b.id: b.status for b in await stored_buys(rest, campaign)} == {
            old["mediaBuyId"]: BuyStatus.ARCHIVED,
            new["mediaBuyId"]: BuyStatus.DRAFT,
        }

    async def test_the_session_stays_once_a_buy_was_placed(self, rest: Rest, north: SandboxHandle) -> None:
        advertiser = await an_advertiser(rest)
        campaign, _ = await a_live_campaign(rest, north, advertiser=advertiser)
        session = await a_session(rest, advertiser, [await reach(rest, north)])
        response = await rest.admin.put(f"/campaigns/{campaign}", json={"discoveryId": session})
        refused(response, 400, "VALIDATION_ERROR", "discoveryId")

    @pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELED, Status.ARCHIVED])
    async def test_a_campaign_that_is_over_can_only_be_renamed(self, rest: Rest, status: Status) -> None:
        campaign = await a_campaign(rest)
        await force(rest.world, campaign, status)
        refused(await rest.admin.put(f"/campaigns/{campaign}", json={"brief": "x"}), 400, "VALIDATION_ERROR")
        assert (await put(rest, campaign, name="Over"))["name"] == "Over"

    async def test_each_write_is_in_the_decision_log_with_its_reason(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        headers = {"X-Reason": "the client asked for more"}
        ok(await rest.member.put(f"/campaigns/{campaign}", json={"budget": {"total": 1200}}, headers=headers))
        async with rest.world.work().reading() as tx:
            entries = await tx.decisions.page(limit=10)
        edited = next(each for each in entries if each.action == "campaign.edited")
        assert (edited.reason, edited.actor, edited.surface) == (headers["X-Reason"], "member", "rest")
        assert edited.before is not None
        assert edited.after is not None
        assert (edited.before["budget"]["total"], edited.after["budget"]["total"]) == ("1,000.00 USD", "1,200.00 USD")


class TestDelete:
    async def test_it_is_archived_once_and_stays_readable(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        for _ in range(2):
            response = await rest.member.delete(f"/campaigns/{campaign}")
            assert (response.status_code, response.content) == (204, b"")
        shown = await get(rest, campaign)
        assert (shown["status"], shown["revision"], "mediaBuys" in shown) == ("ARCHIVED", 2, False)
        assert [b.status for b in await stored_buys(rest, campaign)] == [BuyStatus.ARCHIVED]
        refused(await rest.admin.delete("/campaigns/cmp_1"), 404, "NOT_FOUND")

    async def test_it_is_refused_while_a_buy_runs_also_under_a_paused_campaign(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        error = refused(await rest.admin.delete(f"/campaigns/{campaign}"), 409, "CONFLICT")
        assert error["details"]["mediaBuyIds"] == [buy]
        await north.set_faults(refuse_update="INVALID_STATE")
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/pause"))["failureCount"] == 1
        refused(await rest.admin.delete(f"/campaigns/{campaign}"), 409, "CONFLICT")
        assert (await get(rest, campaign))["status"] == "PAUSED"

    @pytest.mark.parametrize(("fault", "status"), [("pending", "PENDING_APPROVAL"), ("needs_input", "INPUT_REQUIRED")])
    async def test_it_is_refused_while_a_buy_waits(
        self, rest: Rest, north: SandboxHandle, fault: str, status: str
    ) -> None:
        await north.set_faults(fault)
        campaign = await a_campaign(rest, [await reach(rest, north)])
        ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        assert (await get(rest, campaign))["mediaBuyRefs"][0]["status"] == status
        refused(await rest.admin.delete(f"/campaigns/{campaign}"), 409, "CONFLICT")

    async def test_paused_buys_stay_paused(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, _ = await a_live_campaign(rest, north)
        ok(await rest.admin.post(f"/campaigns/{campaign}/pause"))
        assert (await rest.admin.delete(f"/campaigns/{campaign}")).status_code == 204
        assert [b.status for b in await stored_buys(rest, campaign)] == [BuyStatus.PAUSED]
        assert [b["status"] for b in await north.buys()] == ["paused"]


class TestPauseAndReactivate:
    async def test_the_answer_has_both_shapes(self, rest: Rest, north: SandboxHandle, east: SandboxHandle) -> None:
        campaign = await a_campaign(rest, [await reach(rest, each) for each in (north, east)])
        await a_banner(rest, campaign)
        await east.set_faults("pending")
        ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        live = next(b for b in (await get(rest, campaign))["mediaBuys"] if b["status"] == "ACTIVE")
        paused = ok(await rest.member.post(f"/campaigns/{campaign}/pause"))
        assert paused == {
            "campaignId": campaign,
            "campaignName": "Summer",
            "previousStatus": "ACTIVE",
            "newStatus": "PAUSED",
            "success": True,
            "mediaBuyResults": [
                {
                    "mediaBuyId": live["mediaBuyId"],
                    "name": live["name"],
                    "previousStatus": "ACTIVE",
                    "success": True,
                }
            ],
            "totalMediaBuys": 1,
            "successCount": 1,
            "failureCount": 0,
        }
        assert [b["status"] for b in await north.buys()] == ["paused"]
        # The buy that still waited was held too, and is let go with the others.
        assert {ref["status"] for ref in (await get(rest, campaign))["mediaBuyRefs"]} == {"PAUSED"}
        resumed = ok(await rest.member.post(f"/campaigns/{campaign}/reactivate"))
        assert (resumed["previousStatus"], resumed["newStatus"], resumed["successCount"]) == ("PAUSED", "ACTIVE", 2)
        assert [b["status"] for b in [*await north.buys(), *await east.buys()]] == ["active", "pending_start"]

    async def test_a_seller_that_refuses_is_named_and_the_campaign_is_paused_all_the_same(
        self, rest: Rest, north: SandboxHandle, east: SandboxHandle
    ) -> None:
        campaign = await a_campaign(rest, [await reach(rest, each) for each in (north, east)])
        await a_banner(rest, campaign)
        ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        await north.set_faults(refuse_update="INVALID_STATE")
        done = ok(await rest.admin.post(f"/campaigns/{campaign}/pause"))
        assert (done["success"], done["newStatus"]) == (False, "PAUSED")
        assert (done["totalMediaBuys"], done["successCount"], done["failureCount"]) == (2, 1, 1)
        (failed,) = [each for each in done["mediaBuyResults"] if not each["success"]]
        assert failed["error"]
        assert [b["status"] for b in await north.buys()] == ["active"]
        assert len(await north.calls("update_media_buy")) == 1
        shown = next(b for b in (await get(rest, campaign))["mediaBuys"] if b["mediaBuyId"] == failed["mediaBuyId"])
        assert (shown["status"], shown["errorOwner"]) == ("ACTIVE", "seller")
        status = ok(await rest.admin.get(f"/campaigns/{campaign}/media-buy-status"))
        assert (status["campaign_status"], status["operational_status"]) == ("PAUSED", "attention_required")
        assert status["blockers"]
        await north.clear_faults("refuse_update")
        status = ok(await rest.admin.get(f"/campaigns/{campaign}/media-buy-status"))
        assert (status["operational_status"], status["blockers"]) == ("paused", [])
        assert [b["status"] for b in await north.buys()] == ["paused"]

    @pytest.mark.parametrize(
        ("status", "verb"),
        [
            (Status.DRAFT, "pause"),
            (Status.DRAFT, "reactivate"),
            (Status.ACTIVE, "reactivate"),
            (Status.PAUSED, "pause"),
        ],
    )
    async def test_another_status_is_refused(self, rest: Rest, status: Status, verb: str) -> None:
        campaign = await a_campaign(rest)
        await force(rest.world, campaign, status)
        refused(await rest.admin.post(f"/campaigns/{campaign}/{verb}"), 400, "VALIDATION_ERROR")
        assert (await get(rest, campaign))["status"] == status.value

    async def test_the_revision_counts_what_changed_the_campaign(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, _ = await a_live_campaign(rest, north)
        revisions = [(await get(rest, campaign))["revision"]]
        for verb in ("pause", "reactivate", "execute"):
            ok(await rest.admin.post(f"/campaigns/{campaign}/{verb}"))
            revisions.append((await get(rest, campaign))["revision"])
        assert revisions == [2, 3, 4, 4]


class TestProducts:
    async def test_what_is_on_a_buy_and_what_is_not_yet(
        self, rest: Rest, north: SandboxHandle, east: SandboxHandle
    ) -> None:
        advertiser = await an_advertiser(rest)
        first, second = await reach(rest, north, budget=Decimal(300)), await reach(rest, east, budget=Decimal(300))
        campaign = await a_campaign(rest, [first, second], advertiser=advertiser)
        shown = ok(await rest.admin.get(f"/campaigns/{campaign}/products"))
        assert shown["summary"] == {"totalProducts": 2, "productsOnMediaBuys": 2, "productsPending": 0}
        assert {p["productId"] for p in shown["products"]} == {first.product_id, second.product_id}
        (context,) = shown["searchContexts"]
        assert context["id"] == shown["discoveryId"]
        buy = shown["products"][0]["mediaBuys"][0]["mediaBuyId"]
        narrowed = ok(await rest.admin.get(f"/campaigns/{campaign}/products", params={"mediaBuyId": buy}))
        assert [p["mediaBuys"][0]["mediaBuyId"] for p in narrowed["products"]] == [buy]

    async def test_a_campaign_without_a_session_has_none(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        assert ok(await rest.admin.get(f"/campaigns/{campaign}/products")) == {
            "campaignId": campaign,
            "discoveryId": None,
            "products": [],
            "searchContexts": [],
            "summary": {"totalProducts": 0, "productsOnMediaBuys": 0, "productsPending": 0},
        }
        refused(await rest.admin.get("/campaigns/cmp_1/products"), 404, "NOT_FOUND")


class TestAutoSelect:
    async def a_performance_campaign(self, rest: Rest, north: SandboxHandle) -> str:
        return await a_campaign(rest, [await reach(rest, north)], performanceConfig=CLICKS)

    async def test_it_replaces_the_selection_and_buys_nothing(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await self.a_performance_campaign(rest, north)
        done = ok(await rest.member.post(f"/campaigns/{campaign}/auto-select-products", json={"maxProducts": 3}))
        assert (done["campaignId"], done["productCount"], done["previouslySelectedCount"]) == (campaign, 3, 1)
        assert done["budgetContext"] == {
            "campaignBudget": 1000,
            "totalAllocated": 1000,
            "remainingBudget": 0,
            "currency": "USD",
        }
        assert sum(Decimal(str(p["budget"])) for p in done["selectedProducts"]) == 1000
        chosen = {p["productId"] for p in done["selectedProducts"]}
        assert {p["productId"] for p in (await get(rest, campaign))["products"]} == chosen
        assert await north.calls("create_media_buy") == []

    async def test_an_empty_body_will_do(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await self.a_performance_campaign(rest, north)
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/auto-select-products"))["productCount"] > 0

    async def test_a_product_can_be_omitted_or_included(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await self.a_performance_campaign(rest, north)
        path = f"/campaigns/{campaign}/auto-select-products"
        first = ok(await rest.admin.post(path, json={"maxProducts": 1}))["selectedProducts"][0]["productId"]
        omit = {"refine": [{"scope": "product", "id": first, "action": "omit"}], "maxProducts": 8}
        assert first not in {p["productId"] for p in ok(await rest.admin.post(path, json=omit))["selectedProducts"]}
        last = north.product_id("ctv_premium")
        include = {"refine": [{"scope": "product", "id": last, "action": "include"}], "maxProducts": 1}
        assert ok(await rest.admin.post(path, json=include))["selectedProducts"][0]["productId"] == last

    async def test_the_least_budget_bounds_how_many(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await self.a_performance_campaign(rest, north)
        path = f"/campaigns/{campaign}/auto-select-products"
        assert ok(await rest.admin.post(path, json={"minBudgetPerProduct": 400}))["productCount"] == 2
        body = {"minBudgetPerProduct": 1001}
        refused(await rest.admin.post(path, json=body), 400, "VALIDATION_ERROR", "minBudgetPerProduct")

    async def test_it_needs_a_draft_with_goals_and_a_session(self, rest: Rest, north: SandboxHandle) -> None:
        verb = "auto-select-products"
        plain = await a_campaign(rest, [await reach(rest, north)])
        refused(await rest.admin.post(f"/campaigns/{plain}/{verb}"), 400, "VALIDATION_ERROR", "performanceConfig")
        bare = await a_campaign(rest, performanceConfig=CLICKS)
        refused(await rest.admin.post(f"/campaigns/{bare}/{verb}"), 400, "VALIDATION_ERROR", "discoveryId")
        active = await self.a_performance_campaign(rest, north)
        await force(rest.world, active, Status.ACTIVE)
        refused(await rest.admin.post(f"/campaigns/{active}/{verb}"), 400, "VALIDATION_ERROR")
        refused(await rest.admin.post(f"/campaigns/cmp_1/{verb}"), 404, "NOT_FOUND")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"budget": 5}, "budget"),
            ({"maxProducts": 0}, "maxProducts"),
            ({"minBudgetPerProduct": 0}, "minBudgetPerProduct"),
            ({"refine": []}, "refine"),
        ],
    )
    async def test_what_is_out_of_bounds_is_named(self, rest: Rest, body: Body, field: str) -> None:
        campaign = await a_campaign(rest, performanceConfig=CLICKS)
        response = await rest.admin.post(f"/campaigns/{campaign}/auto-select-products", json=body)
        refused(response, 400, "VALIDATION_ERROR", field)

    async def test_wishes_in_words_are_not_supported_yet(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await self.a_performance_campaign(rest, north)
        body = {"refine": [{"scope": "request", "ask": "more video"}]}
        response = await rest.admin.post(f"/campaigns/{campaign}/auto-select-products", json=body)
        refused(response, 501, "NOT_IMPLEMENTED", "refine[0]")


class TestEnvelope:
    async def test_wrapped_mode_wraps_success_and_leaves_errors_alike(self, rest: Rest) -> None:
        campaign, headers = await a_campaign(rest), {"X-Envelope": "wrapped"}
        bare = ok(await rest.admin.get(f"/campaigns/{campaign}"))
        wrapped = ok(await rest.admin.get(f"/campaigns/{campaign}", headers=headers))
        assert wrapped == {"data": bare, "error": None}
        refusals = [(await rest.admin.get("/campaigns/cmp_1", headers=each)).json() for each in ({}, headers)]
        assert refusals[0] == refusals[1]
        response = await rest.admin.delete(f"/campaigns/{campaign}", headers=headers)
        assert (response.status_code, response.content) == (204, b"")

    async def test_a_list_carries_its_page_there(self, rest: Rest) -> None:
        await a_campaign(rest, flightDates=flight())
        wrapped = ok(await rest.admin.get("/campaigns", headers={"X-Envelope": "wrapped"}))
        assert wrapped["meta"] == {"pagination": {"skip": 0, "take": 50, "total": 1, "hasMore": False}}
        assert "meta" not in ok(await rest.admin.get("/campaigns"))
