"""What a campaign points to: audiences, a catalog, data deliveries (interchange.md 2.1, 2.9, 2.12)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from buyside.domain.audiences import Audience, Status
from buyside.domain.data_delivery import Credential, Destination
from buyside.domain.ids import AdvertiserId, CampaignId
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import Body, a_body, a_campaign, an_advertiser, get, ok, put, refused
from tests.surfaces.test_caps_and_goals import take_back

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def an_audience(rest: Rest, advertiser: str, name: str, status: Status = Status.READY) -> str:
    work = rest.world.work()
    async with work.writing() as tx:
        now = work.now()
        await tx.audiences.add(Audience(name, AdvertiserId(int(advertiser)), name.title(), status, now, now))
    return name


async def a_catalog(rest: Rest, advertiser: str) -> int:
    work = rest.world.work()
    async with work.writing() as tx:
        return await tx.catalogs.add(AdvertiserId(int(advertiser)), "shoes", work.now())


async def a_credential(rest: Rest, advertiser: str, name: str = "lake", kind: Destination = Destination.GCS) -> int:
    work = rest.world.work()
    async with work.writing() as tx:
        now = work.now()
        made = await tx.data_delivery.add(Credential(0, AdvertiserId(int(advertiser)), name, kind, now, now))
    return made.id


def linked(campaign: Body) -> list[tuple[str, str]]:
    return [(each["audienceId"], each["type"]) for each in campaign.get("audiences", [])]


def an_output(kind: str = "IMPRESSIONS", credential: str = "lake", **more: Any) -> Body:
    given: Body = {"dataDeliveryType": kind, "cadence": "DAILY", "credentialName": credential}
    return {**given, "deliveryConfig": {"type": "GCS"}, **more}


class TestAudiences:
    async def test_they_are_shown_as_they_stand(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        await an_audience(rest, advertiser, "runners")
        await an_audience(rest, advertiser, "buyers", Status.PROCESSING)
        wanted = {"targetAudienceIds": ["runners"], "suppressAudienceIds": ["buyers"]}
        campaign = await get(rest, await a_campaign(rest, advertiser=advertiser, audienceConfig=wanted))
        assert campaign["audiences"] == [
            {
                "audienceId": "runners",
                "name": "Runners",
                "status": "READY",
                "type": "TARGET",
                "enabledAt": campaign["audiences"][0]["enabledAt"],
            },
            {
                "audienceId": "buyers",
                "name": "Buyers",
                "status": "PROCESSING",
                "type": "SUPPRESS",
                "enabledAt": campaign["audiences"][1]["enabledAt"],
            },
        ]
        assert datetime.fromisoformat(campaign["audiences"][0]["enabledAt"]).tzinfo is not None

    async def test_they_are_added_unless_they_replace(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        for name in "abc":
            await an_audience(rest, advertiser, name)
        campaign = await a_campaign(rest, advertiser=advertiser, audienceConfig={"targetAudienceIds": ["a"]})

        async def after(**config: Any) -> list[tuple[str, str]]:
            return linked(await put(rest, campaign, audienceConfig=config))

        assert await after(targetAudienceIds=["b"], suppressAudienceIds=["c"]) == [
            ("a", "TARGET"), ("b", "TARGET"), ("c", "SUPPRESS")
        ]  # fmt: skip
        assert await after(suppressAudienceIds=["b"]) == [("a", "TARGET"), ("c", "SUPPRESS"), ("b", "SUPPRESS")]
        assert await after(targetAudienceIds=["a"], deleteMissing=True) == [("a", "TARGET")]
        assert await after(deleteMissing=True) == []
        await take_back(rest, campaignId=campaign)
        assert linked(await get(rest, campaign)) == [("a", "TARGET")]

    async def test_a_removed_link_stays_with_the_moment_it_ended(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        await an_audience(rest, advertiser, "a")
        campaign = await a_campaign(rest, advertiser=advertiser, audienceConfig={"targetAudienceIds": ["a"]})
        await put(rest, campaign, audienceConfig={"deleteMissing": True})
        async with rest.world.work().reading() as tx:
            (link,) = (await tx.campaigns.get(CampaignId(campaign))).spec.audiences
        assert not link.enabled
        assert link.enabled_at is not None
        assert link.disabled_at is not None
        again = await put(rest, campaign, audienceConfig={"targetAudienceIds": ["a"]})
        assert linked(again) == [("a", "TARGET")]

    @pytest.mark.parametrize(
        ("config", "field"),
        [
            ({"targetAudienceIds": ["a"], "suppressAudienceIds": ["a"]}, "audienceConfig.suppressAudienceIds[0]"),
            ({"targetAudienceIds": ["unknown"]}, "audienceConfig.targetAudienceIds"),
            ({"suppressAudienceIds": ["unknown"]}, "audienceConfig.suppressAudienceIds"),
            ({"targetAudienceIds": [""]}, "audienceConfig.targetAudienceIds[0]"),
            ({"targetAudienceIds": ["x"] * 101}, "audienceConfig.targetAudienceIds"),
            ({"suppressAudienceIds": ["x"] * 101}, "audienceConfig.suppressAudienceIds"),
        ],
    )
    async def test_what_is_wrong_is_named(self, rest: Rest, config: Body, field: str) -> None:
        advertiser = await an_advertiser(rest)
        await an_audience(rest, advertiser, "a")
        # Another advertiser's is as unknown as one that nobody has.
        await an_audience(rest, await an_advertiser(rest), "unknown")
        campaign = await a_campaign(rest, advertiser=advertiser)
        for answer in (
            await rest.admin.post("/campaigns", json=a_body(advertiser, audienceConfig=config)),
            await rest.admin.put(f"/campaigns/{campaign}", json={"audienceConfig": config}),
        ):
            error = refused(answer, 400, "VALIDATION_ERROR", field)
        if "unknown" in str(config):
            assert "There is no audience unknown." in error["message"]


class TestCatalog:
    async def test_one_is_attached_and_detached(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        first, second = await a_catalog(rest, advertiser), await a_catalog(rest, advertiser)
        campaign = await a_campaign(rest, advertiser=advertiser, catalogId=first)
        assert (await get(rest, campaign))["catalogId"] == first
        assert (await put(rest, campaign, catalogId=second))["catalogId"] == second
        assert "catalogId" not in await put(rest, campaign, catalogId=None)
        await take_back(rest, campaignId=campaign)
        assert (await get(rest, campaign))["catalogId"] == second

    async def test_it_must_be_the_advertisers(self, rest: Rest) -> None:
        theirs = await a_catalog(rest, await an_advertiser(rest))
        campaign = await a_campaign(rest)
        path = f"/campaigns/{campaign}"
        refused(await rest.admin.put(path, json={"catalogId": theirs}), 400, "VALIDATION_ERROR", "catalogId")
        refused(await rest.admin.put(path, json={"catalogId": 2**50}), 404, "NOT_FOUND", "catalogId")
        refused(await rest.admin.put(path, json={"catalogId": 0}), 400, "VALIDATION_ERROR", "catalogId")
        refused(await rest.admin.put(path, json={"catalogId": "4"}), 400, "VALIDATION_ERROR", "catalogId")
        body = a_body(await an_advertiser(rest), catalogId=theirs)
        refused(await rest.admin.post("/campaigns", json=body), 400, "VALIDATION_ERROR", "catalogId")
        refused(await rest.stranger.put(path, json={"catalogId": theirs}), 404, "NOT_FOUND")


class TestDataDelivery:
    async def test_a_campaigns_outputs_hide_its_advertisers_of_the_same_type(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        lake = await a_credential(rest, advertiser)
        await a_credential(rest, advertiser, "pond", Destination.S3)
        standing = {"outputs": [an_output("IMPRESSIONS"), an_output("CLICKS")]}
        shown = ok(await rest.member.put(f"/advertisers/{advertiser}", json={"dataDelivery": standing}))
        assert [(o["dataDeliveryType"], o["source"]) for o in shown["dataDelivery"]["outputs"]] == [
            ("IMPRESSIONS", "advertiser"), ("CLICKS", "advertiser")
        ]  # fmt: skip
        campaign = await a_campaign(rest, advertiser=advertiser)
        weekly = an_output(
            "CLICKS",
            "pond",
            cadence="WEEKLY",
            syncWeeklyDay=0,
            enabled=False,
            deliveryConfig={"type": "S3", "pathPrefix": "/lld/{YYYY}", "format": "CSV"},
        )
        found = (await put(rest, campaign, dataDelivery={"outputs": [weekly]}))["dataDelivery"]["outputs"]
        assert [(o["dataDeliveryType"], o["source"]) for o in found] == [
            ("CLICKS", "campaign"), ("IMPRESSIONS", "advertiser")
        ]  # fmt: skip
        assert {key: found[0][key] for key in weekly} == weekly
        assert found[0]["outputConfigId"].startswith("out_")
        assert found[1]["credentialId"] == str(lake)
        assert found[1]["deliveryConfig"] == {"type": "GCS", "pathPrefix": "", "format": "JSONL"}
        assert found[1]["enabled"] is True

    async def test_left_out_they_stay_given_they_replace_and_empty_they_clear(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        await a_credential(rest, advertiser)
        two = {"outputs": [an_output("CLICKS"), an_output("IMPRESSIONS")]}
        campaign = await a_campaign(rest, advertiser=advertiser, dataDelivery=two)
        before = (await get(rest, campaign))["dataDelivery"]["outputs"]
        assert (await put(rest, campaign, dataDelivery={}))["dataDelivery"]["outputs"] == before
        changed = {"outputs": [an_output("CLICKS"), an_output("IMPRESSIONS", cadence="HOURLY")]}
        after = (await put(rest, campaign, dataDelivery=changed))["dataDelivery"]["outputs"]
        assert after[0] == before[0]
        assert (after[1]["outputConfigId"], after[1]["cadence"]) == (before[1]["outputConfigId"], "HOURLY")
        assert after[1]["updatedAt"] > before[1]["updatedAt"]
        assert "dataDelivery" not in await put(rest, campaign, dataDelivery={"outputs": []})
        await take_back(rest, campaignId=campaign)
        assert (await get(rest, campaign))["dataDelivery"]["outputs"][0]["dataDeliveryType"] == "CLICKS"

    @pytest.mark.parametrize(
        ("output", "field"),
        [
            (an_output(cadence="WEEKLY"), "syncWeeklyDay"),
            (an_output(cadence="WEEKLY", syncWeeklyDay=7), "syncWeeklyDay"),
            (an_output(cadence="MONTHLY"), "cadence"),
            (an_output("PAGES"), "dataDeliveryType"),
            (an_output(credential="nobody"), "credentialName"),
            (an_output(credential="_lake"), "credentialName"),
            (an_output(credential="x" * 65), "credentialName"),
            (an_output(deliveryConfig={"type": "S3"}), "credentialName"),
            (an_output(deliveryConfig={"type": "LOCAL"}), "deliveryConfig.type"),
            (an_output(deliveryConfig={"type": "GCS", "format": "XML"}), "deliveryConfig.format"),
            (an_output(deliveryConfig={"type": "GCS", "pathPrefix": "x" * 1025}), "deliveryConfig.pathPrefix"),
            (an_output(enabled="yes"), "enabled"),
        ],
    )
    async def test_what_is_wrong_is_named(self, rest: Rest, output: Body, field: str) -> None:
        advertiser = await an_advertiser(rest)
        await a_credential(rest, advertiser)
        await a_credential(rest, await an_advertiser(rest), "nobody")
        campaign = await a_campaign(rest, advertiser=advertiser)
        for path in (f"/campaigns/{campaign}", f"/advertisers/{advertiser}"):
            answer = await rest.admin.put(path, json={"dataDelivery": {"outputs": [output]}})
            refused(answer, 400, "VALIDATION_ERROR", f"dataDelivery.outputs[0].{field}")

    async def test_there_is_one_of_a_type_and_credential_and_twenty_in_all(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        await a_credential(rest, advertiser)
        body = a_body(advertiser, dataDelivery={"outputs": [an_output(), an_output(cadence="HOURLY")]})
        answer = await rest.admin.post("/campaigns", json=body)
        refused(answer, 400, "VALIDATION_ERROR", "dataDelivery.outputs[1].credentialName")
        many = a_body(advertiser, dataDelivery={"outputs": [an_output()] * 21})
        refused(await rest.admin.post("/campaigns", json=many), 400, "VALIDATION_ERROR", "dataDelivery.outputs")

    async def test_a_new_advertiser_has_no_credentials_yet(self, rest: Rest) -> None:
        body = {"name": "Acme", "brand": "acme.example", "dataDelivery": {"outputs": [an_output()]}}
        answer = await rest.admin.post("/advertisers", json=body)
        refused(answer, 400, "VALIDATION_ERROR", "dataDelivery.outputs[0].credentialName")
