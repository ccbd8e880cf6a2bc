"""Notifications over REST: what goes wrong by itself is told once, to the account that it concerns."""

from __future__ import annotations

import pytest

from buyside.domain.campaigns import Campaign
from buyside.domain.decisions import Subject
from buyside.domain.ids import CampaignId
from buyside.domain.notifications import Notice, Severity
from buyside.services import keeping
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import Body, a_banner, a_campaign, a_live_campaign, an_advertiser, ok, reach, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def listed(rest: Rest, **query: object) -> list[Body]:
    page = ok(await rest.member.get("/notifications", params=query))  # type: ignore[arg-type]
    shown: list[Body] = page["notifications"]
    return shown


async def of(rest: Rest, campaign: str) -> Campaign:
    async with rest.world.work().reading() as tx:
        return await tx.campaigns.get(CampaignId(campaign))


async def tell(rest: Rest, campaign: str, state: str, *, quiet: bool = False) -> bool:
    found = await of(rest, campaign)
    subject = Subject("campaign", campaign, found.advertiser_id, campaign)
    notice = Notice("campaign.unhealthy", Severity.WARNING, f"It is {state}. " * 30, f"t:{campaign}", state, quiet)
    async with rest.world.work().writing() as tx:
        return await tx.notify(notice, subject)


async def test_a_create_that_the_seller_refuses_is_told_with_its_reason(rest: Rest, north: SandboxHandle) -> None:
    campaign = await a_campaign(rest, [await reach(rest, north)])
    await north.set_faults(reject="POLICY_VIOLATION", tool="create_media_buy")
    await rest.admin.post(f"/campaigns/{campaign}/execute")
    await north.reset()
    (told,) = await listed(rest, campaignId=campaign)
    assert set(told) == {
        "id", "type", "status", "read", "acknowledged", "messagePreview", "actionUrl", "createdAt",
    }  # fmt: skip
    assert told["id"].startswith("notif_")
    assert (told["type"], told["status"]) == ("media_buy.source_rejected", "error")
    assert (told["read"], told["acknowledged"]) == (False, False)
    assert told["actionUrl"].startswith("/media-buys/mb_")


async def test_what_the_guard_stops_and_a_pause_that_is_refused_are_told(rest: Rest, north: SandboxHandle) -> None:
    campaign = await a_campaign(rest, [await reach(rest, north)])
    await a_banner(rest, campaign)
    await north.set_faults(wrong_budget="5000", tool="create_media_buy")
    await north.set_faults(refuse_update="INVALID_STATE", tool="update_media_buy")
    await rest.admin.post(f"/campaigns/{campaign}/execute")
    await north.reset()
    assert {t["type"] for t in await listed(rest, campaignId=campaign)} == {
        "media_buy.guarded",
        "media_buy.pause_refused",
    }


async def test_a_campaign_that_is_completed_is_told_once(rest: Rest, north: SandboxHandle) -> None:
    campaign, _ = await a_live_campaign(rest, north)
    rest.world.clock.pass_by(days=31)
    for _ in range(2):
        await keeping.complete(rest.world.runtime)
    (told,) = await listed(rest, campaignId=campaign, types="campaign.completed,campaign.created")
    assert (told["type"], told["status"], told["actionUrl"]) == (
        "campaign.completed",
        "success",
        f"/campaigns/{campaign}",
    )
    rest.world.clock.pass_by(days=-31)


async def test_an_unchanged_state_is_told_once_and_the_usual_one_only_after_another(rest: Rest) -> None:
    campaign = await a_campaign(rest)
    told = [
        await tell(rest, campaign, state, quiet=state == "on") for state in ("on", "behind", "behind", "on", "behind")
    ]
    assert told == [False, True, False, True, True]
    shown = await listed(rest, campaignId=campaign)
    assert len(shown) == 3
    assert all(len(t["messagePreview"]) == 200 for t in shown)


async def test_they_are_filtered_and_paged_and_counted(rest: Rest) -> None:
    advertiser = await an_advertiser(rest)
    campaign = await a_campaign(rest, advertiser=advertiser)
    for state in "abc":
        await tell(rest, campaign, state)
    page = ok(await rest.admin.get("/notifications", params={"brandAgentId": advertiser, "limit": 2}))
    assert (len(page["notifications"]), page["totalCount"], page["unreadCount"], page["hasMore"]) == (2, 3, 3, True)
    rest_of = ok(await rest.admin.get("/notifications", params={"brandAgentId": advertiser, "limit": 2, "offset": 2}))
    assert (len(rest_of["notifications"]), rest_of["hasMore"]) == (1, False)
    assert await listed(rest, campaignId=campaign, status="error") == []
    assert len(await listed(rest, campaignId=campaign, status="warning")) == 3
    assert await listed(rest, creativeId="none") == []
    assert await listed(rest, campaignId=campaign, types="media_buy.stuck") == []
    refused(await rest.admin.get("/notifications", params={"limit": 101}), 400, "VALIDATION_ERROR")
    refused(await rest.admin.get("/notifications", params={"status": "loud"}), 400, "VALIDATION_ERROR")


async def test_they_are_marked_one_by_one_and_all_at_once_by_their_own_account_only(rest: Rest) -> None:
    advertiser = await an_advertiser(rest)
    campaign = await a_campaign(rest, advertiser=advertiser)
    for state in "abc":
        await tell(rest, campaign, state)
    last, middle, _ = await listed(rest, campaignId=campaign)
    for verb, which in (("read", last), ("acknowledge", middle)):
        refused(await rest.stranger.post(f"/notifications/{which['id']}/{verb}"), 404, "NOT_FOUND")
        done = ok(await rest.member.post(f"/notifications/{which['id']}/{verb}"))
        assert done == {"success": True, "notificationId": which["id"]}
    shown = await listed(rest, campaignId=campaign)
    assert [(t["read"], t["acknowledged"]) for t in shown] == [(True, False), (True, True), (False, False)]
    assert len(await listed(rest, campaignId=campaign, unreadOnly="true")) == 1
    assert ok(await rest.member.post("/notifications/read-all", json={"brandAgentId": int(advertiser)}))["success"]
    assert await listed(rest, campaignId=campaign, unreadOnly="true") == []
    assert ok(await rest.member.post("/notifications/read-all")) == {"success": True}
    assert ok(await rest.stranger.get("/notifications"))["totalCount"] == 0
