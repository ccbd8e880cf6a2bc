"""MCP over real sockets: JSON and SSE, sessions that get lost, servers that ask back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from buyside.domain.answers import Answer, Outcome
from buyside.domain.storefronts import Auth, AuthKind
from tests.connectors.sellers import a_seller, a_write, sellers
from tests.connectors.servers import Handler, Request, Server, mcp, serving, tool_result

BOOKED = tool_result({"media_buy_id": "mb_1", "packages": []})


async def ask(handler: Handler, timeout: float = 5, **seller: Any) -> tuple[Answer, Server]:
    async with serving(handler) as server, sellers() as platform:
        return await platform.call(a_seller(server.url, **seller), a_write(), timeout=timeout), server


async def book(request: Request) -> None:
    await request.result(BOOKED)


async def test_the_frozen_bytes_stand_in_the_envelope_as_they_are() -> None:
    body = b'{"z":1.10,"a":"\\u00e9"}'
    async with serving(mcp(book)) as server, sellers() as platform:
        for _ in range(2):
            answer = await platform.call(a_seller(server.url), a_write(body=body), timeout=5)
            assert answer.outcome is Outcome.ACCEPTED
        calls = server.asked("tools/call")
        assert len(calls) == 2
        assert all(b'"params":{"name":"create_media_buy","arguments":' + body + b"}" in each.body for each in calls)


async def test_a_session_is_opened_once_and_given_back_at_the_end() -> None:
    async with serving(mcp(book)) as server:
        async with sellers() as platform:
            calls = (platform.call(a_seller(server.url), a_write(), timeout=5) for _ in range(12))
            assert {each.outcome for each in await asyncio.gather(*calls)} == {Outcome.ACCEPTED}
        assert len(server.asked("initialize")) == len(server.asked("notifications/initialized")) == 1
        for call in server.asked("tools/call"):
            assert call.headers["mcp-session-id"] == "s-1"
            assert call.headers["mcp-protocol-version"] == "2025-06-18"
        assert [each.method for each in server.requests][-1] == "DELETE"
        assert server.connections <= 9


async def test_an_older_protocol_version_is_accepted() -> None:
    answer, server = await ask(mcp(book, version="2025-03-26"))
    assert answer.outcome is Outcome.ACCEPTED
    assert server.asked("tools/call")[0].headers["mcp-protocol-version"] == "2025-03-26"


async def test_a_server_without_sessions_gets_no_session_header_and_no_goodbye() -> None:
    answer, server = await ask(mcp(book, session=None))
    assert answer.outcome is Outcome.ACCEPTED
    assert all("mcp-session-id" not in each.headers for each in server.requests)
    assert all(each.method == "POST" for each in server.requests)


LOST = [
    (404, {"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "Session not found"}}),
    (404, {}),
    (400, {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Bad Request: No valid session ID"}}),
    (200, {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Session has expired"}}),
]


@pytest.mark.parametrize(("status", "body"), LOST)
async def test_a_lost_session_is_opened_anew_and_the_call_sent_again_once(status: int, body: dict[str, Any]) -> None:
    lost = 1

    async def forgetful(request: Request) -> None:
        nonlocal lost
        lost -= 1
        await (request.json(body, status) if lost >= 0 else request.result(BOOKED))

    answer, server = await ask(mcp(forgetful))
    assert answer.outcome is Outcome.ACCEPTED
    first, second = server.asked("tools/call")
    assert first.message["params"] == second.message["params"]
    assert len(server.asked("initialize")) == 2


async def test_a_session_that_keeps_getting_lost_is_given_up() -> None:
    async def forgetful(request: Request) -> None:
        await request.json({}, 404)

    answer, server = await ask(mcp(forgetful))
    assert (answer.outcome, answer.reached) == (Outcome.REJECTED, False)
    assert len(server.asked("tools/call")) == 2


async def test_calls_that_lose_their_session_together_share_the_new_one() -> None:
    together = asyncio.Barrier(5)
    opened = 0

    async def on_call(request: Request) -> None:
        if request.headers["mcp-session-id"] == "s-1":
            await together.wait()
            await request.json({}, 404)
        else:
            await request.result(BOOKED)

    async def handle(request: Request) -> None:
        nonlocal opened
        opened += request.rpc == "initialize"
        await mcp(on_call, session=f"s-{opened}")(request)

    async with serving(handle) as server, sellers() as platform:
        calls = (platform.call(a_seller(server.url), a_write(), timeout=5) for _ in range(5))
        assert {each.outcome for each in await asyncio.gather(*calls)} == {Outcome.ACCEPTED}
        assert len(server.asked("initialize")) == 2


async def test_a_400_without_a_word_of_the_session_is_not_sent_again() -> None:
    async def refuse(request: Request) -> None:
        await request.json({"error": {"message": "bad budget"}}, 400)

    answer, server = await ask(mcp(refuse))
    assert (answer.outcome, answer.reached) == (Outcome.REJECTED, True)
    assert "bad budget" in answer.message
    assert len(server.asked("tools/call")) == 1


def reply(request: Request) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request.message["id"], "result": BOOKED}


async def test_an_answer_as_events_among_others_is_found() -> None:
    async def on_call(request: Request) -> None:
        await request.stream()
        await request.chunk(b": keep-alive\n\n")
        await request.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}})
        await request.event({"jsonrpc": "2.0", "id": "another", "result": {"content": []}})
        await request.chunk(b"data: not json\n\n")
        await request.event(reply(request))
        await request.end()

    answer, _ = await ask(mcp(on_call))
    assert (answer.outcome, answer.data["media_buy_id"]) == (Outcome.ACCEPTED, "mb_1")


async def test_an_event_over_several_lines_and_chunks_is_one() -> None:
    async def on_call(request: Request) -> None:
        await request.stream()
        text = b'{"jsonrpc":"2.0","id":%d,\n"result":{"structuredContent":{"media_buy_id":"mb_1"}}}'
        data = b"".join(b"data: " + line + b"\r\n" for line in (text % request.message["id"]).split(b"\n")) + b"\r\n"
        for at in range(0, len(data), 7):
            await request.chunk(data[at : at + 7])
        await request.end()

    assert (await ask(mcp(on_call)))[0].outcome is Outcome.ACCEPTED


async def test_a_ping_is_answered_and_other_requests_declined() -> None:
    heard: list[dict[str, Any]] = []
    both = asyncio.Event()

    async def on_call(request: Request) -> None:
        await request.stream()
        await request.event({"jsonrpc": "2.0", "id": "p-1", "method": "ping"})
        await request.event({"jsonrpc": "2.0", "id": "p-2", "method": "sampling/createMessage", "params": {}})
        await both.wait()
        await request.event(reply(request))
        await request.end()

    async def handle(request: Request) -> None:
        if "method" in request.message or request.method == "DELETE":
            await mcp(on_call)(request)
        else:
            heard.append(request.message)
            await request.answer(202)
            if len(heard) == 2:
                both.set()

    answer, _ = await ask(handle)
    assert answer.outcome is Outcome.ACCEPTED
    assert heard[0] == {"jsonrpc": "2.0", "id": "p-1", "result": {}}
    assert heard[1]["error"]["code"] == -32601


async def test_connections_are_kept_also_after_events() -> None:
    async def on_call(request: Request) -> None:
        await request.stream()
        await request.event(reply(request))
        await request.end()

    async with serving(mcp(on_call)) as server, sellers() as platform:
        for _ in range(4):
            await platform.call(a_seller(server.url), a_write(), timeout=5)
        assert server.connections == 1


async def test_a_stream_left_open_after_the_answer_holds_nobody_up() -> None:
    async def on_call(request: Request) -> None:
        await request.stream()
        await request.event(reply(request))
        await asyncio.Event().wait()

    assert (await ask(mcp(on_call)))[0].outcome is Outcome.ACCEPTED


async def close(request: Request) -> None:
    await request.stream()
    await request.chunk(b": nothing\n\n")
    await request.end()


async def cut(request: Request) -> None:
    request.cut()


async def half(request: Request) -> None:
    await request.start(200, content_type="application/json", content_length="1000")
    await request.send(b'{"jsonrpc":')
    request.cut()


async def silent(request: Request) -> None:
    await asyncio.Event().wait()


async def drip(request: Request) -> None:
    await request.stream()
    while True:
        await request.chunk(b": drip\n")
        await asyncio.sleep(0.01)


async def garbage(request: Request) -> None:
    await request.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    request.cut()


async def not_json(request: Request) -> None:
    await request.answer(200, b"<html>Oops</html>", content_type="text/html")


async def nested(request: Request) -> None:
    await request.json(b'{"result":' + b"[" * 50_000 + b"]" * 50_000 + b"}")


async def huge(request: Request) -> None:
    await request.start(200, content_type="application/json", transfer_encoding="chunked")
    for _ in range(80):
        await request.chunk(b" " * 65536)
    await request.end()


async def endless(request: Request) -> None:
    await request.stream()
    while True:
        await request.chunk(b": " + b"x" * 65536)


async def bad_gzip(request: Request) -> None:
    await request.answer(200, b"not gzip", content_type="application/json", content_encoding="gzip")


async def brotli(request: Request) -> None:
    await request.answer(200, b"{}", content_type="application/json", content_encoding="br")


async def accepted(request: Request) -> None:
    await request.answer(202)


async def another_answer(request: Request) -> None:
    await request.json({"jsonrpc": "2.0", "id": "another", "result": BOOKED})


async def a_number(request: Request) -> None:
    await request.json(b"7")


async def a_list_result(request: Request) -> None:
    await request.result([1, 2])


async def failing(request: Request) -> None:
    await request.answer(500, b"Traceback", content_type="text/plain")


HOSTILE = [
    *(close, cut, half, silent, drip, garbage, not_json, nested, huge, endless, bad_gzip, brotli, accepted),
    *(another_answer, a_number, a_list_result, failing),
]


@pytest.mark.parametrize("handler", HOSTILE, ids=lambda each: str(each.__name__))
async def test_an_answer_that_cannot_be_read_leaves_a_write_unknown(handler: Handler) -> None:
    answer, server = await ask(mcp(handler), timeout=0.5 if handler in (silent, drip) else 10)
    assert (answer.outcome, answer.reached) == (Outcome.UNKNOWN, True)
    assert answer.message
    assert answer.exchange is not None
    assert len(server.asked("tools/call")) == 1, "a write is never sent twice"


async def test_a_batch_with_our_answer_is_read() -> None:
    async def on_call(request: Request) -> None:
        await request.json([{"jsonrpc": "2.0", "method": "notifications/x"}, reply(request)])

    assert (await ask(mcp(on_call)))[0].outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("handler", [cut, silent, failing, not_json, garbage, accepted])
async def test_a_failed_handshake_proves_that_the_call_was_not_sent(handler: Handler) -> None:
    answer, server = await ask(handler, timeout=0.5)
    assert (answer.outcome, answer.reached) == (Outcome.REJECTED, False)
    assert server.asked("tools/call") == []


async def test_the_next_caller_opens_the_session_that_the_first_gave_up_on() -> None:
    first = True

    async def handle(request: Request) -> None:
        nonlocal first
        if request.rpc == "initialize" and first:
            first = False
            await asyncio.Event().wait()
        await mcp(book)(request)

    async with serving(handle) as server, sellers() as platform:
        gave_up = await platform.call(a_seller(server.url), a_write(), timeout=0.2)
        assert (gave_up.outcome, gave_up.reached) == (Outcome.REJECTED, False)
        assert (await platform.call(a_seller(server.url), a_write(), timeout=5)).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (Auth(AuthKind.BEARER, token="tok-123456"), "authorization", "Bearer tok-123456"),
        (Auth(AuthKind.HEADER, token="tok-123456", header="X-Adcp-Auth"), "x-adcp-auth", "tok-123456"),
        (Auth(AuthKind.BASIC, username="us", password="pä"), "authorization", "Basic dXM6cMOk"),
    ],
)
async def test_every_request_carries_the_credential(auth: Auth, header: str, value: str) -> None:
    _, server = await ask(mcp(book), auth=auth, headers={"x-adcp-tenant": "acme", "Host": "evil.example"})
    assert len(server.requests) >= 3
    for each in server.requests:
        assert (each.headers[header], each.headers["x-adcp-tenant"]) == (value, "acme")
        assert each.headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "tök\ud800en", "\x00"])
async def test_a_credential_that_no_header_can_carry_is_never_sent(token: str) -> None:
    answer, server = await ask(mcp(book), auth=Auth(AuthKind.BEARER, token=token))
    assert (answer.outcome, answer.reached) == (Outcome.REJECTED, False)
    assert server.requests == []
    assert token not in answer.message
