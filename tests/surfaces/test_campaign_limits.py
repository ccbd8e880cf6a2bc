"""Every length, count and range of a campaign's fields, refused with its name; lists and names that it shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from buyside.bootstrap import metros
from buyside.bootstrap.composition import CannotStart, policy
from buyside.settings import Settings
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import (
    Body,
    a_body,
    a_campaign,
    a_live_campaign,
    an_advertiser,
    at,
    get,
    ok,
    refused,
    stored_buys,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS: list[tuple[Body, str]] = [
    ({"name": ""}, "name"),
    ({"name": "x" * 256}, "name"),
    ({"brief": "x" * 5001}, "brief"),
    ({"flightDates": {"startDate": at(days=3), "endDate": at(days=2)}}, "flightDates.endDate"),
    ({"flightDates": {"startDate": "soon", "endDate": at(days=2)}}, "flightDates.startDate"),
    ({"budget": {"total": 0}}, "budget.total"),
    ({"budget": {"total": 1.001}}, "budget.total"),
    ({"budget": {"total": 10, "dailyCap": 0}}, "budget.dailyCap"),
    ({"budget": {"total": 10, "pacing": "SLOW"}}, "budget.pacing"),
    ({"budget": {"total": 10, "currency": "DOLLARS"}}, "budget.currency"),
    ({"budget": {"total": 10, "currency": "EUR"}}, "budget.currency"),
    ({"storefrontIds": list(range(1, 52))}, "storefrontIds"),
    ({"storefrontIds": [0]}, "storefrontIds[0]"),
    ({"storefrontIds": [2**53]}, "storefrontIds[0]"),
    ({"storefrontIds": [999_999_999]}, "storefrontIds[0]"),
    ({"discoveryId": ""}, "discoveryId"),
    ({"catalogId": 2**53}, "catalogId"),
    ({"optimizationApplyMode": "SOMETIMES"}, "optimizationApplyMode"),
    ({"mode": "loud"}, "mode"),
    ({"constraints": {"countries": ["usa"]}}, "constraints.countries[0]"),
    ({"constraints": {"countries": ["US"] * 251}}, "constraints.countries"),
    ({"constraints": {"geo_countries": ["us"]}}, "constraints.geo_countries[0]"),
    ({"constraints": {"geo_countries_exclude": ["USA"]}}, "constraints.geo_countries_exclude[0]"),
    ({"constraints": {"geo_regions": ["California"]}}, "constraints.geo_regions[0]"),
    ({"constraints": {"geo_regions_exclude": ["US-"]}}, "constraints.geo_regions_exclude[0]"),
    ({"constraints": {"geo_metros": [{"system": "dma", "values": ["1"]}]}}, "constraints.geo_metros[0].system"),
    ({"constraints": {"geo_metros": [{"system": "custom"}]}}, "constraints.geo_metros[0].values"),
    (
        {"constraints": {"geo_metros_exclude": [{"system": "custom", "values": [501]}]}},
        "constraints.geo_metros_exclude[0].values[0]",
    ),
    (
        {"constraints": {"geo_postal_areas": [{"country": "US", "system": "post", "values": ["1"]}]}},
        "constraints.geo_postal_areas[0].system",
    ),
    (
        {"constraints": {"geo_postal_areas": [{"system": "zip", "values": ["1"]}]}},
        "constraints.geo_postal_areas[0].country",
    ),
    (
        {"constraints": {"geo_postal_areas_exclude": [{"country": "de", "system": "plz", "values": ["1"]}]}},
        "constraints.geo_postal_areas_exclude[0].country",
    ),
    ({"constraints": {"language": ["english"]}}, "constraints.language[0]"),
    ({"constraints": {"device_platform": ["beos"]}}, "constraints.device_platform[0]"),
    ({"constraints": {"device_type": ["watch"]}}, "constraints.device_type[0]"),
    ({"constraints": {"device_type_exclude": ["watch"]}}, "constraints.device_type_exclude[0]"),
    ({"constraints": {"channels": [""]}}, "constraints.channels[0]"),
    ({"performanceConfig": {"optimizationGoals": []}}, "performanceConfig.optimizationGoals"),
    (
        {"performanceConfig": {"optimizationGoals": [{"kind": "metric", "metric": "joy"}]}},
        "performanceConfig.optimizationGoals[0].metric",
    ),
    (
        {"performanceConfig": {"optimizationGoals": [{"kind": "metric", "metric": "clicks", "priority": 0}]}},
        "performanceConfig.optimizationGoals[0].priority",
    ),
    (
        {"performanceConfig": {"optimizationGoals": [{"kind": "event", "eventSources": []}]}},
        "performanceConfig.optimizationGoals[0].eventSources",
    ),
]


@pytest.mark.parametrize(("wrong", "field"), LIMITS, ids=[field for _, field in LIMITS])
async def test_what_is_out_of_bounds_is_named_on_create_and_on_update(rest: Rest, wrong: Body, field: str) -> None:
    advertiser = await an_advertiser(rest)
    campaign = await a_campaign(rest, advertiser=advertiser)
    for answer in (
        await rest.admin.post("/campaigns", json=a_body(advertiser) | wrong),
        await rest.admin.put(f"/campaigns/{campaign}", json=wrong),
    ):
        assert answer.status_code == 400, answer.text
        error = answer.json()["error"]
        assert error["code"] in {"VALIDATION_ERROR", "CURRENCY_MISMATCH"}
        assert error["field"] == field
    assert (await get(rest, campaign))["revision"] == 1


async def test_every_system_of_places_goes_to_the_seller_as_it_was_given(rest: Rest, north: SandboxHandle) -> None:
    wanted = {
        "geo_countries": ["US", "GB"],
        "geo_countries_exclude": ["FR"],
        "geo_regions": ["US-CA"],
        "geo_regions_exclude": ["US-NY"],
        "geo_metros": [{"system": "nielsen_dma", "values": ["501"]}, {"system": "uk_itl1", "values": ["C"]}],
        "geo_metros_exclude": [{"system": "eurostat_nuts2", "values": ["DE30"]}],
        "geo_postal_areas": [{"country": "US", "system": "zip", "values": ["94105"]}],
        "geo_postal_areas_exclude": [{"system": "gb_outward", "values": ["SW1"]}],
        "language": ["en"],
        "device_platform": ["ios"],
        "device_type": ["mobile", "ctv"],
        "device_type_exclude": ["dooh"],
    }
    campaign, _ = await a_live_campaign(rest, north, constraints={**wanted, "channels": ["display"]})
    (buy,) = await stored_buys(rest, campaign)
    (theirs,) = [b for b in await north.buys() if b["context"]["media_buy_id"] == buy.id]
    assert theirs["packages"][0]["targeting_overlay"] == wanted


class TestPropertyLists:
    async def test_what_packages_carry_is_shown_when_asked(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy_id = await a_live_campaign(rest, north)
        path = f"/campaigns/{campaign}"
        none: Body = {"propertyLists": [], "summary": {"totalLists": 0, "includeCount": 0, "excludeCount": 0}}
        assert "propertyLists" not in await get(rest, campaign)
        assert ok(await rest.member.get(f"{path}?includePropertyLists=true"))["campaign"]["propertyLists"] == none
        (buy,) = await stored_buys(rest, campaign)
        work = rest.world.work()
        reference = {"property_list": {"agent_url": "https://lists.example", "list_id": "safe"}}
        async with work.writing() as tx:
            listed = tuple(replace(p, targeting=reference) for p in buy.packages)
            await tx.media_buys.save(replace(buy, packages=listed), work.now())
        shown = ok(await rest.member.get(f"{path}?includePropertyLists=true"))["campaign"]["propertyLists"]
        (entry,) = shown["propertyLists"]
        assert (entry["listId"], entry["name"], entry["purpose"], entry["propertyCount"]) == (
            "safe", "safe", "include", 0
        )  # fmt: skip
        assert entry["viaMediaBuys"] == [{"mediaBuyId": buy_id, "packageIds": [buy.packages[0].package_id]}]
        assert shown["summary"] == {"totalLists": 1, "includeCount": 1, "excludeCount": 0}
        assert ok(await rest.member.get(f"{path}/property-lists")) == {"campaignId": campaign, **shown}
        assert "propertyLists" not in ok(await rest.member.get(f"{path}?includePropertyLists=false"))["campaign"]

    async def test_a_campaign_that_nobody_has_carries_none(self, rest: Rest) -> None:
        refused(await rest.admin.get("/campaigns/cmp_1/property-lists"), 404, "NOT_FOUND")
        campaign = await a_campaign(rest)
        refused(await rest.stranger.get(f"/campaigns/{campaign}/property-lists"), 404, "NOT_FOUND")
        assert ok(await rest.member.get(f"/campaigns/{campaign}/property-lists"))["propertyLists"] == []


class TestMetroNames:
    async def test_they_are_shown_when_asked_and_codes_stand_for_names(
        self, rest: Rest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limits = {
            "geo_metros": [{"system": "nielsen_dma", "values": ["501", "803"]}],
            "geo_metros_exclude": [{"system": "custom", "values": ["x"]}],
        }
        campaign = await a_campaign(rest, constraints=limits)
        assert (await get(rest, campaign))["constraints"] == limits
        known = replace(rest.world.runtime.policy, metro_names={"nielsen_dma": {"501": "New York"}})
        monkeypatch.setattr(rest.world.runtime, "policy", known)
        named: dict[str, Any] = {
            "geo_metro_names": [
                {
                    "system": "nielsen_dma",
                    "values": [{"code": "501", "name": "New York"}, {"code": "803", "name": "803"}],
                }
            ],
            "geo_metro_names_exclude": [{"system": "custom", "values": [{"code": "x", "name": "x"}]}],
        }
        shown = ok(await rest.member.get(f"/campaigns/{campaign}?fields=geo_metro_names"))["campaign"]
        assert shown["constraints"] == {**limits, **named}
        listed = ok(await rest.member.get("/campaigns?fields=geo_metro_names"))["campaigns"]
        assert next(c for c in listed if c["campaignId"] == campaign)["constraints"] == {**limits, **named}
        assert "geo_metro_names" not in ok(await rest.member.get("/campaigns"))["campaigns"][0]["constraints"]

    async def test_the_operator_names_them_in_a_file(self, tmp_path: Path) -> None:
        table, tree = tmp_path / "metros.csv", tmp_path / "metros.json"
        table.write_text('system,code,name\nnielsen_dma,501,"New York, NY"\n')
        tree.write_text('{"nielsen_dma": {"501": "New York, NY"}}')
        known = {"nielsen_dma": {"501": "New York, NY"}}
        assert metros.read(table) == metros.read(tree) == known
        assert policy(Settings(metro_names_file=tree)).metro_names == known
        table.write_text("code\n501\n")
        tree.write_text("[]")
        for wrong in (table, tree, tmp_path / "missing.json"):
            with pytest.raises(CannotStart, match="BUYSIDE_METRO_NAMES_FILE"):
                policy(Settings(metro_names_file=wrong))
