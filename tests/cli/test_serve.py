"""`buyside serve` as a process: what it prints, how it ends, and what a second one does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.builders import SECRET
from tests.recording import Recording
from tests.sandbox_server import listen
from tests.stores import PostgreSQLStores

BASE = "/api/v2/buyer"
IN_TIME = 60

pytestmark = pytest.mark.slow


@dataclass
class Running:
    process: Process
    printed: list[str]
    log: Path

    @property
    def url(self) -> str:
        return self.printed[0].rpartition(" ")[2]

    async def stopped(self, sent: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(sent)
        async with asyncio.timeout(IN_TIME):
            return await self.process.wait()

    async def said(self, text: str) -> None:
        """Until the log holds that text."""
        async with asyncio.timeout(IN_TIME):
            while text not in self.log.read_text():  # noqa: ASYNC110  another process writes it
                await asyncio.sleep(0.05)


@dataclass
class Machine:
    """A folder of its own, and the settings that everything there is started with."""

    folder: Path
    settings: Mapping[str, str]

    async def start(self, *words: str, **more: str) -> Process:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BUYSIDE_")}
        with (self.folder / "log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "buyside", *words, env={**kept, **self.settings, **more}, stdout=PIPE, stderr=log
            )

    @contextlib.asynccontextmanager
    async def serving(self, *words: str, lines: int = 1, **more: str) -> AsyncIterator[Running]:
        process = await self.start("serve", "--port", "0", *words, **more)
        try:
            yield Running(process, [await _line(process) for _ in range(lines)], self.folder / "log")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def key(self) -> str:
        process = await self.start("keys", "create", "--account", "Acme", "--json")
        out, _ = await process.communicate()
        return str(json.loads(out)["apiKey"])

    async def refusal(self, *words: str) -> str:
        process = await self.start(*words)
        out, _ = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        return (self.folder / "log").read_text().splitlines()[-1]


async def _line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(IN_TIME):
        line = await process.stdout.readline()
    assert line, "it ended; the log says why"
    return line.decode().strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, {"BUYSIDE_DATA_DIR": str(tmp_path / "data"), "BUYSIDE_SWEEP_EVERY": "1"})


def a_client(url: str, key: str = "") -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    transport = Recording(httpx.AsyncHTTPTransport(trust_env=False, verify=False))
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=40, transport=transport)


async def test_it_says_where_it_listens_and_ends_quietly_when_told_to(machine: Machine) -> None:
    for sent in (signal.SIGTERM, signal.SIGINT):
        async with machine.serving() as server:
            async with a_client(server.url) as client:
                assert (await client.get("/health")).json()["status"] == "ok"
            assert await server.stopped(sent) == 0
    said = (machine.folder / "log").read_text()
    assert "Traceback" not in said
    assert said.count("what is under way is finished first") == 2, "once for each of the two"


async def test_with_the_sandbox_a_first_key_finds_two_sellers_connected(machine: Machine) -> None:
    async with machine.serving("--sandbox", lines=3) as server:
        assert [line.split()[0:2] for line in server.printed[1:]] == [["sandbox", "seller"]] * 2
        async with a_client(server.url + BASE, await machine.key()) as client:
            shops = (await client.get("/storefronts")).json()["items"]
            assert [(shop["name"], shop["status"], shop["connectedSourceCount"]) for shop in shops] == [
                ("Sandbox News", "transacting", 1),
                ("Sandbox Streams", "transacting", 1),
            ]
            detail = (await client.get(f"/storefronts/{shops[0]['id']}")).json()
            assert detail["sources"][0]["endpointUrl"] in server.printed[1]
            mine = {"name": "X", "sources": [{"endpointUrl": detail["sources"][0]["endpointUrl"], "protocol": "MCP"}]}
            refused = await client.post("/storefronts", json=mine)
            assert refused.status_code == 400, "the guard opens for the sandbox alone, not for its address"
        assert await server.stopped() == 0


async def test_the_sandbox_is_found_at_its_new_address_after_a_restart_and_gone_without_it(machine: Machine) -> None:
    key, seen = await machine.key(), []
    for _ in range(2):
        async with machine.serving("--sandbox", lines=3) as server:
            async with a_client(server.url + BASE, key) as client:
                shop = (await client.get("/storefronts", params={"name": "News"})).json()["items"][0]
                source = (await client.get(f"/storefronts/{shop['id']}")).json()["sources"][0]
                assert source["probeStatus"] == "reachable"
                assert source["endpointUrl"] in server.printed[1]
                seen.append((shop["id"], source["salesAgentId"]))
            await server.stopped()
    assert seen[0] == seen[1]
    async with machine.serving() as server:
        async with a_client(server.url + BASE, key) as client:
            assert (await client.get("/storefronts")).json()["items"] == []
        await server.stopped()


async def test_a_port_in_use_is_named_in_one_line(machine: Machine) -> None:
    with listen() as taken:
        port = str(taken.getsockname()[1])
        said = await machine.refusal("serve", "--port", port)
    assert said.startswith("Error: ")
    assert port in said
    assert "--port" in said


async def test_a_variable_that_is_no_setting_is_said_in_the_log(machine: Machine) -> None:
    async with machine.serving(BUYSIDE_DATABSE_URL="sqlite:///x") as server:
        await server.said("BUYSIDE_DATABSE_URL is no setting: BUYSIDE_DATABASE_URL was meant?")
        await server.stopped()


async def test_a_second_server_on_one_store_serves_and_runs_no_jobs(machine: Machine) -> None:
    key = await machine.key()
    async with machine.serving("--sandbox", lines=3) as first, machine.serving("--sandbox", lines=3) as second:
        assert first.printed[1:] == second.printed[1:], "one pair of sandbox sellers for both"
        await second.said("another process runs the jobs")
        for server in (first, second):
            async with a_client(server.url + BASE, key) as client:
                assert (await client.get("/storefronts")).json()["total"] == 2
        async with a_client(second.url) as client:
            assert (await client.get("/health")).json()["status"] == "ok"
        assert await second.stopped() == 0
        assert await first.stopped() == 0


async def test_a_request_under_way_is_finished_before_the_server_ends(machine: Machine) -> None:
    key = await machine.key()
    from tests.sandbox_server import sandbox

    async with sandbox("Slow") as slow, machine.serving(BUYSIDE_ALLOW_PRIVATE_ENDPOINTS="true") as server:
        await slow.hold("get_adcp_capabilities")
        async with a_client(server.url + BASE, key) as client:
            body = {"name": "Slow", "sources": [{"endpointUrl": slow.mcp_url, "protocol": "MCP"}]}
            request = asyncio.create_task(client.post("/storefronts", json=body))
            await slow.wait("get_adcp_capabilities", in_flight=1)
            ending = asyncio.create_task(server.stopped())
            async with asyncio.timeout(IN_TIME):
                while await _answers(server.url):  # noqa: ASYNC110  another process stops listening
                    await asyncio.sleep(0.02)
            await slow.release()
            assert (await request).status_code == 201
            assert await ending == 0


async def _answers(url: str) -> bool:
    try:
        async with a_client(url) as client:
            await client.get("/health")
    except httpx.TransportError:
        return False
    return True


async def test_nothing_that_it_logs_holds_a_key(machine: Machine) -> None:
    async with machine.serving(BUYSIDE_LOG_LEVEL="DEBUG") as server:
        key = await machine.key()
        async with a_client(server.url + BASE, key) as client:
            await client.get("/accounts/current")
            await client.get("/accounts/current", headers={"Authorization": f"Bearer {key}x"})
        await server.stopped()
    assert key.rpartition("_")[2] not in (machine.folder / "log").read_text()


async def test_a_worker_runs_until_it_is_told_to_stop(machine: Machine, postgresql_stores: PostgreSQLStores) -> None:
    with postgresql_stores.fresh() as url:
        process = await machine.start("worker", BUYSIDE_DATABASE_URL=url, BUYSIDE_SECRET_KEY=SECRET.decode())
        assert "running jobs" in await _line(process)
        process.terminate()
        async with asyncio.timeout(IN_TIME):
            assert await process.wait() == 0
    assert "Traceback" not in (machine.folder / "log").read_text()
