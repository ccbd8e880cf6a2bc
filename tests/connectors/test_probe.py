"""Asking sellers what they are: where they answer, what they declare, what is unusual about them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from buyside.connectors.adcp.mapping.capabilities import LONGEST_MEMORY
from buyside.connectors.adcp.probe import mcp_endpoints
from buyside.domain.errors import Unavailable
from buyside.domain.storefronts import Auth, AuthKind, Protocol
from tests.connectors.sellers import a_seller, sellers
from tests.connectors.servers import Handler, Request, a_tool, mcp, serving, tool_result

TOOLS = [
    a_tool("get_adcp_capabilities"),
    a_tool("get_products", "brief", "account"),
    a_tool("create_media_buy", "account", "packages", "idempotency_key"),
    a_tool("get_media_buys", "media_buy_ids"),
    a_tool("house_tool", "x"),
]
CAPABILITIES = {
    "adcp": {
        "major_versions": [3],
        "supported_versions": ["3.0", "3.1"],
        "idempotency": {"supported": True, "replay_ttl_seconds": 86400},
    },
    "supported_protocols": ["media_buy"],
    "account": {"require_operator_auth": True, "supported_billing": ["operator", "agent"], "sandbox": True},
    "future": {"kept": None, "too": 1},
}


def seller(capabilities: Any = CAPABILITIES, tools: list[dict[str, Any]] = TOOLS, **more: Any) -> Handler:
    async def on_call(request: Request) -> None:
        assert request.message["params"]["name"] == "get_adcp_capabilities"
        await request.result(tool_result(capabilities))

    return mcp(on_call, tools=tools, **more)


async def test_a_profile_holds_what_the_seller_declares() -> None:
    async with serving(seller()) as server, sellers() as platform:
        profile = await platform.probe(a_seller(server.url))
    assert (profile.transport, profile.endpoint, profile.protocol_version) == (Protocol.MCP, server.url, "2025-06-18")
    assert (profile.versions, profile.replay_ttl) == (("3.0", "3.1"), 86400)
    assert (profile.requires_account_id, profile.billing, profile.sandbox) == (True, ("operator", "agent"), True)
    assert set(profile.tools) == {each["name"] for each in TOOLS}
    assert profile.capabilities["future"] == {"too": 1}
    assert profile.takes("get_products", "brief")
    assert not profile.takes("get_products", "adcp_version")
    assert any("own account id" in each for each in profile.quirks)


async def test_the_probes_session_is_given_back() -> None:
    async with serving(seller()) as server, sellers() as platform:
        await platform.probe(a_seller(server.url))
        assert server.requests[-1].method == "DELETE"


@pytest.mark.parametrize(
    ("capabilities", "ttl"),
    [
        ({}, None),
        ({"adcp": {"idempotency": {"supported": True}}}, None),
        ({"adcp": {"idempotency": {"supported": False, "replay_ttl_seconds": 86400}}}, None),
        ({"adcp": {"idempotency": {"replay_ttl_seconds": 3600}}}, 3600),
        ({"adcp": {"idempotency": {"replay_ttl_seconds": 0}}}, None),
        ({"adcp": {"idempotency": {"replay_ttl_seconds": "soon"}}}, None),
        ({"adcp": {"idempotency": {"replay_ttl_seconds": 10**15}}}, LONGEST_MEMORY),
        ({"adcp": {"idempotency": {"replay_ttl_seconds": 10**40}}}, None),
        ({"adcp": [1], "account": "x", "supported_versions": 3}, None),
    ],
)
async def test_a_replay_window_is_never_assumed(capabilities: Any, ttl: int | None) -> None:
    async with serving(seller(capabilities)) as server, sellers() as platform:
        assert (await platform.probe(a_seller(server.url))).replay_ttl == ttl


async def test_a_seller_without_capabilities_is_taken_as_3_0_without_idempotency() -> None:
    async with serving(seller(tools=TOOLS[1:])) as server, sellers() as platform:
        profile = await platform.probe(a_seller(server.url))
    assert (profile.versions, profile.replay_ttl) == ((), None)
    assert any("no get_adcp_capabilities" in each for each in profile.quirks)


async def test_quirks_say_what_is_left_out_and_what_is_sent_once() -> None:
    odd = [a_tool("create_media_buy", "packages"), a_tool("get_products", "brief")]
    async with serving(seller(tools=odd)) as server, sellers() as platform:
        quirks = " ".join((await platform.probe(a_seller(server.url))).quirks)
    assert "create_media_buy takes no idempotency_key" in quirks
    assert "create_media_buy, get_products take no account" in quirks
    assert "It has no get_media_buys." in quirks


async def test_tools_on_several_pages_and_three_megabytes_are_read() -> None:
    large = a_tool("get_products", "brief", description="x" * 3_300_000)

    async def handle(request: Request) -> None:
        if request.rpc != "tools/list":
            await seller()(request)
        elif "cursor" in request.message["params"]:
            await request.result({"tools": TOOLS})
        else:
            await request.stream()
            result = {"tools": [large], "nextCursor": "2"}
            await request.event({"jsonrpc": "2.0", "id": request.message["id"], "result": result})
            await request.end()

    async with serving(handle) as server, sellers() as platform:
        assert "create_media_buy" in (await platform.probe(a_seller(server.url))).tools


@pytest.mark.parametrize(
    ("given", "tried"),
    [
        ("https://s.example", ["", "/mcp", "/mcp/"]),
        ("https://s.example/", ["/", "/mcp", "/mcp/"]),
        ("https://s.example/mcp", ["/mcp", "/mcp/"]),
        ("https://s.example/mcp/", ["/mcp/", "/mcp"]),
        ("https://s.example/a?t=1", ["/a?t=1", "/a/?t=1", "/a/mcp?t=1", "/a/mcp/?t=1"]),
        ("ftp://s.example", []),
        ("nonsense", []),
    ],
)
def test_the_likely_addresses_are_tried_in_turn(given: str, tried: list[str]) -> None:
    assert list(mcp_endpoints(given)) == [f"https://s.example{each}" for each in tried]


async def test_an_address_without_its_path_is_found() -> None:
    async def handle(request: Request) -> None:
        if request.path == "/mcp/":
            await seller()(request)
        else:
            await request.json({}, 404)

    async with serving(handle) as server, sellers() as platform:
        profile = await platform.probe(a_seller(server.url.removesuffix("/mcp")))
    assert profile.endpoint == f"{server.url}/"
    assert any("not at the address that was given" in each for each in profile.quirks)


def card(url: str, **more: Any) -> dict[str, Any]:
    return {"name": "Agent", "url": url, "skills": [{"id": "get_products"}, {"name": "create-media-buy"}], **more}


def agent(described: dict[str, Any], *, path: str = "/.well-known/agent-card.json", older: bool = False) -> Handler:
    async def handle(request: Request) -> None:
        if request.method == "GET":
            await (request.json(described) if request.path == path else request.answer(404))
        elif request.rpc == ("message/send" if older else "SendMessage"):
            done = {"id": "t", "status": {"state": "completed"}, "artifacts": [{"parts": [{"data": CAPABILITIES}]}]}
            await request.result(done)
        else:
            error = {"code": -32601, "message": "Method not found"}
            await request.json({"jsonrpc": "2.0", "id": request.message.get("id"), "error": error})

    return handle


@pytest.mark.parametrize(
    "path", ["/.well-known/agent-card.json", "/.well-known/agent.json", "/mcp/.well-known/agent.json"]
)
async def test_an_agent_card_is_found_below_the_origin_and_below_the_path(path: str) -> None:
    described: dict[str, Any] = {}
    async with serving(agent(described, path=path)) as server, sellers() as platform:
        described.update(card(server.url))
        profile = await platform.probe(a_seller(server.url, Protocol.A2A))
    assert (profile.transport, profile.endpoint, profile.protocol_version) == (Protocol.A2A, server.url, "1.0")
    assert set(profile.tools) == {"get_products", "create_media_buy"}
    assert profile.replay_ttl == 86400
    assert profile.takes("create_media_buy", "anything", "at", "all")


async def test_a_card_that_claims_1_0_for_an_agent_of_0_3_is_not_believed() -> None:
    described: dict[str, Any] = {}
    async with serving(agent(described, older=True)) as server, sellers() as platform:
        described.update(card(server.url, protocolVersion="1.0", skills=[]))
        profile = await platform.probe(a_seller(server.url, Protocol.A2A))
    assert profile.protocol_version == "0.3"
    assert any("lists no AdCP skills" in each for each in profile.quirks)


async def test_an_interface_without_a_binding_is_taken_as_json_rpc() -> None:
    described: dict[str, Any] = {}
    async with serving(agent(described)) as server, sellers() as platform:
        grpc = {"url": "https://grpc.example/", "protocolBinding": "GRPC", "protocolVersion": "1.0"}
        described.update({"skills": [], "supportedInterfaces": [grpc, {"url": server.url}]})
        assert (await platform.probe(a_seller(server.url, Protocol.A2A))).endpoint == server.url


async def test_a_card_cannot_send_our_credential_to_another_origin() -> None:
    async with serving(agent(card("http://elsewhere.example/a2a"))) as server, sellers() as platform:
        profile = await platform.probe(a_seller(server.url, Protocol.A2A, auth=Auth(AuthKind.BEARER, token="t" * 20)))
    assert profile.endpoint == f"http://127.0.0.1:{server.port}/a2a"
    assert any("elsewhere.example" in each for each in profile.quirks)


async def test_a_seller_that_speaks_the_other_transport_is_found_and_it_is_said() -> None:
    async with serving(seller()) as server, sellers() as platform:
        profile = await platform.probe(a_seller(server.url, Protocol.A2A))
    assert profile.transport is Protocol.MCP
    assert any("Registered as A2A" in each for each in profile.quirks)


async def refuse(request: Request) -> None:
    await request.json({"message": "Who are you, tok-123456789?"}, 401)


async def hang(request: Request) -> None:
    await asyncio.Event().wait()


async def missing(request: Request) -> None:
    await request.answer(404)


async def web_page(request: Request) -> None:
    await request.answer(200, b"<html>", content_type="text/html")


async def other_server(request: Request) -> None:
    await mcp(missing, tools=[a_tool("weather")])(request)


@pytest.mark.parametrize("handler", [refuse, missing, web_page, other_server])
async def test_what_is_not_a_seller_is_unavailable_and_the_message_holds_no_secret(handler: Handler) -> None:
    async with serving(handler) as server, sellers() as platform:
        with pytest.raises(Unavailable) as raised:
            await platform.probe(a_seller(server.url, auth=Auth(AuthKind.BEARER, token="tok-123456789")))
    assert raised.value.message
    assert "tok-123456789" not in repr(raised.value) + str(raised.value.__cause__)


async def test_a_seller_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buyside.connectors.adcp.platform.PROBE_SECONDS", 0.2)
    async with serving(hang) as server, sellers() as platform:
        with pytest.raises(Unavailable, match="did not answer"):
            await platform.probe(a_seller(server.url))


@pytest.mark.parametrize(
    "endpoint", ["", "nonsense", "ftp://s.example/", "http://127.0.0.1:1/mcp", "http://nowhere.invalid/"]
)
@pytest.mark.parametrize("protocol", list(Protocol))
async def test_an_address_that_leads_nowhere_is_unavailable(endpoint: str, protocol: Protocol) -> None:
    async def unknown(host: str, port: int) -> list[str]:
        if host == "127.0.0.1":
            return [host]
        raise OSError("no such name")

    async with sellers(resolver=unknown) as platform:
        with pytest.raises(Unavailable):
            await platform.probe(a_seller(endpoint, protocol))
