"""Media buys over REST: read, with packages and delivery, paused and resumed; how they stand at their sellers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from buyside.domain.advertisers import FeePricing, FeeTerm
from tests.builders import Wanted
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import (
    a_banner,
    a_campaign,
    a_live_campaign,
    an_advertiser,
    get,
    ok,
    reach,
    refused,
    stored_buys,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


class TestGet:
    async def test_a_buy_is_shown_without_its_packages(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        shown = ok(await rest.member.get(f"/media-buys/{buy}"))["mediaBuy"]
        whole = (await get(rest, campaign))["mediaBuys"][0]
        assert set(shown) == {
            "mediaBuyId", "name", "status", "startTime", "endTime", "createdAt", "updatedAt", "forwardedAt",
            "buyerReference",
        }  # fmt: skip
        assert shown == {key: whole[key] for key in shown}
        assert shown["buyerReference"].endswith(f":{buy}")
        refused(await rest.admin.get("/media-buys/mb_unknown"), 404, "NOT_FOUND")


class TestPackages:
    async def test_a_draft_has_a_package_for_each_product(self, rest: Rest, north: SandboxHandle) -> None:
        here = await reach(rest, north, budget=Decimal(600))
        there = Wanted(here.seller, north.product_id("ctv_auction"), Decimal("399.99"), Decimal("15.5"))
        campaign = await a_campaign(rest, [here, there])
        (ref,) = (await get(rest, campaign))["mediaBuyRefs"]
        shown = ok(await rest.admin.get(f"/media-buys/{ref['mediaBuyId']}/packages"))
        assert (shown["mediaBuyId"], shown["isPaced"], shown["packageCount"]) == (ref["mediaBuyId"], False, 2)
        assert [(p["productId"], p["budget"], p["budgetCurrency"]) for p in shown["packages"]] == [
            (there.product_id, 399.99, "USD"),
            (here.product_id, 600, "USD"),
        ]
        assert not any("delivery" in p for p in shown["packages"])
        refused(await rest.admin.get("/media-buys/mb_unknown/packages"), 404, "NOT_FOUND")

    async def test_delivery_is_read_at_the_seller_and_kept(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        await north.advance(days=3)
        (package,) = ok(await rest.admin.get(f"/media-buys/{buy}/packages"))["packages"]
        assert package["status"] == "active"
        assert package["delivery"]["impressions"] > 0
        (shown,) = (await get(rest, campaign))["mediaBuys"]
        assert shown["performance"]["impressions"] == package["delivery"]["impressions"]
        assert shown["performance"]["spend"] == package["delivery"]["spend"]
        await north.set_faults("down")
        (again,) = ok(await rest.admin.get(f"/media-buys/{buy}/packages"))["packages"]
        assert again["delivery"] == package["delivery"]

    async def test_spend_is_gross_and_what_the_seller_gets_is_not(self, rest: Rest, north: SandboxHandle) -> None:
        advertiser = await an_advertiser(rest, fees=(FeeTerm("Agency", FeePricing.MARGIN, Decimal(20)),))
        _, buy = await a_live_campaign(rest, north, advertiser=advertiser)
        (theirs,) = await north.buys()
        assert theirs["packages"][0]["budget"] == 80_000  # minor units: 1000 less 20 %
        await north.advance(days=40)
        (package,) = ok(await rest.admin.get(f"/media-buys/{buy}/packages"))["packages"]
        assert 800 < package["delivery"]["spend"] <= 1000


class TestPause:
    async def test_a_buy_is_paused_and_reactivated_at_its_seller(self, rest: Rest, north: SandboxHandle) -> None:
        _, buy = await a_live_campaign(rest, north)
        name = ok(await rest.admin.get(f"/media-buys/{buy}"))["mediaBuy"]["name"]
        steps = {"pause": ("ACTIVE", "PAUSED", "paused"), "reactivate": ("PAUSED", "ACTIVE", "active")}
        for verb, (before, after, theirs) in steps.items():
            assert ok(await rest.member.post(f"/media-buys/{buy}/{verb}")) == {
                "mediaBuyId": buy,
                "name": name,
                "previousStatus": before,
                "newStatus": after,
                "success": True,
            }
            assert [b["status"] for b in await north.buys()] == [theirs]
            refused(await rest.admin.post(f"/media-buys/{buy}/{verb}"), 409, "CONFLICT")

    async def test_a_seller_that_refuses_is_told_of_and_asked_once(self, rest: Rest, north: SandboxHandle) -> None:
        _, buy = await a_live_campaign(rest, north)
        await north.set_faults(refuse_update="INVALID_STATE")
        done = ok(await rest.admin.post(f"/media-buys/{buy}/pause"))
        assert (done["success"], done["previousStatus"], done["newStatus"]) == (False, "ACTIVE", "ACTIVE")
        assert done["error"]
        assert len(await north.calls("update_media_buy")) == 1

    async def test_a_stale_revision_is_read_again_and_the_pause_made(self, rest: Rest, north: SandboxHandle) -> None:
        _, buy = await a_live_campaign(rest, north)
        await north.set_faults("stale_revision")
        assert ok(await rest.admin.post(f"/media-buys/{buy}/pause"))["success"]
        assert [b["status"] for b in await north.buys()] == ["paused"]

    async def test_a_seller_that_is_slow_is_not_waited_for(self, rest: Rest, north: SandboxHandle) -> None:
        _, buy = await a_live_campaign(rest, north)
        await north.hold("update_media_buy")
        rest.world.runtime.policy = replace(rest.world.runtime.policy, execute_deadline=0.2)
        done = ok(await rest.admin.post(f"/media-buys/{buy}/pause"))
        assert (done["success"], done["newStatus"]) == (False, "ACTIVE")
        await north.release()
        await rest.world.runtime.background.drain(30)
        assert ok(await rest.admin.get(f"/media-buys/{buy}"))["mediaBuy"]["status"] == "PAUSED"

    async def test_a_draft_and_an_unknown_buy(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        (ref,) = (await get(rest, campaign))["mediaBuyRefs"]
        for verb in ("pause", "reactivate"):
            refused(await rest.admin.post(f"/media-buys/{ref['mediaBuyId']}/{verb}"), 409, "CONFLICT")
            refused(await rest.admin.post(f"/media-buys/mb_unknown/{verb}"), 404, "NOT_FOUND")

    async def test_nothing_of_a_paused_campaign_is_reactivated_alone(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        ok(await rest.admin.post(f"/campaigns/{campaign}/pause"))
        hint = refused(await rest.admin.post(f"/media-buys/{buy}/reactivate"), 409, "CONFLICT")["message"]
        assert hint.endswith("reactivate it first.")
        assert [b["status"] for b in await north.buys()] == ["paused"]

    async def test_what_a_person_paused_stays_paused_with_the_campaign_back(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        ok(await rest.admin.post(f"/media-buys/{buy}/pause"))
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/pause"))["totalMediaBuys"] == 0
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/reactivate"))["totalMediaBuys"] == 0
        assert ok(await rest.admin.get(f"/media-buys/{buy}"))["mediaBuy"]["status"] == "PAUSED"


class TestStatus:
    async def test_sellers_are_read_and_what_is_found_is_kept(self, rest: Rest, north: SandboxHandle) -> None:
        await north.set_faults("pending")
        campaign = await a_campaign(rest, [await reach(rest, north)])
        await a_banner(rest, campaign)
        path = f"/campaigns/{campaign}/media-buy-status"
        before = ok(await rest.admin.get(path))
        assert (before["operational_status"], before["agents_queried"]) == ("draft", 0)
        assert before["media_buys"][0]["status_refresh_source"] == "not_submitted"
        ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        waiting = ok(await rest.admin.get(path))
        assert (waiting["operational_status"], waiting["agents_queried"]) == ("pending_start", 1)
        assert (waiting["has_upstream_media_buy"], waiting["has_delivery"]) == (True, False)
        (theirs,) = await north.buys()
        await north.decide("approve", media_buy_id=theirs["media_buy_id"])
        live = ok(await rest.member.get(path))
        (entry,) = live["media_buys"]
        assert (live["campaign_id"], live["campaign_status"]) == (campaign, "ACTIVE")
        assert live["operational_status"] == entry["operational_status"] == "active"
        assert (entry["adcp_media_buy_id"], entry["adcp_status"]) == (theirs["media_buy_id"], "active")
        assert (entry["previous_internal_status"], entry["internal_status"]) == ("PENDING_APPROVAL", "ACTIVE")
        assert (entry["updated"], entry["status_refresh_source"]) == (True, "direct_agent")
        assert (await get(rest, campaign))["mediaBuyRefs"][0]["status"] == "ACTIVE"
        assert ok(await rest.admin.get(path))["media_buys"][0]["updated"] is False

    async def test_a_seller_that_is_down_fails_its_own_line_only(
        self, rest: Rest, north: SandboxHandle, east: SandboxHandle
    ) -> None:
        campaign = await a_campaign(rest, [await reach(rest, each) for each in (north, east)])
        ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        await north.set_faults("down")
        shown = ok(await rest.admin.get(f"/campaigns/{campaign}/media-buy-status"))
        sources = sorted(entry["status_refresh_source"] for entry in shown["media_buys"])
        assert (sources, shown["agents_queried"]) == (["direct_agent", "refresh_failed"], 2)
        (error,) = shown["errors"]
        assert error["error"]

    async def test_a_buy_that_the_seller_declines_is_rejected_and_says_so(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        await north.set_faults(approval="manual")
        campaign = await a_campaign(rest, [await reach(rest, north)])
        ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        (buy,) = await stored_buys(rest, campaign)
        assert buy.task_id is not None
        await north.decide("reject", task_id=buy.task_id, message="Not our audience")
        shown = ok(await rest.admin.get(f"/campaigns/{campaign}/media-buy-status"))
        (entry,) = shown["media_buys"]
        assert (entry["internal_status"], entry["error_owner"]) == ("REJECTED", "seller")
        assert "Not our audience" in entry["source_message"]
        assert shown["operational_status"] == "attention_required"
        assert (
            ok(await rest.admin.get(f"/campaigns/{campaign}/media-buy-status"))["media_buys"][0][
                "status_refresh_source"
            ]
            == "persisted_terminal"
        )

    async def test_a_campaign_without_buys_and_an_unknown_one(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        shown = ok(await rest.admin.get(f"/campaigns/{campaign}/media-buy-status"))
        assert (shown["operational_status"], shown["media_buys"]) == ("no_media_buys", [])
        refused(await rest.admin.get("/campaigns/cmp_1/media-buy-status"), 404, "NOT_FOUND")

    async def test_a_flight_that_ran_to_its_end_completes_the_campaign(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, _ = await a_live_campaign(rest, north)
        await north.advance(days=60)
        shown = ok(await rest.admin.get(f"/campaigns/{campaign}/media-buy-status"))
        assert (shown["campaign_status"], shown["operational_status"]) == ("COMPLETED", "completed")
        refused(await rest.admin.post(f"/campaigns/{campaign}/execute"), 400, "VALIDATION_ERROR")
