"""Frequency caps, UTM parameters and goals: on campaign and advertiser, and at the seller (interchange.md 2.7-2.9)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from buyside.domain.frequency import Level
from buyside.domain.ids import AdvertiserId, CampaignId
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import (
    Body,
    a_body,
    a_campaign,
    an_advertiser,
    at,
    get,
    ok,
    put,
    reach,
    refused,
    stored_buys,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATER = {"startDate": at(days=2), "endDate": at(days=30)}


def a_cap(most: int = 3, interval: int = 1, unit: str = "days") -> Body:
    return {"max_impressions": most, "window": {"interval": interval, "unit": unit}}


def params(**given: str) -> list[Body]:
    return [{"paramKey": key, "paramValue": value} for key, value in given.items()]


async def take_back(rest: Rest, **of: str) -> None:
    query = "&".join(f"{key}={value}" for key, value in of.items())
    entries = ok(await rest.admin.get(f"/decisions?{query}"))["decisions"]
    edited = next(e for e in entries if e["action"].endswith(".edited"))
    ok(await rest.admin.post(f"/decisions/{edited['decisionId']}/revert"))


async def the_targeting(rest: Rest, north: SandboxHandle, campaign: str) -> Any:
    assert ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))["success"]
    (buy,) = await stored_buys(rest, campaign)
    (theirs,) = [b for b in await north.buys() if b["context"]["media_buy_id"] == buy.id]
    return theirs["packages"][0].get("targeting_overlay")


class TestCaps:
    async def test_they_are_shown_with_their_target(self, rest: Rest) -> None:
        campaign = await a_campaign(rest, frequencyCaps=[a_cap(), a_cap(10, 2, "campaign")])
        first, second = (await get(rest, campaign))["frequencyCaps"]
        assert first == {
            "id": first["id"],
            "targetLevel": "CAMPAIGN",
            "targetId": campaign,
            **a_cap(),
            "createdAt": first["createdAt"],
            "updatedAt": first["createdAt"],
            "archivedAt": None,
        }
        assert second["window"] == {"interval": 2, "unit": "campaign"}
        assert "frequencyCaps" not in ok(await rest.admin.get("/campaigns"))["campaigns"][0]

    async def test_left_out_they_stay_given_they_replace_and_empty_they_clear(self, rest: Rest) -> None:
        campaign = await a_campaign(rest, frequencyCaps=[a_cap()])
        kept = (await get(rest, campaign))["frequencyCaps"]
        assert (await put(rest, campaign, name="Other"))["frequencyCaps"] == kept
        changed = await put(rest, campaign, frequencyCaps=[{"maxExposure": 5, "window": a_cap()["window"]}])
        assert [c["max_impressions"] for c in changed["frequencyCaps"]] == [5]
        assert "frequencyCaps" not in await put(rest, campaign, frequencyCaps=[])
        async with rest.world.work().reading() as tx:
            every = await tx.frequency_caps.of(Level.CAMPAIGN, campaign, archived=True)
        assert [c.cap.max_impressions for c in every] == [3, 5]
        assert all(c.archived_at is not None for c in every)

    async def test_an_edit_of_them_can_be_taken_back(self, rest: Rest) -> None:
        campaign = await a_campaign(rest, frequencyCaps=[a_cap()])
        await put(rest, campaign, frequencyCaps=[a_cap(7)])
        await take_back(rest, campaignId=campaign)
        assert [c["max_impressions"] for c in (await get(rest, campaign))["frequencyCaps"]] == [3]

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"max_impressions": 0, "window": {"interval": 1, "unit": "days"}}, "frequencyCaps[0].max_impressions"),
            ({"window": {"interval": 1, "unit": "days"}}, "frequencyCaps[0].max_impressions"),
            (a_cap(1, 0), "frequencyCaps[0].window.interval"),
            (a_cap(1, 1, "months"), "frequencyCaps[0].window.unit"),
            ({"max_impressions": 1}, "frequencyCaps[0].window"),
        ],
    )
    async def test_what_is_wrong_is_named(self, rest: Rest, wrong: Body, field: str) -> None:
        advertiser = await an_advertiser(rest)
        campaign = await a_campaign(rest, advertiser=advertiser)
        for answer in (
            await rest.admin.post("/campaigns", json=a_body(advertiser, frequencyCaps=[wrong])),
            await rest.admin.put(f"/campaigns/{campaign}", json={"frequencyCaps": [wrong]}),
            await rest.admin.put(f"/advertisers/{advertiser}", json={"frequencyCaps": [wrong]}),
        ):
            error = refused(answer, 400, "VALIDATION_ERROR")
            assert error["field"].replace("maxExposure", "max_impressions") == field

    async def test_the_tightest_of_both_levels_goes_to_a_seller_that_can_cap(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        made = {"name": "Acme", "brand": "acme.example", "frequencyCaps": [a_cap(2)]}
        advertiser = ok(await rest.admin.post("/advertisers", json=made), 201)
        assert advertiser["frequencyCaps"][0]["targetLevel"] == "ADVERTISER"
        campaign = await a_campaign(
            rest, [await reach(rest, north)], advertiser=advertiser["id"], flightDates=LATER, frequencyCaps=[a_cap(9)]
        )
        assert await the_targeting(rest, north, campaign) == {
            "frequency_cap": {"max_impressions": 2, "per": "households", "window": {"interval": 1, "unit": "days"}}
        }
        (buy,) = await stored_buys(rest, campaign)
        change = {"packageId": buy.packages[0].package_id, "targetingOverlay": {"audience_include": ["runners"]}}
        await put(rest, campaign, mediaBuys=[{"mediaBuyId": buy.id, "packages": [change]}])
        (theirs,) = [b for b in await north.buys() if b["context"]["media_buy_id"] == buy.id]
        assert set(theirs["packages"][0]["targeting_overlay"]) == {"audience_include", "frequency_cap"}
        answer = await rest.admin.put(f"/campaigns/{campaign}", json={"frequencyCaps": [a_cap(1)]})
        assert "keep what they were sent" in ok(answer)["warnings"][0]

    async def test_they_are_advice_at_a_seller_that_cannot(self, rest: Rest, north: SandboxHandle) -> None:
        wanted = await reach(rest, north)
        async with rest.world.work().writing() as tx:
            (shop,) = await tx.storefronts.by_ids([wanted.seller.storefront_id])
            (source,) = shop.sources
            assert source.profile is not None
            await tx.storefronts.save_source(replace(source, profile=replace(source.profile, capabilities={})))
        advertiser = await an_advertiser(rest)
        campaign = await a_campaign(rest, [wanted], advertiser=advertiser, flightDates=LATER)
        answer = await rest.admin.put(f"/campaigns/{campaign}", json={"frequencyCaps": [a_cap(1)]})
        assert "are advice only at" in ok(answer)["warnings"][0]
        assert await the_targeting(rest, north, campaign) is None


class TestUTM:
    async def test_an_advertiser_has_the_servers_parameters_until_it_sets_its_own(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        shown = ok(await rest.member.get(f"/advertisers/{advertiser}"))["utmConfig"]
        assert shown[:3] == [
            {"paramKey": "utm_source", "paramValue": "buyside", "source": "advertiser"},
            {"paramKey": "utm_medium", "paramValue": "agentic", "source": "advertiser"},
            {"paramKey": "utm_campaign", "paramValue": "{CAMPAIGN_ID}", "source": "advertiser"},
        ]
        path = f"/advertisers/{advertiser}"
        changed = ok(await rest.member.put(path, json={"utmConfig": params(utm_source="acme")}))["utmConfig"]
        assert changed == [{"paramKey": "utm_source", "paramValue": "acme", "source": "advertiser"}]
        assert "utmConfig" not in ok(await rest.member.put(path, json={"utmConfig": []}))
        await take_back(rest, subjectId=advertiser, subjectType="advertiser")
        assert ok(await rest.member.get(path))["utmConfig"] == changed

    async def test_a_campaigns_are_added_key_by_key_or_replaced(self, rest: Rest) -> None:
        campaign = await a_campaign(rest, utmConfig={"params": params(a="1", b="2")})
        assert "utmConfig" not in await get(rest, campaign)

        async def stored() -> dict[str, str]:
            async with rest.world.work().reading() as tx:
                return {p.key: p.value for p in (await tx.campaigns.get(CampaignId(campaign))).spec.utm_params}

        assert await stored() == {"a": "1", "b": "2"}
        await put(rest, campaign, utmConfig={"params": params(b="3", c="4")})
        assert await stored() == {"a": "1", "b": "3", "c": "4"}
        await put(rest, campaign, utmConfig={"params": params(d="5"), "deleteMissing": True})
        assert await stored() == {"d": "5"}
        await put(rest, campaign, utmConfig={"params": [], "deleteMissing": True})
        assert await stored() == {}
        await take_back(rest, campaignId=campaign)
        assert await stored() == {"d": "5"}

    async def test_their_limits_are_named(self, rest: Rest) -> None:
        many = [{"paramKey": f"k{i}", "paramValue": "v"} for i in range(20)]
        campaign = await a_campaign(rest, utmConfig={"params": many})
        one_more = {"params": params(other="v")}
        answer = await rest.admin.put(f"/campaigns/{campaign}", json={"utmConfig": one_more})
        refused(answer, 400, "VALIDATION_ERROR", "utmConfig.params")
        twice = [*params(a="1"), *params(a="2")]
        for wrong, field in (
            ([*many, *params(x="y")], "params"),
            (twice, "params[1].paramKey"),
            (params(**{"no spaces": "x"}), "params[0].paramKey"),
            (params(a=""), "params[0].paramValue"),
            (params(a="x" * 201), "params[0].paramValue"),
            ([{"paramKey": "a"}], "params[0].paramValue"),
        ):
            answer = await rest.admin.put(f"/campaigns/{campaign}", json={"utmConfig": {"params": wrong}})
            refused(answer, 400, "VALIDATION_ERROR", f"utmConfig.{field}")
            advertiser = await an_advertiser(rest)
            answer = await rest.admin.put(f"/advertisers/{advertiser}", json={"utmConfig": wrong})
            refused(answer, 400, "VALIDATION_ERROR", f"utmConfig{field.removeprefix('params')}")


EVENT = {
    "kind": "event",
    "eventSources": [
        {
            "eventSourceId": "pixel",
            "eventType": "custom",
            "customEventName": "signed",
            "valueField": "value",
            "valueFactor": 1,
        }
    ],
    "target": {"kind": "cost_per", "value": 25},
    "attributionWindow": {
        "postClick": {"interval": 7, "unit": "days"},
        "postView": {"interval": 1, "unit": "days"},
    },
    "priority": 1,
}
METRIC = {"kind": "metric", "metric": "completed_views", "viewDurationSeconds": 15, "priority": 2}
AS_ADCP = [
    {
        "kind": "event",
        "event_sources": [
            {
                "event_source_id": "pixel",
                "event_type": "custom",
                "custom_event_name": "signed",
                "value_field": "value",
                "value_factor": 1,
            }
        ],
        "target": {"kind": "cost_per", "value": 25},
        "attribution_window": {
            "post_click": {"interval": 7, "unit": "days"},
            "post_view": {"interval": 1, "unit": "days"},
        },
        "priority": 1,
    },
    {"kind": "metric", "metric": "completed_views", "view_duration_seconds": 15, "priority": 2},
]


class TestGoals:
    async def test_they_are_copied_to_the_buys_and_to_every_package(self, rest: Rest, north: SandboxHandle) -> None:
        goals = {"optimizationGoals": [EVENT, METRIC]}
        campaign = await a_campaign(rest, [await reach(rest, north)], flightDates=LATER, performanceConfig=goals)
        shown = await get(rest, campaign)
        assert shown["performanceConfig"] == goals
        assert shown["mediaBuys"][0]["optimizationGoals"] == AS_ADCP
        await the_targeting(rest, north, campaign)
        (buy,) = await stored_buys(rest, campaign)
        (theirs,) = [b for b in await north.buys() if b["context"]["media_buy_id"] == buy.id]
        assert theirs["packages"][0]["optimization_goals"] == AS_ADCP
        assert ok(await rest.admin.get(f"/media-buys/{buy.id}"))["mediaBuy"]["optimizationGoals"] == AS_ADCP

    async def test_a_draft_follows_its_campaign_and_one_with_goals_of_its_own_does_not(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        here = await reach(rest, north, budget=Decimal(100))
        campaign = await a_campaign(rest, [here], performanceConfig={"optimizationGoals": [EVENT]})
        changed = await put(rest, campaign, performanceConfig={"optimizationGoals": [METRIC]})
        assert changed["mediaBuys"][0]["optimizationGoals"] == AS_ADCP[1:]
        (buy,) = await stored_buys(rest, campaign)
        work = rest.world.work()
        async with work.writing() as tx:
            await tx.media_buys.save(replace(buy, goals=()), work.now())
        assert "optimizationGoals" not in (await put(rest, campaign, performanceConfig=None))["mediaBuys"][0]

    async def test_who_applies_suggestions_is_the_advertisers_choice_unless_the_campaign_says(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        campaign = await a_campaign(rest, advertiser=advertiser)
        assert (await get(rest, campaign))["optimizationApplyMode"] == "MANUAL"
        ok(await rest.admin.put(f"/advertisers/{advertiser}", json={"optimizationApplyMode": "AUTO"}))
        assert (await get(rest, campaign))["optimizationApplyMode"] == "AUTO"
        assert (await put(rest, campaign, optimizationApplyMode="MANUAL"))["optimizationApplyMode"] == "MANUAL"
        await take_back(rest, campaignId=campaign)
        assert (await get(rest, campaign))["optimizationApplyMode"] == "AUTO"


async def test_fees_are_set_at_once_by_an_admin_only_and_a_unit_fee_takes_nothing_yet(rest: Rest) -> None:
    fees = [
        {"label": "Service", "pricingType": "MARGIN", "marginPercent": 10},
        {"label": "Serving", "pricingType": "UNIT", "unit": "CPM", "unitPrice": 0.25},
    ]
    body = {"name": "Acme", "brand": "acme.example", "primaryCurrency": "USD", "fees": fees}
    refused(await rest.member.post("/advertisers", json=body), 403, "FORBIDDEN")
    made = ok(await rest.admin.post("/advertisers", json=body), 201)
    assert made["fees"] == fees
    refused(await rest.member.put(f"/advertisers/{made['id']}", json={"fees": []}), 403, "FORBIDDEN")
    shown = await get(rest, await a_campaign(rest, advertiser=made["id"]))
    assert [(f["label"], f["amount"]) for f in shown["fees"]] == [("Service", 100), ("Serving", 0)]
    assert shown["mediaBudget"]["total"] == 900
    async with rest.world.work().reading() as tx:
        assert (await tx.advertisers.get(AdvertiserId(int(made["id"])))).spec.fees is not None
