"""python -m bench: what twenty sellers cost, beside the same calls made by bare httpx in the same run.

Sellers run in a process of their own. Read ratios, not milliseconds: machines differ and are shared.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bench.sellers import Shops, shops
from buyside.domain.advertisers import Advertiser
from buyside.services import campaigns
from buyside.services.discovery.scene import Ask
from buyside.services.discovery.searching import discover as search
from buyside.services.work import Policy
from buyside.store.database import Database, open_database
from buyside.store.migrate import migrate
from buyside.workflows.engine import open_engine
from tests.builders import World, a_campaign, a_spec, a_world, an_advertiser

SELLERS = 20
DELAY = 0.2
"""Seconds that every call takes at every seller: the physical limit of a round."""


@dataclass(frozen=True)
class Round:
    """`calls`: what the sellers were asked, so that CPU is compared call by call."""

    wall: float
    cpu: float
    calls: int


async def timed(shops: Shops, act: Callable[[], Awaitable[object]]) -> Round:
    before = sum(await shops.counted())
    wall, cpu = time.perf_counter(), time.process_time()
    await act()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Round(wall, cpu, sum(await shops.counted()) - before)


def shown(name: str, rounds: list[Round], trips: int) -> None:
    """`trips`: calls that must follow one another at a seller, the least that a round can take."""
    wall = statistics.median(r.wall for r in rounds)
    cpu = statistics.median(r.cpu / r.calls for r in rounds)
    calls = int(statistics.median(r.calls for r in rounds))
    print(f"{name:34} {calls:6} {wall:8.2f} s {wall / (trips * DELAY):8.2f} {cpu * 1000:10.1f} ms")


async def bare(shops: Shops, calls: list[tuple[str, dict[str, Any]]]) -> None:
    """Initialise once and make these calls in turn, at every seller at once, by hand."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        await asyncio.gather(*(_bare(client, shop.mcp_url, calls) for shop in shops.each))


async def _bare(client: httpx.AsyncClient, url: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
    headers = {"Accept": "application/json, text/event-stream"}
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "0"},
    }
    began = await client.post(
        url, headers=headers, json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
    )
    headers["mcp-session-id"] = began.headers["mcp-session-id"]
    for number, (tool, arguments) in enumerate(calls, start=1):
        asked = {"name": tool, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": asked}
        answer = await client.post(url, headers=headers, json=message)
        answer.raise_for_status().json()


async def discover(world: World, advertiser: Advertiser) -> None:
    await search(world.work(), Ask(advertiser.id))


async def run(database: Database, rounds: int) -> None:
    slow = Policy(call_timeout=30, read_timeout=15)
    async with shops(SELLERS) as running, a_world(database, policy=slow) as world:
        sellers = await running.connect(world)
        advertiser = await an_advertiser(world)
        wanted = running.wanted(sellers)
        drafts = [
            await a_campaign(world, wanted, advertiser=advertiser, spec=a_spec("20000 USD")) for _ in range(rounds + 1)
        ]
        await campaigns.execute(world.work(), drafts[0].campaign.id)  # accounts are made once, connections opened
        await running.delay(DELAY)
        found = [await timed(running, lambda: discover(world, advertiser)) for _ in range(rounds)]
        bought = [
            await timed(running, partial(campaigns.execute, world.work(), draft.campaign.id)) for draft in drafts[1:]
        ]
        reads = ("get_products", {"buying_mode": "wholesale"})
        peer = [await timed(running, lambda: bare(running, [reads])) for _ in range(rounds)]
    print(f"{SELLERS} sellers that take {DELAY:g} s a call, {rounds} rounds, medians\n")
    print(f"{'':34} {'calls':>6} {'wall':>10} {'÷ limit':>8} {'CPU a call':>13}")
    shown("discovery", found, 1)
    shown("execute", bought, 1)
    shown("bare httpx, the same discovery", peer, 1)
    ours = statistics.median(r.cpu / r.calls for r in found)
    theirs = statistics.median(r.cpu / r.calls for r in peer)
    print(f"\ndiscovery costs {ours / theirs:.1f} times the CPU of bare httpx: parsed, mapped and stored.")
    print("Limit: the seller's own time, once; what a round takes beyond it is ours.")


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'bench.sqlite3'}")
        try:
            await migrate(database)
            await open_engine(database.read, database.write, []).migrate()
            await run(database, rounds)
        finally:
            await database.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind (5)")
    parser.add_argument("--quick", action="store_true", help="one round, to see that it runs")
    asked = parser.parse_args()
    asyncio.run(main(1 if asked.quick else asked.rounds))
