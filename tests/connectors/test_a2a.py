"""A2A over real sockets: both dialects, and agents that send neither an artifact nor a kind."""

from __future__ import annotations

from typing import Any

import pytest

from buyside.domain.answers import Outcome
from buyside.domain.storefronts import Auth, AuthKind, Protocol, SellerProfile
from tests.connectors.sellers import ACCOUNT, a_seller, a_write, sellers
from tests.connectors.servers import Request, serving

BOOKED = {"media_buy_id": "mb_1", "packages": []}


def task(data: Any, state: str = "TASK_STATE_COMPLETED") -> dict[str, Any]:
    return {"task": {"id": "t-1", "status": {"state": state}, "artifacts": [{"parts": [{"data": data}]}]}}


def profile(url: str, version: str = "1.0") -> SellerProfile:
    return SellerProfile(Protocol.A2A, url, version)


async def newer(request: Request) -> None:
    if request.rpc == "SendMessage":
        await request.result(task(BOOKED))
    else:
        await unknown_method(request)


async def older(request: Request) -> None:
    if request.rpc == "message/send":
        await request.result({"kind": "task", **task(BOOKED, "completed")["task"]})
    else:
        await unknown_method(request)


async def unknown_method(request: Request) -> None:
    error = {"code": -32601, "message": "Method not found"}
    await request.json({"jsonrpc": "2.0", "id": request.message["id"], "error": error})


async def test_the_message_names_the_skill_and_carries_the_frozen_bytes_under_both_names() -> None:
    body = b'{"b":1.0,"a":2}'
    async with serving(newer) as server, sellers() as platform:
        seller = a_seller(server.url, Protocol.A2A, profile=profile(server.url))
        assert (await platform.call(seller, a_write(body=body), timeout=5)).outcome is Outcome.ACCEPTED
        (request,) = server.requests
        assert request.headers["a2a-version"] == "1.0"
        assert b'{"skill":"create_media_buy","input":' + body + b',"parameters":' + body + b"}" in request.body
        message = request.message["params"]["message"]
        assert message["role"] == "ROLE_USER"
        assert "kind" not in message["parts"][0]


@pytest.mark.parametrize("assumed", ["1.0", "0.3", "0.3.0"])
async def test_an_agent_that_knows_only_the_older_dialect_is_spoken_to_in_it(assumed: str) -> None:
    async with serving(older) as server, sellers() as platform:
        seller = a_seller(server.url, Protocol.A2A, profile=profile(server.url, assumed))
        for _ in range(2):
            assert (await platform.call(seller, a_write(), timeout=5)).outcome is Outcome.ACCEPTED
        spoken = server.asked("message/send")
        assert len(spoken) == 2
        assert len(server.asked("SendMessage")) == (1 if assumed == "1.0" else 0), "the dialect is found out once"
        assert "a2a-version" not in spoken[0].headers
        assert spoken[0].message["params"]["message"]["parts"][0]["kind"] == "data"


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "tök\ud800en"])
async def test_a_credential_that_no_header_can_carry_is_never_sent(token: str) -> None:
    async with serving(newer) as server, sellers() as platform:
        auth = Auth(AuthKind.BEARER, token=token)
        seller = a_seller(server.url, Protocol.A2A, profile=profile(server.url), auth=auth)
        answer = await platform.call(seller, a_write(), timeout=5)
        assert (answer.outcome, answer.reached) == (Outcome.REJECTED, False)
        assert server.requests == []


async def test_an_agent_that_knows_neither_dialect_refuses() -> None:
    async with serving(unknown_method) as server, sellers() as platform:
        seller = a_seller(server.url, Protocol.A2A, profile=profile(server.url))
        assert (await platform.call(seller, a_write(), timeout=5)).outcome is Outcome.REJECTED


async def test_a_dialect_refused_with_an_http_status_is_changed_too() -> None:
    async def handle(request: Request) -> None:
        if request.rpc == "SendMessage":
            await request.json({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no"}}, 404)
        else:
            await older(request)

    async with serving(handle) as server, sellers() as platform:
        seller = a_seller(server.url, Protocol.A2A, profile=profile(server.url))
        assert (await platform.call(seller, a_write(), timeout=5)).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("TASK_STATE_SUBMITTED", Outcome.PENDING),
        ("TASK_STATE_WORKING", Outcome.PENDING),
        ("TASK_STATE_INPUT_REQUIRED", Outcome.NEEDS_INPUT),
        ("TASK_STATE_REJECTED", Outcome.REJECTED),
        ("TASK_STATE_FAILED", Outcome.UNKNOWN),
    ],
)
async def test_the_state_of_the_task_decides(state: str, outcome: Outcome) -> None:
    async def handle(request: Request) -> None:
        await request.result({"task": {"id": "t-1", "status": {"state": state}}})

    async with serving(handle) as server, sellers() as platform:
        seller = a_seller(server.url, Protocol.A2A, profile=profile(server.url))
        answer = await platform.call(seller, a_write(), timeout=5)
        assert answer.outcome is outcome
        if outcome is Outcome.PENDING:
            assert answer.task_id == "t-1"


@pytest.mark.parametrize(("version", "method"), [("1.0", "GetTask"), ("0.3", "tasks/get")])
async def test_a_task_is_followed_in_the_dialect_of_the_agent(version: str, method: str) -> None:
    states = ["TASK_STATE_WORKING", "TASK_STATE_COMPLETED"]

    async def handle(request: Request) -> None:
        assert request.rpc == method
        assert request.message["params"] == {"id": "t-1"}
        await request.result(task(BOOKED, states.pop(0))["task"])

    async with serving(handle) as server, sellers() as platform:
        seller = a_seller(server.url, Protocol.A2A, profile=profile(server.url, version))
        first = await platform.task(seller, "t-1", ACCOUNT, timeout=5)
        assert (first.outcome, first.task_id) == (Outcome.PENDING, "t-1")
        second = await platform.task(seller, "t-1", ACCOUNT, timeout=5)
        assert (second.outcome, second.data["media_buy_id"]) == (Outcome.ACCEPTED, "mb_1")


async def test_a_task_that_the_transport_does_not_know_is_asked_for_with_adcps_own_tool() -> None:
    async def handle(request: Request) -> None:
        if request.rpc == "GetTask":
            error = {"code": -32001, "message": "Task not found"}
            await request.json({"jsonrpc": "2.0", "id": request.message["id"], "error": error})
        else:
            part = request.message["params"]["message"]["parts"][0]["data"]
            assert (part["skill"], part["input"]["task_id"]) == ("get_task_status", "adcp-1")
            done = {"task_id": "adcp-1", "task_type": "create_media_buy", "status": "completed", "result": BOOKED}
            await request.result(task(done))

    async with serving(handle) as server, sellers() as platform:
        seller = a_seller(server.url, Protocol.A2A, profile=profile(server.url))
        answer = await platform.task(seller, "adcp-1", ACCOUNT, timeout=5)
        assert (answer.outcome, answer.data) == (Outcome.ACCEPTED, BOOKED)
