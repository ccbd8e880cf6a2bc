"""What happens to a call on the way: broken connections, slow sellers, calls held open, sellers that are killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.buyer import Buyer, Doc, Hand, banner
from tests.sandbox_server import SandboxHandle, sandbox

CUT = (httpx.RemoteProtocolError, httpx.ReadError)


@pytest.fixture
async def seller(hand: Hand) -> AsyncIterator[SandboxHandle]:
    async with sandbox("North", clock=hand) as running:
        yield running


@pytest.fixture
async def buyer(seller: SandboxHandle) -> AsyncIterator[Buyer]:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        one = Buyer(client, seller.base_url, "North")
        await one.open()
        yield one


@pytest.mark.parametrize(
    ("fault", "booked"), [("cut_before_commit", 0), ("cut_after_commit", 1), ("timeout_after_commit=0.01", 1)]
)
async def test_a_connection_that_breaks_is_a_read_error_and_the_books_say_what_was_done(
    seller: SandboxHandle, buyer: Buyer, fault: str, booked: int
) -> None:
    name, _, value = fault.partition("=")
    valued: dict[str, Any] = {name: value or True}
    await seller.set_faults(times=1, **valued)
    order = buyer.order()
    with pytest.raises(CUT):
        await buyer.call("create_media_buy", **order)
    assert len(await seller.buys()) == booked
    again = await buyer.done("create_media_buy", **order)
    assert again.get("replayed", False) is bool(booked)
    assert len(await seller.buys()) == 1
    assert (await seller.calls("create_media_buy"))[0]["outcome"] == "cut"


async def test_the_connection_breaks_over_a2a_too(seller: SandboxHandle, buyer: Buyer) -> None:
    await seller.set_faults("cut_after_commit")
    data = {"skill": "create_media_buy", "input": buyer.order()}
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": {"parts": [{"data": data}]}}}
    with pytest.raises(CUT):
        await buyer.client.post(seller.a2a_url, json=body)
    assert len(await seller.buys()) == 1


async def test_a_seller_that_never_answers_has_booked(seller: SandboxHandle, buyer: Buyer) -> None:
    await seller.set_faults("timeout_after_commit")
    buyer.client.timeout = httpx.Timeout(0.2)
    with pytest.raises(httpx.ReadTimeout):
        await buyer.call("create_media_buy", **buyer.order())
    assert len(await seller.buys()) == 1
    # It notices that nobody waits any more.
    await seller.wait("create_media_buy", finished=1)


async def test_a_slow_seller_commits_at_the_end_even_when_nobody_waits(seller: SandboxHandle, buyer: Buyer) -> None:
    await seller.set_faults(slow=0.3, tool="create_media_buy")
    buyer.client.timeout = httpx.Timeout(0.1)
    with pytest.raises(httpx.ReadTimeout):
        await buyer.call("create_media_buy", **buyer.order())
    assert await seller.buys() == []
    await seller.wait("create_media_buy", finished=1)
    assert len(await seller.buys()) == 1


async def test_a_seller_that_is_slow_to_answer_has_committed_first(seller: SandboxHandle, buyer: Buyer) -> None:
    await seller.set_faults(slow_commit=0.2)
    asked = asyncio.ensure_future(buyer.done("create_media_buy", **buyer.order()))
    await seller.wait("create_media_buy", in_flight=1)
    assert len(await seller.buys()) == 1
    assert not asked.done()
    assert (await asked)["media_buy_id"]


async def test_a_key_in_flight_is_told_to_wait(seller: SandboxHandle, buyer: Buyer) -> None:
    await seller.set_faults(slow=30)
    order = buyer.order()
    first = asyncio.ensure_future(buyer.call("create_media_buy", **order))
    await seller.wait("create_media_buy", in_flight=1)
    error = await buyer.refused("create_media_buy", **order)
    assert (error["code"], error["recovery"], error["retry_after"]) == ("IDEMPOTENCY_IN_FLIGHT", "transient", 1)
    other = {**order, "packages": [buyer.package(budget=200)]}
    assert (await buyer.refused("create_media_buy", **other))["code"] == "IDEMPOTENCY_CONFLICT"
    await seller.stop()
    with pytest.raises(CUT):
        await first


async def test_calls_are_held_together_and_let_go_together(seller: SandboxHandle, buyer: Buyer) -> None:
    await seller.hold("create_media_buy")
    asked = [asyncio.ensure_future(buyer.done("create_media_buy", **buyer.order())) for _ in range(5)]
    await seller.wait("create_media_buy", in_flight=5)
    assert await seller.buys() == []
    await buyer.done("get_products")
    await seller.release("create_media_buy")
    buys = await asyncio.gather(*asked)
    assert len({buy["media_buy_id"] for buy in buys}) == 5
    log = await seller.log()
    assert (log["in_flight"], log["max_in_flight"], log["max_in_flight_by_tool"]["create_media_buy"]) == (0, 6, 5)


async def test_a_call_can_be_held_after_it_is_booked(seller: SandboxHandle, buyer: Buyer) -> None:
    await seller.hold("create_media_buy", "after_commit")
    order = buyer.order()
    asked = asyncio.ensure_future(buyer.done("create_media_buy", **order))
    await seller.wait("create_media_buy", in_flight=1)
    assert len(await seller.buys()) == 1
    await seller.release()
    assert "replayed" not in await asked


async def test_waiting_for_what_does_not_come_ends(seller: SandboxHandle, buyer: Buyer) -> None:
    url = f"{seller.base_url}/_sandbox/wait"
    response = await buyer.client.get(url, params={"tool": "get_products", "in_flight": 1, "timeout": 0.05})
    assert response.status_code == 408
    assert (await buyer.client.get(url, params={"in_flight": "many"})).status_code == 400


async def test_a_restart_forgets_nothing(tmp_path: Path, hand: Hand) -> None:
    async def opened(seller: SandboxHandle, client: httpx.AsyncClient) -> Buyer:
        buyer = Buyer(client, seller.base_url, "North")
        await buyer.open()
        return buyer

    state = tmp_path / "seller.sqlite3"
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        async with sandbox("North", state=state, clock=hand) as seller:
            buyer = await opened(seller, client)
            order = buyer.order(buyer.package(creatives=[banner()]))
            first = await buyer.done("create_media_buy", **order)
            await seller.set_faults("approval")
            waiting = await buyer.done("create_media_buy", **buyer.order())
            await seller.advance(days=2)
        async with sandbox("North", state=state, clock=hand) as seller:
            buyer = await opened(seller, client)
            assert await buyer.done("create_media_buy", **order) == {**first, "replayed": True}
            assert (await buyer.delivery(first))["totals"]["spend"] == 20
            assert (await buyer.done("get_task_status", task_id=waiting["task_id"]))["status"] == "submitted"
            assert len(await seller.calls("create_media_buy")) == 3


@contextlib.asynccontextmanager
async def _process(state: Path, port: int = 0) -> AsyncIterator[tuple[asyncio.subprocess.Process, Doc]]:
    """`buyside sandbox` in a process of its own, and what it printed."""
    code = "from buyside.cli.sandbox import command; command()"
    arguments = ["--port", str(port), "--name", "North", "--json", "--state", str(state)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, stdout=asyncio.subprocess.PIPE, env={**os.environ}
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.kill
async def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "seller.sqlite3"
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        async with _process(state) as (process, printed):
            buyer = Buyer(client, printed["baseUrl"], "North")
            await buyer.open()
            order = buyer.order(start_time="asap", end_time="2099-01-01T00:00:00Z")
            first = await buyer.done("create_media_buy", **order)
            process.kill()
            await process.wait()
        port = int(printed["baseUrl"].rpartition(":")[2])
        async with _process(state, port) as (process, printed):
            buyer = Buyer(client, printed["baseUrl"], "North")
            await buyer.open()
            assert await buyer.done("create_media_buy", **order) == {**first, "replayed": True}
            assert len((await buyer.inside())["media_buys"]) == 1
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
