"""Two campaigns, one DRAFT and one live, that together show what the documents of the API print of a campaign."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from buyside.domain.data_delivery import Destination
from tests.builders import Wanted
from tests.documented import CAMPAIGN, kinds, seen
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import LANDING, TAG, Body, a_body, a_session, an_advertiser, at, get, ok, reach
from tests.surfaces.test_pointing import a_catalog, a_credential, an_audience

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIDEO = {"agent_url": TAG["agent_url"], "id": "video_vast"}
CONSTRAINTS = {
    "geo_countries": ["US", "CA"],
    "geo_countries_exclude": ["MX"],
    "geo_regions": ["US-NY"],
    "geo_regions_exclude": ["US-NJ"],
    "geo_metros": [{"system": "nielsen_dma", "values": ["501"]}],
    "geo_metros_exclude": [{"system": "nielsen_dma", "values": ["803"]}],
    "geo_postal_areas": [{"country": "US", "system": "zip", "values": ["10001"]}],
    "geo_postal_areas_exclude": [{"country": "US", "system": "zip", "values": ["10002"]}],
    "language": ["en"],
    "device_platform": ["ios"],
    "device_type": ["desktop", "mobile"],
    "device_type_exclude": ["ctv"],
    "channels": ["display"],
    "countries": ["US"],
}
EVENT_GOAL = {
    "kind": "event",
    "eventSources": [
        {
            "eventSourceId": "website_pixel",
            "eventType": "custom",
            "customEventName": "signup",
            "valueField": "value",
            "valueFactor": 0.5,
        }
    ],
    "target": {"kind": "cost_per", "value": 25},
    "attributionWindow": {
        "postClick": {"interval": 7, "unit": "days"},
        "postView": {"interval": 1, "unit": "days"},
    },
    "priority": 1,
}
REACH_GOAL = {
    "kind": "metric",
    "metric": "reach",
    "reach_unit": "individuals",
    "target_frequency": {"window": {"interval": 7, "unit": "days"}, "min": 2, "max": 5},
    "priority": 2,
}
VIEWS_GOAL = {
    "kind": "metric",
    "metric": "completed_views",
    "view_duration_seconds": 6,
    "target": {"kind": "cost_per", "value": 0.05},
    "priority": 1,
}
FEES = [
    {"label": "Service", "pricingType": "MARGIN", "marginPercent": 10},
    {"label": "Verification", "pricingType": "UNIT", "unit": "CPM", "unitPrice": 0.05},
]
WAITS_FOR_LISTS = ("propertyLists",)
"""Property lists are resources of their own, and not there yet."""


async def _put(rest: Rest, campaign: str, **changes: Any) -> Body:
    answer: httpx.Response = await rest.admin.put(f"/campaigns/{campaign}", json=changes)
    shown: Body = ok(answer)["campaign"]
    return shown


def _periods(first: int = 1) -> Body:
    day = [at(days=first + n)[:10] for n in (0, 4, 5, 11)]
    return {
        "mode": "weight",
        "periods": [
            {"label": "Launch", "start": day[0], "end": day[1], "weight": 2},
            {"label": "Run", "start": day[2], "end": day[3], "weight": 1},
        ],
    }


async def _output(rest: Rest, advertiser: str) -> Body:
    await a_credential(rest, advertiser, "lake", Destination.S3)
    return {
        "dataDeliveryType": "MB_DELIVERY",
        "cadence": "WEEKLY",
        "syncWeeklyDay": 1,
        "credentialName": "lake",
        "deliveryConfig": {"type": "S3", "pathPrefix": "{YYYY}/", "format": "CSV"},
    }


async def _draft(rest: Rest, handle: Any, advertiser: str) -> Body:
    """A DRAFT that has everything a campaign can have before it is executed."""
    product = await reach(rest, handle)
    session = await a_session(rest, advertiser, [product])
    body = a_body(advertiser, mode="performance", performanceConfig={"optimizationGoals": [EVENT_GOAL]})
    campaign = ok(await rest.admin.post("/campaigns", json=body), 201)["campaign"]["campaignId"]
    creative = {"name": "Banner", "format_id": TAG, "url_asset": LANDING}
    ok(await rest.admin.post(f"/campaigns/{campaign}/creatives/create", json=creative), 201)
    changed = await _put(
        rest,
        campaign,
        name="Summer, all of it",
        brief="Trail shoes for women who run before work.",
        flightDates={"startDate": at(hours=1), "endDate": at(days=30)},
        budget={"total": 5000, "dailyCap": 400, "pacing": "EVEN"},
        optimizationApplyMode="AUTO",
        constraints=CONSTRAINTS,
        storefrontIds=[product.seller.storefront_id],
        pacingPeriods=_periods(),
        frequencyCaps=[{"max_impressions": 3, "window": {"interval": 1, "unit": "days"}}],
        discoveryId=session,
        audienceConfig={"targetAudienceIds": [await an_audience(rest, advertiser, "runners")]},
        catalogId=await a_catalog(rest, advertiser),
        utmConfig={"params": [{"paramKey": "utm_term", "paramValue": "shoes"}]},
        dataDelivery={"outputs": [await _output(rest, advertiser)]},
    )
    assert changed == await get(rest, campaign)
    return changed


async def _live(rest: Rest, handle: Any, advertiser: str) -> Body:
    """A campaign that has run for a day: a fixed price and an auction, goals and periods of the buy's own."""
    fixed = await reach(rest, handle)
    auction = Wanted(fixed.seller, handle.product_id("ctv_auction"), bid=Decimal(15))
    session = await a_session(rest, advertiser, [fixed, auction])
    body = a_body(advertiser, discoveryId=session, budget={"total": 3000, "pacing": "EVEN"})
    made = ok(await rest.admin.post("/campaigns", json=body), 201)["campaign"]
    campaign, buy = made["campaignId"], made["mediaBuyRefs"][0]["mediaBuyId"]
    entry = {"mediaBuyId": buy, "optimization_goals": [VIEWS_GOAL, REACH_GOAL], "pacingPeriods": _periods(0)}
    await _put(rest, campaign, mediaBuys=[entry])
    for each in (TAG, VIDEO):
        creative = {"name": each["id"], "format_id": each, "url_asset": LANDING}
        ok(await rest.admin.post(f"/campaigns/{campaign}/creatives/create", json=creative), 201)
    assert ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))["success"]
    await handle.advance(days=1)
    ok(await rest.admin.get(f"/media-buys/{buy}/packages"))
    changed = await _put(rest, campaign, name="Autumn")
    shown = await get(rest, campaign)
    assert changed == shown
    return shown


async def test_a_draft_and_a_live_campaign_show_all_that_is_documented(rest: Rest, north: Any) -> None:
    advertiser = await an_advertiser(rest)
    ok(await rest.admin.put(f"/advertisers/{advertiser}", json={"fees": FEES}))
    draft = await _draft(rest, north, advertiser)
    live = await _live(rest, north, advertiser)
    found = {path for shown in (draft, live) for path, _ in seen(shown, CAMPAIGN)}
    assert draft["status"] == "DRAFT"
    merged = {name: value for name, value in CONSTRAINTS.items() if name != "countries"}
    assert {name: draft["constraints"][name] for name in merged} == merged
    assert draft["performanceConfig"] == {"optimizationGoals": [EVENT_GOAL]}
    assert draft["budget"] == {"total": 5000, "currency": "USD", "dailyCap": 400, "pacing": "EVEN"}
    assert (draft["fees"][0]["amount"], draft["mediaBudget"]["total"]) == (500, 4500)
    assert draft["allocatedBudget"] + draft["unallocatedBudget"] == 4500
    assert [buy["optimizationGoals"] for buy in live["mediaBuys"]] == [[VIEWS_GOAL, REACH_GOAL]]
    (held,) = await north.buys()
    spent = sum(package["delivery"]["spend"] for package in live["mediaBuys"][0]["packages"])
    assert 0 < spent == pytest.approx(live["mediaBuys"][0]["performance"]["spend"])
    assert {p["packageId"] for p in live["mediaBuys"][0]["packages"]} == {p["package_id"] for p in held["packages"]}
    assert {buy["status"] for buy in live["mediaBuyRefs"]} == {"ACTIVE"}
    missing = [p for p, _ in kinds(CAMPAIGN) if p not in found and not p.startswith(WAITS_FOR_LISTS)]
    assert not missing, "\n".join(missing)
