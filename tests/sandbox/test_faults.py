"""Each switch does what it says, and nothing once it is off. Broken connections are in test_cuts.py."""

from __future__ import annotations

import json

import httpx
import pytest

from buyside.sandbox.app import create
from buyside.sandbox.faults import KINDS, parse
from tests.sandbox.buyer import ACCOUNT, Buyer, Hand, banner


class TestReplays:
    async def test_the_same_order_again_is_answered_from_memory(self, buyer: Buyer) -> None:
        order = buyer.order()
        first = await buyer.done("create_media_buy", **order)
        again = await buyer.done(
            "create_media_buy", **{**order, "packages": [{**order["packages"][0], "budget": 100.0}]}
        )
        assert again == {**first, "replayed": True}
        assert len((await buyer.inside())["media_buys"]) == 1

    async def test_the_same_key_for_another_order_is_a_conflict(self, buyer: Buyer) -> None:
        order = buyer.order()
        await buyer.done("create_media_buy", **order)
        error = await buyer.refused("create_media_buy", **{**order, "packages": [buyer.package(budget=200)]})
        assert error["code"] == "IDEMPOTENCY_CONFLICT"

    async def test_only_the_context_may_differ_and_is_echoed_as_it_now_is(self, buyer: Buyer) -> None:
        order = buyer.order(context={"try": 1})
        await buyer.done("create_media_buy", **order)
        again = await buyer.done("create_media_buy", **{**order, "context": {"try": 2}})
        assert (again["replayed"], again["context"]) == (True, {"try": 2})

    async def test_a_refusal_is_not_remembered(self, buyer: Buyer) -> None:
        await buyer.faulty("reject", times=1)
        order = buyer.order()
        await buyer.refused("create_media_buy", **order)
        assert "replayed" not in await buyer.done("create_media_buy", **order)

    async def test_a_key_is_the_callers_and_the_tools_own(self, buyer: Buyer) -> None:
        order = buyer.order()
        await buyer.done("create_media_buy", **order)
        buyer.headers["authorization"] = "Bearer another"
        assert "replayed" not in await buyer.done("create_media_buy", **order)
        accounts = {"idempotency_key": order["idempotency_key"], "accounts": [ACCOUNT]}
        assert "replayed" not in await buyer.done("sync_accounts", **accounts)

    async def test_a_key_outlives_a_day_of_the_simulated_clock_but_not_of_the_real_one(
        self, buyer: Buyer, hand: Hand
    ) -> None:
        order = buyer.order()
        await buyer.done("create_media_buy", **order)
        await buyer.control("clock", advance_seconds=5 * 86400)
        assert (await buyer.done("create_media_buy", **order))["replayed"]
        hand.forward(days=1, seconds=1)
        assert (await buyer.refused("create_media_buy", **order))["code"] == "IDEMPOTENCY_EXPIRED"

    async def test_idempotency_expired(self, buyer: Buyer) -> None:
        order = buyer.order()
        await buyer.done("create_media_buy", **order)
        await buyer.faulty("idempotency_expired")
        assert (await buyer.refused("create_media_buy", **order))["code"] == "IDEMPOTENCY_EXPIRED"

    async def test_no_idempotency_books_twice_and_says_so(self, buyer: Buyer) -> None:
        await buyer.faulty("no_idempotency")
        assert (await buyer.done("get_adcp_capabilities"))["adcp"]["idempotency"] == {"supported": False}
        order = buyer.order()
        first, second = [await buyer.done("create_media_buy", **order) for _ in range(2)]
        assert first["media_buy_id"] != second["media_buy_id"]
        await buyer.done("create_media_buy", **{**order, "idempotency_key": None})


class TestApproval:
    async def test_an_order_is_submitted_and_booked_once_approved(self, buyer: Buyer) -> None:
        await buyer.faulty("approval")
        order = buyer.order(buyer.package(creatives=[banner()]), context={"internal_campaign_id": "c"})
        answer = await buyer.done("create_media_buy", **order)
        assert answer["status"] == "submitted"
        assert "media_buy_id" not in answer
        assert (await buyer.inside())["media_buys"] == []
        task = {"task_id": answer["task_id"], "include_result": True}
        assert (await buyer.done("get_task_status", **task))["status"] == "submitted"
        assert (await buyer.done("create_media_buy", **order))["replayed"]
        await buyer.control("decide", task_id=answer["task_id"], decision="input", message="Which brand?")
        waiting = await buyer.done("tasks/get", **task)
        assert (waiting["status"], waiting["message"]) == ("input-required", "Which brand?")
        await buyer.control("decide", task_id=answer["task_id"], decision="approve")
        status = await buyer.done("get_task_status", **task)
        assert (status["status"], status["result"]["media_buy_status"]) == ("completed", "active")
        assert status["result"]["context"] == {"internal_campaign_id": "c"}
        assert "result" not in await buyer.done("get_task_status", task_id=answer["task_id"])
        assert (await buyer.read(status["result"]))["status"] == "active"
        assert [row["status"] for row in (await buyer.done("list_tasks"))["tasks"]] == ["completed"]

    async def test_a_rejected_order_is_never_booked(self, buyer: Buyer) -> None:
        await buyer.faulty("approval")
        answer = await buyer.done("create_media_buy", **buyer.order())
        await buyer.control("decide", task_id=answer["task_id"], decision="reject", message="Not this brand.")
        status = await buyer.done("get_task_status", task_id=answer["task_id"])
        assert (status["status"], status["error"]["message"]) == ("rejected", "Not this brand.")
        assert (await buyer.inside())["media_buys"] == []

    async def test_approval_comes_when_it_is_due(self, buyer: Buyer, hand: Hand) -> None:
        await buyer.faulty(approval_after=3600)
        answer = await buyer.done("create_media_buy", **buyer.order(buyer.package(creatives=[banner()])))
        hand.forward(minutes=59)
        assert (await buyer.done("get_task_status", task_id=answer["task_id"]))["status"] == "submitted"
        hand.forward(days=1)
        status = await buyer.done("get_task_status", task_id=answer["task_id"], include_result=True)
        assert status["completed_at"] == "2026-03-02T01:00:00Z"
        # It has run since it was due, not since somebody asked.
        assert (await buyer.delivery(status["result"]))["totals"]["spend"] == pytest.approx(10, abs=0.1)

    async def test_a_pending_buy_does_not_run_until_it_is_approved(self, buyer: Buyer, hand: Hand) -> None:
        await buyer.faulty("pending")
        buy = await buyer.live()
        assert (buy["media_buy_status"], buy["confirmed_at"]) == ("pending_start", None)
        hand.forward(days=1)
        await buyer.control("decide", media_buy_id=buy["media_buy_id"], decision="approve")
        read = await buyer.read(buy)
        assert (read["status"], read["confirmed_at"]) == ("active", "2026-03-03T00:00:00Z")
        hand.forward(days=1)
        assert (await buyer.delivery(buy))["totals"]["spend"] == pytest.approx(10, abs=0.01)

    async def test_approval_of_a_paused_buy_leaves_it_paused(self, buyer: Buyer, hand: Hand) -> None:
        await buyer.faulty("pending")
        buy = await buyer.live(paused=True)
        await buyer.control("decide", media_buy_id=buy["media_buy_id"], decision="approve")
        hand.forward(days=1)
        row = await buyer.delivery(buy)
        assert (row["status"], row["totals"]["spend"]) == ("paused", 0)

    async def test_a_pending_buy_can_be_rejected(self, buyer: Buyer) -> None:
        await buyer.faulty("pending")
        buy = await buyer.live()
        await buyer.control("decide", media_buy_id=buy["media_buy_id"], decision="reject", message="No space.")
        read = await buyer.read(buy)
        assert (read["status"], read["rejection_reason"]) == ("rejected", "No space.")

    async def test_a_change_can_wait_for_approval_too(self, buyer: Buyer) -> None:
        buy = await buyer.live()
        await buyer.faulty("approval", tool="update_media_buy")
        answer = await buyer.update(buy, paused=True)
        assert answer["status"] == "submitted"
        assert (await buyer.read(buy))["status"] == "active"
        done = await buyer.control("decide", task_id=answer["task_id"], decision="approve")
        assert done["result"]["media_buy_status"] == "paused"
        assert (await buyer.read(buy))["status"] == "paused"

    async def test_needs_input(self, buyer: Buyer) -> None:
        await buyer.faulty(needs_input="Who pays?")
        answer = await buyer.done("create_media_buy", **buyer.order())
        assert (answer["status"], answer["message"]) == ("input-required", "Who pays?")
        assert (await buyer.inside())["media_buys"] == []

    async def test_there_is_nothing_to_decide_twice(self, buyer: Buyer) -> None:
        await buyer.faulty("approval")
        task_id = (await buyer.done("create_media_buy", **buyer.order()))["task_id"]
        await buyer.control("decide", task_id=task_id, decision="approve")
        for body in ({"task_id": task_id, "decision": "reject"}, {"task_id": task_id, "decision": "perhaps"}):
            response = await buyer.client.post(f"{buyer.base_url}/_sandbox/decide", json=body)
            assert response.status_code == 400


class TestRefusals:
    async def test_reject(self, buyer: Buyer) -> None:
        await buyer.faulty(reject="PRODUCT_UNAVAILABLE")
        assert (await buyer.refused("create_media_buy", **buyer.order()))["code"] == "PRODUCT_UNAVAILABLE"

    async def test_refuse_update(self, buyer: Buyer) -> None:
        buy = await buyer.live()
        await buyer.faulty("refuse_update")
        assert (await buyer.update(buy, paused=True))["adcp_error"]["code"] == "INVALID_STATE"
        assert (await buyer.read(buy))["status"] == "active"

    async def test_rate_limit(self, buyer: Buyer) -> None:
        await buyer.faulty(rate_limit=7, tool="get_products", times=1)
        error = await buyer.refused("get_products")
        assert (error["code"], error["retry_after"], error["recovery"]) == ("RATE_LIMITED", 7, "transient")
        await buyer.done("get_products")

    async def test_stale_revision_strikes_once_and_somebody_else_was_there(self, buyer: Buyer) -> None:
        buy = await buyer.live()
        await buyer.faulty("stale_revision")
        error = (await buyer.update(buy, paused=True, revision=1))["adcp_error"]
        assert (error["code"], error["details"]["current_revision"]) == ("CONFLICT", 2)
        read = await buyer.read(buy, include_history=1)
        assert (read["revision"], read["history"][0]["actor"]) == (2, "seller")
        assert (await buyer.update(buy, paused=True, revision=2))["revision"] == 3

    async def test_completed_with_errors_does_nothing(self, buyer: Buyer) -> None:
        buy = await buyer.live()
        await buyer.faulty("completed_with_errors")
        answer = await buyer.update(buy, paused=True)
        assert (answer["status"], answer["errors"][0]["code"]) == ("completed", "CONFLICT")
        assert "media_buy_id" not in answer
        assert (await buyer.read(buy))["status"] == "active"

    async def test_drop_creatives(self, buyer: Buyer) -> None:
        await buyer.faulty(drop_creatives="second")
        asked = {"account": ACCOUNT, "creatives": [banner("first"), banner("second")]}
        found = await buyer.done("sync_creatives", idempotency_key=buyer.key(), **asked)
        assert [row["action"] for row in found["creatives"]] == ["created", "failed"]

    async def test_require_sync_accounts(self, buyer: Buyer) -> None:
        await buyer.faulty("require_sync_accounts")
        order = buyer.order()
        assert (await buyer.refused("create_media_buy", **order))["code"] == "ACCOUNT_NOT_FOUND"
        await buyer.done("sync_accounts", idempotency_key=buyer.key(), accounts=[ACCOUNT])
        await buyer.done("create_media_buy", **order)

    async def test_http_error(self, buyer: Buyer) -> None:
        await buyer.faulty(http_error=502, tool="get_products")
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_products"}}
        assert (await buyer.post(call)).status_code == 502
        assert (await buyer.inside("log"))["calls"][-1]["outcome"] == "http 502"


class TestWrongBookings:
    @pytest.mark.parametrize(("value", "booked"), [(True, 110), (95.5, 95.5)])
    async def test_wrong_budget(self, buyer: Buyer, value: object, booked: float) -> None:
        await buyer.faulty(wrong_budget=value)
        buy = await buyer.buy()
        assert buy["packages"][0]["budget"] == booked
        assert (await buyer.read(buy))["packages"][0]["budget"] == booked

    async def test_wrong_currency(self, buyer: Buyer) -> None:
        await buyer.faulty("wrong_currency")
        assert (await buyer.buy())["currency"] == "EUR"

    async def test_wrong_dates(self, buyer: Buyer) -> None:
        await buyer.faulty("wrong_dates")
        assert (await buyer.read(await buyer.buy()))["end_time"] == "2026-03-13T00:00:00Z"

    async def test_refuse_paused(self, buyer: Buyer) -> None:
        await buyer.faulty("refuse_paused")
        buy = await buyer.live(buyer.package(paused=True), paused=True)
        assert buy["media_buy_status"] == "active"

    async def test_a_fault_can_strike_one_product_only(self, buyer: Buyer) -> None:
        await buyer.faulty("reject", product_id=buyer.product("ctv_premium"))
        await buyer.buy()
        error = await buyer.refused("create_media_buy", **buyer.order(buyer.package("ctv_premium")))
        assert error["code"] == "POLICY_VIOLATION"
        proposal = buyer.order(proposal_id="north_screens", total_budget={"amount": 500, "currency": "USD"})
        assert "code" in await buyer.refused("create_media_buy", **{**proposal, "packages": None})


class TestShapes:
    async def test_null_filled(self, buyer: Buyer) -> None:
        await buyer.faulty("null_filled")
        buy = await buyer.call("create_media_buy", **buyer.order())
        assert (buy["errors"], buy["creative_deadline"], buy["packages"][0]["bid_price"]) == (None, None, None)
        assert buy["media_buy_id"]
        products = await buyer.call("get_products")
        assert products["products"][0]["pricing_options"][0]["floor_price"] is None

    async def test_unknown_argument_rejection_is_declared_and_kept(self, buyer: Buyer) -> None:
        await buyer.faulty("unknown_argument_rejection")
        tools = (await buyer.rpc("tools/list"))["result"]["tools"]
        declared = {tool["name"]: tool["inputSchema"] for tool in tools}
        unknown = {"adcp_version": "3.1", "adcp_major_version": 3, "buying_mode": "wholesale", "account": ACCOUNT}
        assert not declared["get_products"]["properties"].keys() & unknown.keys()
        for name, value in unknown.items():
            error = await buyer.refused("get_products", **{name: value})
            assert (error["code"], error["field"]) == ("VALIDATION_ERROR", name)
            assert "Unexpected keyword argument" in error["message"]
        await buyer.done("get_products", brief="video")
        await buyer.done("sync_accounts", accounts=[ACCOUNT])
        await buyer.buy()

    async def test_legacy_status(self, buyer: Buyer) -> None:
        await buyer.faulty("legacy_status")
        assert "supported_versions" not in (await buyer.done("get_adcp_capabilities"))["adcp"]
        buy = await buyer.live()
        assert buy.keys() == {"status", "media_buy_id", "packages"}
        assert buy["status"] == "active"
        assert (await buyer.update(buy, paused=True))["status"] == "paused"

    async def test_huge_tools_list(self, buyer: Buyer) -> None:
        await buyer.faulty("huge_tools_list")
        response = await buyer.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert 2_900_000 < len(response.content) < 3_300_000

    async def test_sse(self, buyer: Buyer) -> None:
        await buyer.faulty("sse")
        response = await buyer.post({"jsonrpc": "2.0", "id": 1, "method": "ping"})
        assert response.headers["content-type"].startswith("text/event-stream")
        events = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
        assert json.loads(events[-1]) == {"jsonrpc": "2.0", "id": 1, "result": {}}


class TestDoor:
    async def test_require_token_takes_either_header(self, buyer: Buyer) -> None:
        await buyer.faulty(require_token="secret")
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        refused = await buyer.post(ping)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert refused.json()["error"]["data"]["adcp_error"]["code"] == "AUTH_REQUIRED"
        wrong = await buyer.post(ping, authorization="Bearer wrong")
        assert wrong.json()["error"]["data"]["adcp_error"]["code"] == "AUTH_INVALID"
        assert (await buyer.post(ping, authorization="Bearer secret")).status_code == 200
        assert (await buyer.post(ping, **{"x-adcp-auth": "secret"})).status_code == 200

    async def test_require_headers(self, buyer: Buyer) -> None:
        await buyer.faulty(require_headers="x-tenant: north; x-team: two")
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert (await buyer.post(ping, **{"x-tenant": "north"})).status_code == 401
        assert (await buyer.post(ping, **{"x-tenant": "north", "x-team": "two"})).status_code == 200

    async def test_unauthorized_whatever_is_presented(self, buyer: Buyer) -> None:
        await buyer.faulty("unauthorized")
        response = await buyer.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}, authorization="Bearer any")
        assert response.status_code == 401

    async def test_down_leaves_only_the_controls(self, buyer: Buyer) -> None:
        await buyer.faulty("down")
        for path in ("/health", "/.well-known/agent-card.json"):
            assert (await buyer.client.get(f"{buyer.base_url}{path}")).status_code == 503
        assert (await buyer.post({"jsonrpc": "2.0", "id": 1, "method": "ping"})).status_code == 503
        await buyer.control("faults", clear=["down"])
        assert (await buyer.client.get(f"{buyer.base_url}/health")).status_code == 200

    @pytest.mark.parametrize(
        ("fault", "method", "path"),
        [("no_mcp", "POST", "/mcp"), ("no_a2a", "POST", "/a2a"), ("no_a2a", "GET", "/.well-known/agent.json")],
    )
    async def test_a_protocol_can_be_missing(self, buyer: Buyer, fault: str, method: str, path: str) -> None:
        await buyer.faulty(fault)
        assert (await buyer.client.request(method, f"{buyer.base_url}{path}")).status_code == 404

    async def test_a_page_of_another_origin_is_kept_out(self, buyer: Buyer) -> None:
        url = f"{buyer.base_url}/_sandbox/state"
        assert (await buyer.client.get(url, headers={"origin": "http://evil.example"})).status_code == 403
        assert (await buyer.client.get(url, headers={"origin": buyer.base_url})).status_code == 200


class TestSwitches:
    def test_a_fault_is_named_with_a_value_and_a_tool(self) -> None:
        fault = parse("rate_limit=5@create_media_buy")
        assert (fault.name, fault.value, set(fault.tools)) == ("rate_limit", "5", {"create_media_buy"})
        assert parse("require_token=a@b").value == "a@b"
        assert parse("reject").value == "POLICY_VIOLATION"

    @pytest.mark.parametrize("text", ["nonsense", "slow=soon", "require_token", "rate_limit=x"])
    def test_one_that_cannot_be_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"."):
            parse(text)

    async def test_they_are_set_at_the_start_and_return_with_a_reset(self, hand: Hand) -> None:
        app = create("North", clock=hand, faults=["reject=TERMS_REJECTED"])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
            buyer = Buyer(client, "http://north", "North")
            await buyer.open()
            assert (await buyer.refused("create_media_buy", **buyer.order()))["code"] == "TERMS_REJECTED"
            await buyer.control("faults", clear=["reject"])
            await buyer.buy()
            await buyer.control("reset")
            assert (await buyer.refused("create_media_buy", **buyer.order()))["code"] == "TERMS_REJECTED"
        app.state.seller.close()

    async def test_one_that_there_is_not_changes_nothing(self, buyer: Buyer) -> None:
        body = {"set": {"reject": True, "nonsense": True}}
        response = await buyer.client.post(f"{buyer.base_url}/_sandbox/faults", json=body)
        assert response.status_code == 400
        assert (await buyer.inside("faults"))["faults"] == []

    def test_each_says_what_it_does(self) -> None:
        assert all(kind.summary for kind in KINDS.values())
