"""POST /campaigns/{id}/execute, as its document has it (seed: execute campaign)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from buyside.domain.campaigns import Status
from buyside.domain.discovery import Selection
from buyside.domain.ids import DiscoveryId
from buyside.domain.storefronts import Auth, AuthKind
from buyside.services import keeping
from tests.builders import Wanted
from tests.sandbox_server import SandboxHandle, sandbox
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import (
    TAG,
    a_banner,
    a_campaign,
    a_live_campaign,
    a_session,
    an_advertiser,
    at,
    force,
    get,
    ok,
    reach,
    refused,
    stored_buys,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


class TestAnswer:
    async def test_a_draft_campaign_goes_live(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        await a_banner(rest, campaign)
        response = await rest.admin.post(f"/campaigns/{campaign}/execute", json={"debug": False})
        assert ok(response) == {
            "campaignId": campaign,
            "success": True,
            "previousStatus": "DRAFT",
            "newStatus": "ACTIVE",
            "mediaBuysExecuted": 1,
        }
        assert [ref["status"] for ref in (await get(rest, campaign))["mediaBuyRefs"]] == ["ACTIVE"]
        assert len(await north.buys()) == 1

    async def test_one_seller_rejects_one_is_slow_one_is_fine(
        self, rest: Rest, north: SandboxHandle, east: SandboxHandle, west: SandboxHandle
    ) -> None:
        await north.set_faults(reject="INVALID_REQUEST", tool="create_media_buy")
        await east.set_faults(slow=0.3, tool="create_media_buy")
        wanted = [await reach(rest, each) for each in (north, east, west)]
        campaign = await a_campaign(rest, wanted)
        done = ok(await rest.admin.post(f"/campaigns/{campaign}/execute", json={"debug": False}))
        (error,) = done.pop("errors")
        assert done == {
            "campaignId": campaign,
            "success": False,
            "previousStatus": "DRAFT",
            "newStatus": "ACTIVE",
            "mediaBuysExecuted": 3,
        }
        assert set(error) == {"mediaBuyId", "salesAgentId", "message"}
        assert error["salesAgentId"] == wanted[0].seller.id
        statuses = {ref["mediaBuyId"]: ref["status"] for ref in (await get(rest, campaign))["mediaBuyRefs"]}
        assert statuses.pop(error["mediaBuyId"]) == "DRAFT"
        assert "DRAFT" not in statuses.values()
        await north.clear_faults("reject")
        again = ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        assert (again["success"], again["previousStatus"], again["mediaBuysExecuted"]) == (True, "ACTIVE", 1)
        assert [len(await each.buys()) for each in (north, east, west)] == [1, 1, 1]

    async def test_a_refused_buy_says_why_and_whose_it_is_to_mend(self, rest: Rest, north: SandboxHandle) -> None:
        await north.set_faults(reject="INVALID_REQUEST", tool="create_media_buy")
        campaign = await a_campaign(rest, [await reach(rest, north)])
        done = ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        (buy,) = (await get(rest, campaign))["mediaBuys"]
        assert (done["success"], done["newStatus"], buy["status"]) == (False, "ACTIVE", "DRAFT")
        assert {"errorCode", "errorOwner", "sourceMessage"} <= set(buy)
        status = ok(await rest.admin.get(f"/campaigns/{campaign}/media-buy-status"))
        assert status["operational_status"] == "attention_required"

    async def test_nothing_left_to_do_is_no_error_and_says_so(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, _ = await a_live_campaign(rest, north)
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/execute")) == {
            "campaignId": campaign,
            "success": True,
            "previousStatus": "ACTIVE",
            "newStatus": "ACTIVE",
            "mediaBuysExecuted": 0,
            "reason": "no_media_buys_to_execute",
        }
        assert len(await north.buys()) == 1

    async def test_a_paused_campaign_takes_new_buys_and_stays_paused(
        self, rest: Rest, north: SandboxHandle, east: SandboxHandle
    ) -> None:
        advertiser = await an_advertiser(rest)
        first, second = await reach(rest, north, budget=Decimal(400)), await reach(rest, east, budget=Decimal(400))
        session = await a_session(rest, advertiser, [first, second])
        await select(rest, session, first)
        campaign = await a_campaign(rest, advertiser=advertiser, discoveryId=session)
        await a_banner(rest, campaign)
        ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        ok(await rest.admin.post(f"/campaigns/{campaign}/pause"))
        await select(rest, session, first, second)
        done = ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        assert (done["previousStatus"], done["newStatus"], done["mediaBuysExecuted"]) == ("PAUSED", "PAUSED", 1)
        assert [buy["paused"] for buy in await east.buys()] == [True]


async def select(rest: Rest, session: str, *wanted: Wanted) -> None:
    chosen = [Selection(w.product_id, w.seller.id, rest.world.clock(), budget=w.budget) for w in wanted]
    async with rest.world.work().writing() as tx:
        await tx.discoveries.select(DiscoveryId(session), chosen)


class TestRequest:
    @pytest.mark.parametrize("verb", ["execute", "pause", "reactivate"])
    @pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}])
    async def test_an_empty_body_will_do(
        self, rest: Rest, north: SandboxHandle, verb: str, headers: dict[str, str]
    ) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        for each in ("execute", "pause", "reactivate"):
            ok(await rest.admin.post(f"/campaigns/{campaign}/{each}", content=b"", headers=headers))
            if each == verb:
                break

    @pytest.mark.parametrize(
        ("body", "field"),
        [({"force": True}, "force"), ({"debug": "yes"}, "debug"), ({"debug": None}, "debug"), ({"debug": 1}, "debug")],
    )
    async def test_an_unknown_key_or_a_word_for_a_boolean_is_refused(
        self, rest: Rest, body: dict[str, Any], field: str
    ) -> None:
        campaign = await a_campaign(rest)
        refused(await rest.admin.post(f"/campaigns/{campaign}/execute", json=body), 400, "VALIDATION_ERROR", field)

    async def test_an_unknown_campaign_is_not_found(self, rest: Rest) -> None:
        refused(await rest.admin.post("/campaigns/cmp_0/execute"), 404, "NOT_FOUND")

    async def test_a_campaign_without_products_is_refused_and_stays_draft(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        refused(await rest.admin.post(f"/campaigns/{campaign}/execute"), 400, "VALIDATION_ERROR")
        assert (await get(rest, campaign))["status"] == "DRAFT"

    @pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELED, Status.ARCHIVED])
    async def test_a_campaign_that_is_over_is_refused(self, rest: Rest, north: SandboxHandle, status: Status) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        await force(rest.world, campaign, status)
        for verb in ("execute", "pause", "reactivate"):
            error = refused(await rest.admin.post(f"/campaigns/{campaign}/{verb}"), 400, "VALIDATION_ERROR")
            assert status.value in error["message"]
        assert await north.buys() == []

    async def test_a_flight_that_is_over_names_its_end(self, rest: Rest, north: SandboxHandle) -> None:
        past = {"startDate": at(days=-20), "endDate": at(days=-2)}
        campaign = await a_campaign(rest, [await reach(rest, north)], flightDates=past)
        response = await rest.admin.post(f"/campaigns/{campaign}/execute")
        refused(response, 400, "VALIDATION_ERROR", "flightDates.endDate")
        assert await north.buys() == []

    async def test_a_start_in_the_past_is_sent_as_soon_as_possible(self, rest: Rest, north: SandboxHandle) -> None:
        await a_live_campaign(rest, north)
        (call,) = await north.calls("create_media_buy")
        assert call["arguments"]["start_time"] == "asap"

    async def test_a_member_may_execute_and_nobody_without_a_key(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        refused(await rest.nobody.post(f"/campaigns/{campaign}/execute"), 401, "UNAUTHORIZED")
        refused(await rest.stranger.post(f"/campaigns/{campaign}/execute"), 404, "NOT_FOUND")
        assert ok(await rest.member.post(f"/campaigns/{campaign}/execute"))["success"]


TOKEN = "tok-4f9a2c77be10"


class TestDebug:
    async def test_it_adds_the_exchange_to_each_error_and_to_nothing_else(
        self, rest: Rest, north: SandboxHandle, east: SandboxHandle
    ) -> None:
        await north.set_faults(reject="INVALID_REQUEST", tool="create_media_buy")
        campaign = await a_campaign(rest, [await reach(rest, each) for each in (north, east)])
        done = ok(await rest.admin.post(f"/campaigns/{campaign}/execute", json={"debug": True}))
        (error,) = done["errors"]
        assert set(error) == {"mediaBuyId", "salesAgentId", "message", "debug"}
        assert set(error["debug"]) == {"request", "response", "debugLogs", "error"}
        assert "create_media_buy" in json.dumps(error["debug"]["request"])
        assert "INVALID_REQUEST" in json.dumps(error["debug"]["response"])
        assert set(done) == {
            "campaignId", "success", "previousStatus", "newStatus", "mediaBuysExecuted", "errors"
        }  # fmt: skip

    async def test_no_credential_and_no_whole_idempotency_key_is_shown(self, rest: Rest) -> None:
        async with sandbox("Guarded", faults=[f"require_token={TOKEN}"]) as guarded:
            body = {
                "name": "Guarded",
                "sources": [
                    {
                        "endpointUrl": guarded.mcp_url,
                        "protocol": "MCP",
                        "auth": {"type": "bearer", "token": TOKEN},
                        "headers": {"X-Partner-Secret": "swordfish-9911"},
                    }
                ],
            }
            ok(await rest.admin.post("/storefronts", json=body), 201)
            async with rest.world.work().reading() as tx:
                (seller,) = await tx.storefronts.sellers()
            assert seller.auth == Auth(AuthKind.BEARER, TOKEN)
            campaign = await a_campaign(rest, [Wanted(seller, guarded.product_id("display_reach"))])
            await guarded.set_faults(reject="INVALID_REQUEST", tool="create_media_buy")
            response = await rest.admin.post(f"/campaigns/{campaign}/execute", json={"debug": True})
            assert ok(response)["errors"][0]["debug"]["request"]
            (call,) = await guarded.calls("create_media_buy")
            shown = response.text
            for secret in (TOKEN, "swordfish-9911", call["arguments"]["idempotency_key"]):
                assert secret not in shown
            assert "authorization" not in shown.lower()


class TestWarnings:
    async def test_a_creative_that_a_seller_did_not_take_is_named(self, rest: Rest, north: SandboxHandle) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        creative = await a_banner(rest, campaign)
        await north.set_faults("drop_creatives")
        done = ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        (warning,) = done["warnings"]
        (dropped,) = warning["dropped"]
        assert (done["success"], warning["type"]) == (True, "creatives_dropped")
        assert (dropped["creativeId"], dropped["formatId"]) == (creative, TAG["id"])
        assert dropped["reason"]

    async def test_a_draft_staged_from_an_earlier_selection_is_named(
        self, rest: Rest, north: SandboxHandle, east: SandboxHandle
    ) -> None:
        advertiser = await an_advertiser(rest)
        first, second = await reach(rest, north, budget=Decimal(300)), await reach(rest, east, budget=Decimal(300))
        session = await a_session(rest, advertiser, [first, second])
        await select(rest, session, first)
        campaign = await a_campaign(rest, advertiser=advertiser, discoveryId=session)
        (draft,) = (await get(rest, campaign))["mediaBuyRefs"]
        await select(rest, session, second)
        done = ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        assert done["mediaBuysExecuted"] == 2
        (warning,) = done["warnings"]
        assert (warning["type"], warning["mediaBuyIds"]) == ("stale_draft", [draft["mediaBuyId"]])
        assert "replace" in warning["hint"]


class TestUnsettled:
    async def test_a_call_in_flight_at_the_deadline_is_no_error_and_holds_the_buy(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        await north.hold("create_media_buy")
        rest.world.runtime.policy = replace(rest.world.runtime.policy, execute_deadline=0.2)
        done = ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        assert (done["success"], done["mediaBuysExecuted"], "errors" in done) == (True, 1, False)
        (buy,) = (await get(rest, campaign))["mediaBuys"]
        assert (buy["status"], buy["pendingAt"]) == ("PENDING_APPROVAL", "salesagent")
        assert buy["pendingReason"] == "forward_failed_retrying"
        await self.refuses_everything(rest, campaign, buy["mediaBuyId"])
        await north.release()
        await rest.world.runtime.background.drain(30)
        assert len(await north.buys()) == 1

    async def test_a_call_without_an_answer_is_named_and_settles_by_itself(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        campaign = await a_campaign(rest, [await reach(rest, north)])
        await north.set_faults("cut_after_commit", tool="create_media_buy", times=1)
        done = ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))
        (buy,) = (await get(rest, campaign))["mediaBuys"]
        assert (done["success"], [e["mediaBuyId"] for e in done["errors"]]) == (False, [buy["mediaBuyId"]])
        assert (buy["status"], buy["pendingAt"]) == ("PENDING_APPROVAL", "unknown")
        assert buy["pendingReason"] == "forward_failed_retrying"
        await self.refuses_everything(rest, campaign, buy["mediaBuyId"])
        rest.world.clock.pass_by(seconds=60)
        await keeping.sweep(rest.world.runtime)
        (settled,) = await stored_buys(rest, campaign)
        (theirs,) = await north.buys()
        assert (settled.unsettled, settled.seller_buy_id) == (False, theirs["media_buy_id"])

    @staticmethod
    async def refuses_everything(rest: Rest, campaign: str, buy: str) -> None:
        refused(await rest.admin.post(f"/campaigns/{campaign}/execute"), 409, "CONFLICT")
        refused(await rest.admin.delete(f"/campaigns/{campaign}"), 409, "CONFLICT")
        refused(await rest.admin.post(f"/media-buys/{buy}/pause"), 409, "CONFLICT")


class TestAtOnce:
    async def test_executes_of_one_campaign_at_once_place_each_buy_once(self, rest: Rest, north: SandboxHandle) -> None:
        await north.set_faults("no_idempotency")
        campaign = await a_campaign(rest, [await reach(rest, north)])
        answers = await asyncio.gather(*(rest.admin.post(f"/campaigns/{campaign}/execute") for _ in range(5)))
        assert {a.status_code for a in answers} <= {200, 409}
        assert sum(a.json()["mediaBuysExecuted"] for a in answers if a.status_code == 200) == 1
        assert len(await north.buys()) == 1


class TestLimits:
    async def test_a_buy_over_the_largest_is_refused_by_name_and_nothing_is_sent(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        limits = {"limits": [{"scope": "account", "currency": "USD", "largestBuy": 999.99}]}
        ok(await rest.admin.put("/accounts/current/limits", json=limits))
        campaign = await a_campaign(rest, [await reach(rest, north)])
        error = refused(await rest.admin.post(f"/campaigns/{campaign}/execute"), 403, "FORBIDDEN")
        assert (error["details"]["limit"], error["details"]["scope"]) == ("largestBuy", "account")
        assert (await get(rest, campaign))["status"] == "DRAFT"
        assert await north.buys() == []

    async def test_executes_at_once_never_come_to_more_than_a_days_limit(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        limits = {"limits": [{"scope": "account", "currency": "USD", "perDay": 2500}]}
        ok(await rest.admin.put("/accounts/current/limits", json=limits))
        advertiser, product = await an_advertiser(rest), await reach(rest, north)
        drafts = [await a_campaign(rest, [product], advertiser=advertiser) for _ in range(6)]
        answers = await asyncio.gather(*(rest.admin.post(f"/campaigns/{each}/execute") for each in drafts))
        assert sorted(a.status_code for a in answers) == [200, 200, 403, 403, 403, 403]
        for answer in (a for a in answers if a.status_code == 403):
            assert refused(answer, 403, "FORBIDDEN")["details"]["limit"] == "perDay"
        booked = sum(package["budget"] for buy in await north.buys() for package in buy["packages"])
        assert booked == 2 * 100_000  # minor units

    async def test_a_refused_buy_gives_its_amount_back(self, rest: Rest, north: SandboxHandle) -> None:
        limits = {"limits": [{"scope": "account", "currency": "USD", "perDay": 1500}]}
        ok(await rest.admin.put("/accounts/current/limits", json=limits))
        campaign = await a_campaign(rest, [await reach(rest, north)])
        await north.set_faults(reject="INVALID_REQUEST", tool="create_media_buy", times=1)
        assert not ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))["success"]
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))["success"]

    async def test_a_limit_of_one_key_binds_that_key_only(self, rest: Rest, north: SandboxHandle) -> None:
        limits = {"limits": [{"scope": "key", "keyId": rest.member_key, "currency": "USD", "largestBuy": 10}]}
        ok(await rest.admin.put("/accounts/current/limits", json=limits))
        campaign = await a_campaign(rest, [await reach(rest, north)])
        error = refused(await rest.member.post(f"/campaigns/{campaign}/execute"), 403, "FORBIDDEN")
        assert error["details"]["scope"] == "key"
        assert ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))["success"]

    async def test_a_limit_of_one_seller_binds_buys_there_only(
        self, rest: Rest, north: SandboxHandle, east: SandboxHandle
    ) -> None:
        here, there = await reach(rest, north), await reach(rest, east)
        seller: dict[str, Any] = {"scope": "seller", "salesAgentId": here.seller.id, "currency": "USD", "perDay": 10}
        ok(await rest.admin.put("/accounts/current/limits", json={"limits": [seller]}))
        bound, free = await a_campaign(rest, [here]), await a_campaign(rest, [there])
        error = refused(await rest.admin.post(f"/campaigns/{bound}/execute"), 403, "FORBIDDEN")
        assert error["details"]["scope"] == "seller"
        assert ok(await rest.admin.post(f"/campaigns/{free}/execute"))["success"]

    async def test_limits_in_one_currency_leave_no_way_to_spend_in_another(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        limits = {"limits": [{"scope": "account", "currency": "EUR", "perDay": 10}]}
        ok(await rest.admin.put("/accounts/current/limits", json=limits))
        campaign = await a_campaign(rest, [await reach(rest, north)])
        refused(await rest.admin.post(f"/campaigns/{campaign}/execute"), 403, "FORBIDDEN")
        assert await north.buys() == []

    async def test_a_member_may_not_set_them(self, rest: Rest) -> None:
        refused(await rest.member.put("/accounts/current/limits", json={"limits": []}), 403, "FORBIDDEN")
        assert ok(await rest.member.get("/accounts/current/limits")) == {"limits": []}
