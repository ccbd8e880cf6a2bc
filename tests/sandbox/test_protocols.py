"""MCP and A2A as any client speaks them, over a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.sandbox.buyer import Buyer, Doc, Hand
from tests.sandbox_server import SandboxHandle, sandbox

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.fixture
async def seller(hand: Hand) -> AsyncIterator[SandboxHandle]:
    async with sandbox("North", clock=hand) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
async def buyer(seller: SandboxHandle, http: httpx.AsyncClient) -> Buyer:
    one = Buyer(http, seller.base_url, "North")
    await one.open()
    return one


class TestMCP:
    async def test_a_session_begins_is_needed_and_ends(self, buyer: Buyer) -> None:
        session = buyer.headers.pop("mcp-session-id")
        assert (await buyer.post(PING)).status_code == 400
        assert (await buyer.post(PING, **{"mcp-session-id": "unknown"})).status_code == 404
        buyer.headers["mcp-session-id"] = session
        assert (await buyer.rpc("ping"))["result"] == {}
        url = f"{buyer.base_url}/mcp"
        assert (await buyer.client.delete(url, headers=buyer.headers)).status_code == 204
        assert (await buyer.client.delete(url, headers=buyer.headers)).status_code == 404
        assert (await buyer.post(PING)).status_code == 404

    async def test_it_answers_in_the_protocol_version_of_the_client_or_its_own(self, buyer: Buyer) -> None:
        for asked, given in (("2025-03-26", "2025-03-26"), ("1999-01-01", "2025-11-25")):
            body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": asked}}
            assert (await buyer.post(body)).json()["result"]["protocolVersion"] == given
        assert (await buyer.post(PING, **{"mcp-protocol-version": "1999-01-01"})).status_code == 400

    async def test_get_is_not_offered(self, buyer: Buyer) -> None:
        response = await buyer.client.get(f"{buyer.base_url}/mcp", headers=buyer.headers)
        assert (response.status_code, response.headers["allow"]) == (405, "POST, DELETE")

    async def test_a_slash_more_is_the_same_endpoint(self, buyer: Buyer) -> None:
        response = await buyer.client.post(f"{buyer.base_url}/mcp/", json=PING, headers=buyer.headers)
        assert response.status_code == 200

    @pytest.mark.parametrize(
        ("accept", "kind"),
        [
            ("application/json, text/event-stream", "application/json"),
            ("application/json", "application/json"),
            ("text/event-stream", "text/event-stream"),
            ("*/*", "application/json"),
        ],
    )
    async def test_the_answer_comes_as_the_client_accepts_it(self, buyer: Buyer, accept: str, kind: str) -> None:
        response = await buyer.post(PING, accept=accept)
        assert response.headers["content-type"].split(";")[0] == kind

    async def test_what_nobody_can_read_is_not_sent(self, buyer: Buyer) -> None:
        assert (await buyer.post(PING, accept="text/html")).status_code == 406

    @pytest.mark.parametrize(
        "body", [b"{", b"[]", b'{"id":1,"method":"ping"}', b'{"jsonrpc":"2.0","params":[1]}', b"NaN"]
    )
    async def test_what_is_no_message_is_a_bad_request(self, buyer: Buyer, body: bytes) -> None:
        url = f"{buyer.base_url}/mcp"
        assert (await buyer.client.post(url, content=body, headers=buyer.headers)).status_code == 400

    async def test_unknown_methods_and_tools_are_errors_of_the_protocol(self, buyer: Buyer) -> None:
        assert (await buyer.rpc("resources/list"))["error"]["code"] == -32601
        assert (await buyer.rpc("tools/call", {"name": "sell_everything"}))["error"]["code"] == -32602

    async def test_every_tool_declares_its_arguments(self, buyer: Buyer) -> None:
        tools: list[Doc] = (await buyer.rpc("tools/list"))["result"]["tools"]
        declared = {tool["name"]: tool for tool in tools}
        assert {"create_media_buy", "get_products", "get_task_status", "tasks/get", "list_tasks"} <= declared.keys()
        assert all(tool["description"] and tool["inputSchema"]["type"] == "object" for tool in tools)
        create = declared["create_media_buy"]["inputSchema"]
        assert "idempotency_key" in create["required"]
        assert create["properties"]["packages"]["items"]["required"] == ["product_id", "pricing_option_id", "budget"]

    async def test_the_text_says_what_the_structure_says(self, buyer: Buyer) -> None:
        result = (await buyer.rpc("tools/call", {"name": "get_products", "arguments": {"context": {"n": 1.5}}}))[
            "result"
        ]
        (text,) = result["content"]
        assert json.loads(text["text"]) == result["structuredContent"]
        assert result["structuredContent"]["context"] == {"n": 1.5}
        assert result["isError"] is False

    async def test_an_error_is_said_in_both_places_and_echoes_the_context(self, buyer: Buyer) -> None:
        given = {"task_id": "unknown", "context": {"ours": True}}
        result = (await buyer.rpc("tools/call", {"name": "get_task_status", "arguments": given}))["result"]
        assert result["isError"] is True
        assert result["structuredContent"]["adcp_error"]["code"] == "REFERENCE_NOT_FOUND"
        assert result["structuredContent"]["context"] == {"ours": True}


class Speaker:
    """A2A in one version."""

    def __init__(self, http: httpx.AsyncClient, url: str, version: str) -> None:
        self.http, self.url, self.version = http, url, version
        self.new = version == "1.0"

    async def rpc(self, method: str, params: Doc, **headers: str) -> Doc:
        sent = {"a2a-version": self.version, **headers} if self.new else headers
        body = {"jsonrpc": "2.0", "id": "x", "method": method, "params": params}
        response = await self.http.post(self.url, json=body, headers=sent)
        assert response.status_code == 200, response.text
        doc = response.json()
        assert isinstance(doc, dict)
        return doc

    async def task(self, data: Doc, **headers: str) -> Doc:
        part = {"data": data} if self.new else {"kind": "data", "data": data}
        message = {"messageId": "m1", "role": "ROLE_USER" if self.new else "user", "parts": [part]}
        params = {"message": message if self.new else {**message, "kind": "message"}}
        doc = (await self.rpc("SendMessage" if self.new else "message/send", params, **headers))["result"]
        return dict(doc["task"]) if self.new else dict(doc)

    async def again(self, task: Doc, **headers: str) -> Doc:
        return await self.rpc("GetTask" if self.new else "tasks/get", {"id": task["id"]}, **headers)


def _state(task: Doc) -> str:
    state: str = task["status"]["state"]
    return state.removeprefix("TASK_STATE_").lower().replace("_", "-")


def _data(holder: Doc) -> Doc:
    (data,) = [part["data"] for part in holder["parts"] if "data" in part]
    assert isinstance(data, dict)
    return data


@pytest.fixture(params=["1.0", "0.3"])
def speaker(request: pytest.FixtureRequest, seller: SandboxHandle, http: httpx.AsyncClient) -> Speaker:
    return Speaker(http, seller.a2a_url, request.param)


class TestA2A:
    async def test_a_skill_is_called_and_brings_an_artifact(self, speaker: Speaker) -> None:
        for name in ("parameters", "input"):
            task = await speaker.task({"skill": "get_products", name: {"brief": "video", "context": {"a": 1}}})
            assert _state(task) == "completed"
            (artifact,) = task["artifacts"]
            assert _data(artifact)["products"]
            assert _data(artifact)["context"] == {"a": 1}
            assert ("kind" in task) is not speaker.new

    async def test_an_error_fails_the_task(self, speaker: Speaker) -> None:
        task = await speaker.task({"skill": "create_media_buy", "input": {}})
        assert _state(task) == "failed"
        assert _data(task["artifacts"][0])["adcp_error"]["code"] == "VALIDATION_ERROR"

    async def test_a_submitted_order_is_found_under_its_task_id(
        self, speaker: Speaker, seller: SandboxHandle, buyer: Buyer
    ) -> None:
        await seller.set_faults("approval")
        task = await speaker.task({"skill": "create_media_buy", "input": buyer.order()})
        assert _state(task) == "submitted"
        assert _data(task["status"]["message"])["task_id"] == task["id"]
        asked = await speaker.task({"skill": "get_task_status", "input": {"task_id": task["id"]}})
        assert (_state(asked), _data(asked["artifacts"][0])["status"]) == ("completed", "submitted")
        await seller.decide("approve", task_id=task["id"])
        done = (await speaker.again(task))["result"]
        assert _state(done) == "completed"
        assert _data(done["artifacts"][0])["media_buy_id"]
        assert done["contextId"] == task["contextId"]

    async def test_a_rejected_order_is_a_rejected_task(
        self, speaker: Speaker, seller: SandboxHandle, buyer: Buyer
    ) -> None:
        await seller.set_faults("approval")
        task = await speaker.task({"skill": "create_media_buy", "input": buyer.order()})
        await seller.decide("reject", task_id=task["id"], message="No.")
        done = (await speaker.again(task))["result"]
        assert (_state(done), _data(done["artifacts"][0])["adcp_error"]["message"]) == ("rejected", "No.")

    async def test_needs_input_says_so_in_the_status(
        self, speaker: Speaker, seller: SandboxHandle, buyer: Buyer
    ) -> None:
        await seller.set_faults("needs_input")
        task = await speaker.task({"skill": "create_media_buy", "input": buyer.order()})
        assert _state(task) == "input-required"
        assert "artifacts" not in task

    async def test_a_task_of_somebody_else_does_not_exist(self, speaker: Speaker) -> None:
        task = await speaker.task({"skill": "list_accounts"})
        assert (await speaker.again(task))["result"]["id"] == task["id"]
        assert (await speaker.again(task, authorization="Bearer other"))["error"]["code"] == -32001

    async def test_answers_full_of_nulls_travel_too(self, speaker: Speaker, seller: SandboxHandle) -> None:
        await seller.set_faults("null_filled")
        task = await speaker.task({"skill": "list_accounts"})
        assert _state(task) == "completed"
        assert _data(task["artifacts"][0])["adcp_error"] is None

    async def test_without_a_skill_it_asks_for_one(self, speaker: Speaker) -> None:
        assert _state(await speaker.task({"hello": "there"})) == "input-required"

    async def test_the_log_tells_the_protocol(self, speaker: Speaker, seller: SandboxHandle) -> None:
        await speaker.task({"skill": "list_accounts"})
        assert [(call["protocol"], call["tool"]) for call in (await seller.log())["calls"]] == [
            ("A2A", "list_accounts")
        ]

    async def test_the_names_of_one_version_are_unknown_to_the_other(
        self, seller: SandboxHandle, http: httpx.AsyncClient
    ) -> None:
        new, old = Speaker(http, seller.a2a_url, "1.0"), Speaker(http, seller.a2a_url, "0.3")
        assert (await new.rpc("message/send", {}))["error"]["code"] == -32601
        assert (await new.rpc("SendMessage", {}, **{"a2a-version": "2.0"}))["error"]["code"] == -32009
        await seller.set_faults(a2a_version="0.3")
        assert (await new.rpc("SendMessage", {}))["error"]["code"] == -32601
        assert _state(await old.task({"skill": "list_accounts"})) == "completed"
        await seller.set_faults(a2a_version="1.0")
        assert (await old.rpc("message/send", {}))["error"]["code"] == -32601

    async def test_the_card_names_the_endpoint_for_both(self, seller: SandboxHandle, http: httpx.AsyncClient) -> None:
        for file in ("agent-card.json", "agent.json"):
            card: dict[str, Any] = (await http.get(f"{seller.base_url}/.well-known/{file}")).json()
            assert card["url"] == seller.a2a_url
            interfaces = [(one["url"], one["protocolVersion"]) for one in card["supportedInterfaces"]]
            assert interfaces == [(seller.a2a_url, "1.0"), (seller.a2a_url, "0.3")]
            assert {skill["id"] for skill in card["skills"]} >= {"get_products", "create_media_buy"}

    async def test_what_is_no_message_is_an_error(self, seller: SandboxHandle, http: httpx.AsyncClient) -> None:
        assert (await http.post(seller.a2a_url, content=b"{")).json()["error"]["code"] == -32700
        old = Speaker(http, seller.a2a_url, "0.3")
        assert (await old.rpc("message/send", {"message": {}}))["error"]["code"] == -32602
        assert (await old.rpc("tasks/cancel", {"id": "x"}))["error"]["code"] == -32601
