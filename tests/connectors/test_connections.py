"""One slow or broken seller holds up nobody else, and a deadline covers every kind of waiting."""

from __future__ import annotations

import asyncio

import pytest

from buyside.connectors.adcp.connections import MAX_OPEN, Connections
from buyside.domain.answers import Outcome
from buyside.domain.ids import AgentId
from buyside.domain.storefronts import Auth, AuthKind
from tests.connectors.sellers import a_seller, a_write, sellers
from tests.connectors.servers import Request, mcp, serving, tool_result

BOOKED = tool_result({"media_buy_id": "mb_1", "packages": []})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def book(request: Request) -> None:
    await request.result(BOOKED)


async def test_twenty_sellers_have_twenty_calls_in_flight_at_once() -> None:
    together = asyncio.Barrier(20)

    async def on_call(request: Request) -> None:
        await together.wait()
        await request.result(BOOKED)

    async with serving(mcp(on_call)) as server, sellers() as platform:
        many = [a_seller(server.url, headers={"x-seller": str(n)}) for n in range(20)]
        answers = await asyncio.gather(*(platform.call(each, a_write(), timeout=10) for each in many))
        assert {each.outcome for each in answers} == {Outcome.ACCEPTED}


async def test_a_seller_gets_only_so_many_calls_at_a_time() -> None:
    running, most, full = 0, 0, asyncio.Event()

    async def on_call(request: Request) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            full.set()
        await full.wait()
        running -= 1
        await request.result(BOOKED)

    async with serving(mcp(on_call)) as server, sellers(concurrency=3) as platform:
        await asyncio.gather(*(platform.call(a_seller(server.url), a_write(), timeout=10) for _ in range(9)))
        assert most == 3


async def test_a_call_that_waited_for_a_place_until_its_deadline_was_not_sent() -> None:
    held, release = asyncio.Event(), asyncio.Event()

    async def on_call(request: Request) -> None:
        held.set()
        await release.wait()
        await request.result(BOOKED)

    async with serving(mcp(on_call)) as server, sellers(concurrency=1) as platform:
        first = asyncio.create_task(platform.call(a_seller(server.url), a_write(), timeout=10))
        await held.wait()
        second = await platform.call(a_seller(server.url), a_write(), timeout=0.1)
        assert (second.outcome, second.reached) == (Outcome.REJECTED, False)
        release.set()
        assert (await first).outcome is Outcome.ACCEPTED
        assert len(server.asked("tools/call")) == 1


async def test_a_seller_that_hangs_does_not_hold_up_another() -> None:
    hanging = asyncio.Event()

    async def hang(request: Request) -> None:
        hanging.set()
        await asyncio.Event().wait()

    async with serving(mcp(hang)) as slow, serving(mcp(book)) as fine, sellers() as platform:
        stuck = [asyncio.create_task(platform.call(a_seller(slow.url), a_write(), timeout=60)) for _ in range(40)]
        await hanging.wait()
        assert (await platform.call(a_seller(fine.url), a_write(), timeout=5)).outcome is Outcome.ACCEPTED
        for each in stuck:
            each.cancel()
        assert all(
            isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*stuck, return_exceptions=True)
        )


async def test_after_several_failures_a_seller_is_left_alone_and_tried_again_later() -> None:
    clock, broken = Clock(), True

    async def on_call(request: Request) -> None:
        if broken:
            request.cut()
        else:
            await request.result(BOOKED)

    async with serving(mcp(on_call)) as server, sellers(clock=clock, failures=3, cooldown=30.0) as platform:
        for _ in range(3):
            assert (await platform.call(a_seller(server.url), a_write(), timeout=5)).outcome is Outcome.UNKNOWN
        clock.now = 10
        refused = await platform.call(a_seller(server.url), a_write(), timeout=5)
        assert (refused.outcome, refused.reached) == (Outcome.REJECTED, False)
        assert refused.error is not None
        assert (refused.error.code, refused.error.retry_after) == ("CIRCUIT_OPEN", 20.0)
        assert "20 s" in refused.message
        assert len(server.asked("tools/call")) == 3
        clock.now, broken = 30, False
        assert (await platform.call(a_seller(server.url), a_write(), timeout=5)).outcome is Outcome.ACCEPTED


async def test_a_refusal_is_an_answer_and_opens_no_circuit() -> None:
    async def refuse(request: Request) -> None:
        await request.json({}, 400)

    async with serving(mcp(refuse)) as server, sellers(failures=2) as platform:
        for _ in range(5):
            answer = await platform.call(a_seller(server.url), a_write(), timeout=5)
            assert answer.error is not None
            assert answer.error.code == "HTTP_400"


async def test_a_forgotten_seller_is_greeted_anew() -> None:
    async with serving(mcp(book)) as server, sellers() as platform:
        for _ in range(2):
            await platform.call(a_seller(server.url), a_write(), timeout=5)
            await platform.forget(a_seller(server.url))
        assert len(server.asked("initialize")) == 2
        assert len([each for each in server.requests if each.method == "DELETE"]) == 2


async def test_another_credential_is_another_session() -> None:
    async with serving(mcp(book)) as server, sellers() as platform:
        for token in ("token-one", "token-two", "token-one"):
            auth = Auth(AuthKind.BEARER, token=token)
            await platform.call(a_seller(server.url, auth=auth), a_write(), timeout=5)
        assert len(server.asked("initialize")) == 2


async def test_what_is_kept_open_is_bounded() -> None:
    connections = Connections(True, Clock())
    for n in range(MAX_OPEN + 5):
        connections.to(a_seller("http://127.0.0.1:1/mcp", headers={"n": str(n)}))
    assert len(connections._open) == MAX_OPEN
    await connections.aclose()


@pytest.mark.parametrize(
    "endpoint", ["", "not a url", "ftp://x/y", "http://", "http://[::1", "http://a:b/", "x" * 70_000]
)
async def test_an_endpoint_that_is_none_is_a_failure_and_not_an_exception(endpoint: str) -> None:
    async with sellers() as platform:
        answer = await platform.call(a_seller(endpoint), a_write(), timeout=5)
        assert (answer.outcome, answer.reached) == (Outcome.REJECTED, False)


async def test_a_second_agent_with_the_same_address_has_a_limit_of_its_own() -> None:
    connections = Connections(True, Clock())
    one = a_seller("http://127.0.0.1:1/mcp")
    assert connections.to(one) is connections.to(one)
    other = type(one)(**{**vars(one), "id": AgentId("agent_2")})
    assert connections.to(one) is not connections.to(other)
    await connections.aclose()


async def test_an_address_that_we_do_not_call_stays_named_as_such() -> None:
    async with sellers(allow_private=False, failures=2) as platform:
        for _ in range(4):
            answer = await platform.call(a_seller("http://127.0.0.1:1/mcp"), a_write(), timeout=5)
            assert answer.error is not None
            assert answer.error.code == "FORBIDDEN_ADDRESS"
