"""Creatives over REST: made, listed, read, and carried to sellers at execute (seed: create creative manifest)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from buyside.domain.campaigns import Status
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import LANDING, TAG, Body, a_banner, a_campaign, an_advertiser, force, get, ok, reach, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def create(rest: Rest, campaign: str, **body: Any) -> Body:
    return ok(await rest.member.post(f"/campaigns/{campaign}/creatives/create", json=body), 201)


class TestCreate:
    @pytest.mark.parametrize("content", [b"{}", b""])
    async def test_nothing_has_to_be_said(self, rest: Rest, content: bytes) -> None:
        campaign = await a_campaign(rest)
        path = f"/campaigns/{campaign}/creatives/create"
        shown = ok(await rest.admin.post(path, content=content, headers={"Content-Type": "application/json"}), 201)
        assert {"creative_id", "name", "assets", "campaign_id", "created_at", "updated_at"} <= set(shown)
        assert (shown["campaign_id"], shown["assets"]) == (campaign, [])
        assert shown["name"]
        assert "already_exists" not in shown

    async def test_a_creative_shows_what_it_was_given(self, rest: Rest, north: SandboxHandle) -> None:
        advertiser = await an_advertiser(rest)
        campaign = await a_campaign(rest, [await reach(rest, north)], advertiser=advertiser)
        shown = await create(
            rest,
            campaign,
            name="Banner",
            message="Run, not walk",
            format_id={**TAG, "width": 300, "height": 250},
            template_id="display_html",
            url_asset=LANDING,
            brandAgentId="ignored",
        )
        (asset,) = shown.pop("assets")
        targets = shown.pop("target_format_ids")
        assert shown == {
            "creative_id": shown["creative_id"],
            "name": "Banner",
            "campaign_id": campaign,
            "advertiser_id": advertiser,
            "message": "Run, not walk",
            "brand_domain": "northwind.example",
            "format_id": {**TAG, "width": 300, "height": 250},
            "template_id": "display_html",
            "sync_status": {"synced": False, "agent_count": 0},
            "created_at": shown["created_at"],
            "updated_at": shown["created_at"],
        }
        assert (asset["asset_type"], asset["public_url"]) == ("URL", LANDING["url"])
        assert TAG["id"] in {each["id"] for each in targets}
        path = f"/campaigns/{campaign}/creatives/{shown['creative_id']}"
        assert ok(await rest.admin.get(path)) == {**shown, "assets": [asset], "target_format_ids": targets}
        assert await north.calls("sync_creatives") == []

    async def test_a_name_that_was_given_is_kept_once(self, rest: Rest) -> None:
        campaign, other = await a_campaign(rest), await a_campaign(rest)
        first = await create(rest, campaign, name="Banner", message="one")
        again = await create(rest, campaign, name="Banner", message="two")
        assert (again.pop("already_exists"), again.pop("ignored_files")) == (True, 0)
        (warned,) = again.pop("warnings")
        assert "another message: what was sent was not stored" in warned
        assert again == first
        assert "warnings" not in await create(rest, campaign, name="Banner", message="one")
        assert (await create(rest, other, name="Banner"))["creative_id"] != first["creative_id"]

    async def test_names_given_at_once_make_one_creative(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        made = await asyncio.gather(*(create(rest, campaign, name="Banner") for _ in range(4)))
        assert len({each["creative_id"] for each in made}) == 1
        assert sum("already_exists" not in each for each in made) == 1

    async def test_a_name_that_was_made_is_no_other_creatives(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        await create(rest, campaign, name="Creative 2")
        made = await asyncio.gather(*(create(rest, campaign) for _ in range(3)))
        names = {each["name"] for each in made} | {"Creative 2"}
        assert len(names) == 4

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "x" * 256}, "name"),
            ({"name": None}, "name"),
            ({"message": ""}, "message"),
            ({"message": "x" * 5001}, "message"),
            ({"url_asset": {"url": "https://a.example"}}, "url_asset.url_type"),
            ({"url_asset": {"url": "ftp://a.example", "url_type": "vast"}}, "url_asset.url"),
            ({"url_asset": {"url": "javascript:alert(1)", "url_type": "clickthrough"}}, "url_asset.url"),
            ({"url_asset": {"url": "https://a.example", "url_type": "banner"}}, "url_asset.url_type"),
            ({"format_id": {"id": "display"}}, "format_id.agent_url"),
            ({"format_id": {"agent_url": "https://a.example", "id": "a b"}}, "format_id.id"),
            ({"format_id": {**TAG, "width": 0}}, "format_id.width"),
            ({"template_id": ""}, "template_id"),
        ],
    )
    async def test_what_is_out_of_bounds_is_named(self, rest: Rest, changes: Body, field: str) -> None:
        campaign = await a_campaign(rest)
        response = await rest.admin.post(f"/campaigns/{campaign}/creatives/create", json=changes)
        refused(response, 400, "VALIDATION_ERROR", field)
        assert ok(await rest.admin.get(f"/campaigns/{campaign}/creatives"))["total"] == 0

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("webhook_asset", {"url": "https://a.example", "response_type": "html"}),
            ("assets", [{"filename": "a.png"}]),
            ("frequencyCaps", [{"max_impressions": 1, "window": {"interval": 1, "unit": "days"}}]),
            ("format_kind", "image"),
            ("text_assets", [{"asset_id": "headline", "content": "Hello"}]),
            ("cards", [{}, {}]),
        ],
    )
    async def test_a_field_that_is_not_supported_yet_is_named(self, rest: Rest, field: str, value: object) -> None:
        campaign = await a_campaign(rest)
        response = await rest.admin.post(f"/campaigns/{campaign}/creatives/create", json={field: value})
        refused(response, 501, "NOT_IMPLEMENTED", field)

    async def test_files_are_not_supported_yet(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        files = {"files": ("a.png", b"\x89PNG", "image/png")}
        response = await rest.admin.post(f"/campaigns/{campaign}/creatives/create", files=files)
        refused(response, 501, "NOT_IMPLEMENTED")

    async def test_the_campaign_has_to_be_there_and_not_over(self, rest: Rest) -> None:
        refused(await rest.admin.post("/campaigns/cmp_1/creatives/create", json={}), 404, "NOT_FOUND")
        for status in (Status.COMPLETED, Status.CANCELED, Status.ARCHIVED):
            campaign = await a_campaign(rest)
            await force(rest.world, campaign, status)
            response = await rest.admin.post(f"/campaigns/{campaign}/creatives/create", json={})
            refused(response, 400, "VALIDATION_ERROR")


class TestList:
    async def test_creatives_are_listed_in_pages_without_their_assets(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        for name in ("Leader 1", "Banner 1", "Banner 2"):
            await create(rest, campaign, name=name, url_asset=LANDING)
        path = f"/campaigns/{campaign}/creatives"
        whole = ok(await rest.admin.get(path, headers={"X-Envelope": "wrapped"}))
        assert whole["meta"]["pagination"] == {"skip": 0, "take": 50, "total": 3, "hasMore": False}
        assert [each["name"] for each in whole["data"]["manifests"]] == ["Leader 1", "Banner 1", "Banner 2"]
        first = whole["data"]["manifests"][0]
        assert (first["asset_count"], first["primary_asset_type"], "assets" in first) == (1, "URL", False)
        page = ok(await rest.admin.get(path, params={"take": 1, "skip": 1, "quality": "high"}))
        assert ([each["name"] for each in page["manifests"]], page["total"]) == (["Banner 1"], 3)
        found = ok(await rest.admin.get(path, params={"search": "BANNER"}))
        assert ([each["name"] for each in found["manifests"]], found["total"]) == (["Banner 1", "Banner 2"], 2)

    async def test_a_vast_tag_is_shown_as_one_in_list_and_detail(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        vast = {"url": "https://tags.example/v.xml", "url_type": "vast"}
        made = await create(rest, campaign, url_asset=vast)
        (row,) = ok(await rest.admin.get(f"/campaigns/{campaign}/creatives"))["manifests"]
        assert (made["assets"][0]["asset_type"], row["primary_asset_type"]) == ("VAST", "VAST")

    async def test_a_creative_of_another_campaign_is_not_found(self, rest: Rest) -> None:
        campaign, other = await a_campaign(rest), await a_campaign(rest)
        made = await create(rest, campaign)
        refused(await rest.admin.get(f"/campaigns/{other}/creatives/{made['creative_id']}"), 404, "NOT_FOUND")
        refused(await rest.admin.get("/campaigns/cmp_1/creatives"), 404, "NOT_FOUND")


class TestCarried:
    async def test_execute_carries_it_to_the_buys_that_take_its_format(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        creative = await a_banner(rest, campaign)
        ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        shown = ok(await rest.admin.get(f"/campaigns/{campaign}/creatives/{creative}"))
        assert (shown["sync_status"]["synced"], shown["sync_status"]["agent_count"]) == (True, 1)
        (buy,) = (await get(rest, campaign))["mediaBuys"]
        assert [each["creativeId"] for each in buy["creatives"]] == [creative]
        assert [each["creativeId"] for each in buy["packages"][0]["creatives"]] == [creative]
        (call,) = await north.calls("sync_creatives")
        assert [each["creative_id"] for each in call["arguments"]["creatives"]] == [creative]

    async def test_one_that_no_product_takes_is_named_and_stays_here(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        made = await create(rest, campaign, name="Spot", format_id={**TAG, "id": "video_vast"}, url_asset=LANDING)
        done = ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        (warning,) = done["warnings"]
        assert warning["type"] == "creatives_dropped"
        assert [each["creativeId"] for each in warning["dropped"]] == [made["creative_id"]]
        assert await north.calls("sync_creatives") == []
