"""Media buys changed over REST: in a campaign's PUT, by their own PATCH, and as proposals that wait for a seller."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from buyside.domain.ids import MediaBuyId
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import a_campaign, a_live_campaign, at, get, ok, reach, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def put(rest: Rest, campaign: str, *entries: Any, **more: Any) -> Any:
    return await rest.member.put(f"/campaigns/{campaign}", json={"mediaBuys": list(entries), **more})


async def package_of(rest: Rest, campaign: str) -> str:
    return str((await get(rest, campaign))["mediaBuys"][0]["packages"][0]["packageId"])


async def a_draft(rest: Rest, north: SandboxHandle) -> tuple[str, str, str]:
    """A campaign, its DRAFT buy of 400 of 1000, and the product on it."""
    wanted = await reach(rest, north, budget=Decimal(400))
    campaign = await a_campaign(rest, [wanted])
    (ref,) = (await get(rest, campaign))["mediaBuyRefs"]
    return campaign, ref["mediaBuyId"], wanted.product_id


class TestPut:
    async def test_a_placed_buy_is_changed_at_its_seller_and_shown_so(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        revision = (await get(rest, campaign))["revision"]
        entry = {
            "mediaBuyId": buy,
            "name": "Mine",
            "packages": [{"packageId": await package_of(rest, campaign), "budget": 750.5, "pacing": "asap"}],
            "optimization_goals": [{"kind": "metric", "metric": "clicks"}],
            "updated_reason": "It runs well.",
            "suggestion_id": "sug_1",
        }
        body = ok(await put(rest, campaign, entry, expectedRevision=revision))
        assert "warnings" not in body
        (shown,) = body["campaign"]["mediaBuys"]
        assert (shown["name"], shown["packages"][0]["budget"], shown["packages"][0]["pacing"]) == (
            "Mine",
            750.5,
            "asap",
        )
        assert shown["optimizationGoals"] == [{"kind": "metric", "metric": "clicks"}]
        assert body["campaign"]["revision"] == revision + 1
        assert body["campaign"]["allocatedBudget"] == 750.5
        assert (await north.buys())[0]["packages"][0]["budget"] == 75_050
        log = ok(await rest.member.get("/decisions", params={"mediaBuyId": buy}))["decisions"]
        (asked,) = [each for each in log if each["action"] == "media_buy.edit_asked"]
        assert (asked["reason"], asked["metadata"]["suggestionId"]) == ("It runs well.", "sug_1")

    async def test_a_draft_is_changed_here_alone(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy, product = await a_draft(rest, north)
        entry = {
            "mediaBuyId": buy,
            "products": [{"productId": product, "budget": 500, "pacing": "even", "bidPrice": None}],
            "start_time": "asap",
            "end_time": at(days=20),
        }
        (shown,) = ok(await put(rest, campaign, entry))["campaign"]["mediaBuys"]
        assert (shown["startTime"], shown["products"][0]["budget"]) == ("asap", 500)
        assert await north.buys() == []

    async def test_nothing_is_done_unless_all_of_it_may_be(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy, product = await a_draft(rest, north)
        good = {"mediaBuyId": buy, "name": "Mine"}
        revision = (await get(rest, campaign))["revision"]
        unknown = await put(rest, campaign, good, {"mediaBuyId": "mb_unknown"}, name="New")
        refused(unknown, 404, "NOT_FOUND", "mediaBuys[1].mediaBuyId")
        twice = await put(rest, campaign, good, good)
        refused(twice, 400, "VALIDATION_ERROR", "mediaBuys[1].mediaBuyId")
        bad = {"productId": product, "budget": 1.001}
        other = {"productId": "nobody"}
        found = refused(
            await put(rest, campaign, {"mediaBuyId": buy, "products": [bad, other]}),
            400,
            "VALIDATION_ERROR",
            "mediaBuys[0].products[0].budget",
        )
        assert [issue["path"] for issue in found["details"]["issues"]] == [
            ["mediaBuys", 0, "products", 0, "budget"],
            ["mediaBuys", 0, "products", 1, "productId"],
        ]
        after = await get(rest, campaign)
        assert (after["name"], after["revision"]) != ("New", revision)
        assert after["revision"] == revision

    @pytest.mark.parametrize(
        ("entry", "field"),
        [
            ({"nonsense": 1}, "mediaBuys[0].nonsense"),
            ({"name": ""}, "mediaBuys[0].name"),
            ({"name": None}, "mediaBuys[0].name"),
            ({"action": "stop"}, "mediaBuys[0].action"),
            ({"action": "delete", "name": "x"}, "mediaBuys[0].name"),
            ({"reason": "why"}, "mediaBuys[0].reason"),
            ({"action": "cancel", "reason": "x" * 1001}, "mediaBuys[0].reason"),
            ({"packages": [{"packageId": "p", "budget": 0}]}, "mediaBuys[0].packages[0].budget"),
            ({"packages": [{"packageId": "p", "more": 1}]}, "mediaBuys[0].packages[0].more"),
            ({"packages": [{"packageId": "p", "pacing": "EVEN"}]}, "mediaBuys[0].packages[0].pacing"),
            ({"packages": [{"packageId": "p", "budget": 5}]}, "mediaBuys[0].packages"),
            ({"start_time": "soon"}, "mediaBuys[0].start_time"),
            ({"start_time": "2020-01-01T00:00:00Z"}, "mediaBuys[0].start_time"),
            ({"end_time": "2099-01-01T00:00:00Z"}, "mediaBuys[0].end_time"),
            ({"creative_ids": ["cr_unknown"]}, "mediaBuys[0].creative_ids[0]"),
            ({"optimization_goals": [{"kind": "metric"}]}, "mediaBuys[0].optimization_goals[0].metric"),
            ({"action": "cancel"}, "mediaBuys[0].action"),
        ],
    )
    async def test_what_is_not_allowed_is_refused_by_its_name(
        self, rest: Rest, north: SandboxHandle, entry: Any, field: str
    ) -> None:
        campaign, buy, _ = await a_draft(rest, north)
        refused(await put(rest, campaign, {"mediaBuyId": buy, **entry}), 400, "VALIDATION_ERROR", field)

    async def test_products_of_a_placed_buy_are_changed_through_its_packages(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        product = north.product_id("display_reach")
        for change in ({"budget": 5}, {"remove": True}):
            entry = {"mediaBuyId": buy, "products": [{"productId": product, **change}]}
            refused(await put(rest, campaign, entry), 400, "VALIDATION_ERROR", "mediaBuys[0].products")
        refused(await put(rest, campaign, {"mediaBuyId": buy, "action": "delete"}), 400, "VALIDATION_ERROR")

    async def test_more_than_is_left_is_refused(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        entry = {"mediaBuyId": buy, "packages": [{"packageId": await package_of(rest, campaign), "budget": 1000.01}]}
        refused(await put(rest, campaign, entry), 409, "INSUFFICIENT_MEDIA_BUDGET")
        raised = {"budget": {"total": 1500}}
        assert ok(await put(rest, campaign, entry, **raised))["campaign"]["allocatedBudget"] == 1000.01

    async def test_a_campaign_that_is_over_takes_no_edit(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        canceled = ok(await put(rest, campaign, {"mediaBuyId": buy, "action": "cancel", "reason": "Over."}))
        assert canceled["campaign"]["mediaBuys"][0]["status"] == "CANCELED"
        refused(await put(rest, campaign, {"mediaBuyId": buy, "name": "x"}), 400, "VALIDATION_ERROR", "mediaBuys[0]")
        refused(await rest.member.patch(f"/media-buys/{buy}", json={"name": "x"}), 400, "VALIDATION_ERROR")


class TestPatch:
    async def test_one_buy_is_changed(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        package = await package_of(rest, campaign)
        body = {"name": "Mine", "packages": [{"packageId": package, "budget": 600}], "updated_reason": "Less."}
        shown = ok(await rest.member.patch(f"/media-buys/{buy}", json=body))
        assert (shown["mediaBuy"]["name"], "warnings" in shown) == ("Mine", False)
        assert (await north.buys())[0]["packages"][0]["budget"] == 60_000

    async def test_dates_outside_the_flight_widen_it(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        until = at(days=45)
        shown = ok(await rest.member.patch(f"/media-buys/{buy}", json={"end_time": until}))
        assert shown["mediaBuy"]["endTime"] == until
        assert len(shown["warnings"]) == 1
        assert (await get(rest, campaign))["flightDates"]["endDate"] == until

    async def test_what_it_refuses(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        package = await package_of(rest, campaign)
        too_much = {"packages": [{"packageId": package, "budget": 1001}]}
        refused(await rest.member.patch(f"/media-buys/{buy}", json=too_much), 400, "VALIDATION_ERROR")
        refused(await rest.member.patch("/media-buys/mb_unknown", json={"name": "x"}), 404, "NOT_FOUND")
        refused(await rest.stranger.patch(f"/media-buys/{buy}", json={"name": "x"}), 404, "NOT_FOUND")
        refused(await rest.member.patch(f"/media-buys/{buy}", json={"action": "cancel"}), 400, "VALIDATION_ERROR")
        paged = {"products": [{"productId": "p", "pageId": "1"}]}
        refused(await rest.member.patch(f"/media-buys/{buy}", json=paged), 501, "NOT_IMPLEMENTED")


class TestProposals:
    async def test_a_change_that_waits_is_shown_and_followed(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        package = await package_of(rest, campaign)
        await north.set_faults("approval", tool="update_media_buy", times=1)
        entry = {
            "mediaBuyId": buy,
            "packages": [{"packageId": package, "budget": 700}],
            "updated_reason": "Less is enough.",
        }
        body = ok(await put(rest, campaign, entry))
        assert len(body["warnings"]) == 1
        assert body["campaign"]["mediaBuyRefs"][0]["pendingChange"] == {
            "status": "PENDING_APPROVAL",
            "pendingAt": "salesagent",
        }
        pending = ok(await rest.member.get(f"/media-buys/{buy}"))["mediaBuy"]["pendingChange"]
        assert pending["differences"] == {"budget": {"live": 1000, "proposed": 700}}
        assert pending["reason"] == "Less is enough."
        proposal = pending["proposalId"]
        assert ok(await rest.member.get(f"/update-proposals/{proposal}")) == {
            "id": proposal,
            "status": "PENDING",
            "mediaBuyId": buy,
        }
        refused(await rest.member.patch(f"/media-buys/{buy}", json=pending_edit(package)), 409, "CONFLICT")
        refused(await rest.stranger.get(f"/update-proposals/{proposal}"), 404, "NOT_FOUND")
        refused(await rest.stranger.delete(f"/update-proposals/{proposal}"), 404, "NOT_FOUND")
        (task,) = [t for t in (await north.state())["tasks"] if t["status"] == "submitted"]
        await north.decide("approve", task_id=task["task_id"])
        ok(await rest.member.get(f"/campaigns/{campaign}/media-buy-status"))
        assert ok(await rest.member.get(f"/update-proposals/{proposal}"))["status"] == "APPROVED"
        refused(await rest.member.delete(f"/update-proposals/{proposal}"), 409, "CONFLICT")
        assert (await get(rest, campaign))["allocatedBudget"] == 700

    async def test_one_that_is_withdrawn_and_carried_out_all_the_same_pauses_the_buy(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        await north.set_faults("approval", tool="update_media_buy", times=1)
        body = ok(await rest.member.patch(f"/media-buys/{buy}", json=pending_edit(await package_of(rest, campaign))))
        proposal = body["mediaBuy"]["pendingChange"]["proposalId"]
        assert (await rest.member.delete(f"/update-proposals/{proposal}")).status_code == 204
        gone = ok(await rest.member.get(f"/update-proposals/{proposal}"))
        assert (gone["status"], gone["rejectionReason"]) == ("REJECTED", "Withdrawn by the buyer.")
        assert "pendingChange" not in ok(await rest.member.get(f"/media-buys/{buy}"))["mediaBuy"]
        (task,) = [t for t in (await north.state())["tasks"] if t["status"] == "submitted"]
        await north.decide("approve", task_id=task["task_id"])
        ok(await rest.member.get(f"/campaigns/{campaign}/media-buy-status"))
        shown = ok(await rest.member.get(f"/media-buys/{buy}"))["mediaBuy"]
        assert (shown["status"], shown["errorCode"]) == ("PAUSED", "platform_error")
        refused(await rest.member.get("/update-proposals/op_unknown"), 404, "NOT_FOUND")
        refused(await rest.member.delete("/update-proposals/op_unknown"), 404, "NOT_FOUND")


def pending_edit(package: str) -> Any:
    return {"packages": [{"packageId": package, "budget": 800}]}


async def asked_of_sellers(rest: Rest, buy: str) -> list[Any]:
    async with rest.world.work().reading() as tx:
        return [(o.prepared.tool, o.prepared.arguments) for o in await tx.operations.of_buy(MediaBuyId(buy))]


QUIET = {"preview": "true"}


class TestPreview:
    """Nothing is called and nothing is written; what is told is what is then done."""

    async def test_what_is_listed_is_what_is_written_and_sent(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        before, calls = await get(rest, campaign), len(await north.calls("update_media_buy"))
        earlier = await asked_of_sellers(rest, buy)
        package = {"packageId": await package_of(rest, campaign), "budget": 640.25}
        body = {"name": "New", "mediaBuys": [{"mediaBuyId": buy, "packages": [package]}]}
        told = ok(await rest.member.put(f"/campaigns/{campaign}", json=body, params=QUIET))
        assert (told["preview"], told["refusals"]) == (True, [])
        assert {"path": "name", "before": before["name"], "after": "New"} in told["changes"]
        (operation,) = told["operations"]
        assert (operation["amountBefore"], operation["amountAfter"], operation["currency"]) == (1000, 640.25, "USD")
        assert await get(rest, campaign) == before
        assert len(await north.calls("update_media_buy")) == calls
        assert await asked_of_sellers(rest, buy) == earlier
        ok(await rest.member.put(f"/campaigns/{campaign}", json=body))
        (written,) = (await asked_of_sellers(rest, buy))[len(earlier) :]
        assert written == (operation["tool"], operation["arguments"])
        assert (await north.buys())[0]["packages"][0]["budget"] == 64_025

    async def test_every_refusal_is_told(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        entries = [
            {"mediaBuyId": "mb_unknown"},
            {"mediaBuyId": buy, "packages": [{"packageId": "nobody", "budget": 1.001}], "end_time": at(days=400)},
        ]
        body = {"mediaBuys": entries, "budget": {"currency": "EUR"}}
        told = ok(await rest.member.put(f"/campaigns/{campaign}", json=body, params=QUIET))
        assert {(r["code"], r.get("field")) for r in told["refusals"]} == {
            ("CURRENCY_MISMATCH", "budget.currency"),
            ("NOT_FOUND", "mediaBuys[0].mediaBuyId"),
            ("VALIDATION_ERROR", "mediaBuys[1].packages[0].packageId"),
            ("VALIDATION_ERROR", "mediaBuys[1].end_time"),
        }
        wrong = {"mediaBuys": [{"nonsense": 1}]}
        refused(await rest.member.put(f"/campaigns/{campaign}", json=wrong, params=QUIET), 400, "VALIDATION_ERROR")
        refused(await rest.member.put("/campaigns/cmp_1", json={}, params=QUIET), 404, "NOT_FOUND")
        over = {"budget": {"total": 10}}
        told = ok(await rest.member.put(f"/campaigns/{campaign}", json=over, params=QUIET))
        assert [r["code"] for r in told["refusals"]] == ["INSUFFICIENT_MEDIA_BUDGET"]

    async def test_execute_tells_what_it_would_place(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy, _ = await a_draft(rest, north)
        told = ok(await rest.member.post(f"/campaigns/{campaign}/execute", params=QUIET))
        (operation,) = told["operations"]
        assert (operation["tool"], operation["amountBefore"], operation["amountAfter"]) == ("create_media_buy", 0, 400)
        assert told["changes"] == [{"path": "status", "before": "DRAFT", "after": "ACTIVE"}]
        assert (await north.buys(), await asked_of_sellers(rest, buy)) == ([], [])
        ok(await rest.member.post(f"/campaigns/{campaign}/execute"))
        assert (await asked_of_sellers(rest, buy))[0] == ("create_media_buy", operation["arguments"])

    async def test_pause_and_reactivate_tell_what_they_would_ask(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        for path in (f"/campaigns/{campaign}", f"/media-buys/{buy}"):
            for verb, paused in (("pause", True), ("reactivate", False)):
                told = ok(await rest.member.post(f"{path}/{verb}", params=QUIET))
                assert told["refusals"] == []
                (operation,) = told["operations"]
                assert operation["arguments"]["paused"] is paused
                known = len(await asked_of_sellers(rest, buy))
                ok(await rest.member.post(f"{path}/{verb}"))
                assert (await asked_of_sellers(rest, buy))[known][1] == operation["arguments"]
        told = ok(await rest.member.post(f"/media-buys/{buy}/reactivate", params=QUIET))
        assert [r["code"] for r in told["refusals"]] == ["CONFLICT"]
        told = ok(await rest.member.post(f"/campaigns/{campaign}/reactivate", params=QUIET))
        assert [r["code"] for r in told["refusals"]] == ["VALIDATION_ERROR"]

    async def test_one_buy_tells_that_it_widens_the_flight(self, rest: Rest, north: SandboxHandle) -> None:
        campaign, buy = await a_live_campaign(rest, north)
        before = await get(rest, campaign)
        told = ok(await rest.member.patch(f"/media-buys/{buy}", json={"end_time": at(days=45)}, params=QUIET))
        assert len(told["warnings"]) == 1
        assert {change["path"] for change in told["changes"]} == {"flight", f"mediaBuys.{buy}.endTime"}
        assert await get(rest, campaign) == before
