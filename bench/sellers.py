"""Sandbox sellers in a process of their own, so that their work is not counted as ours: `python -m bench.sellers N`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from buyside.domain.storefronts import Seller
from tests.builders import Wanted, World, a_seller
from tests.sandbox_server import sandbox

PRODUCT = "display_reach"


@dataclass(frozen=True)
class Shop:
    name: str
    base_url: str
    mcp_url: str
    product_id: str


@dataclass
class Shops:
    each: tuple[Shop, ...]
    client: httpx.AsyncClient

    async def connect(self, world: World) -> list[Seller]:
        return [await a_seller(world, shop.mcp_url, shop.name) for shop in self.each]

    def wanted(self, sellers: Sequence[Seller]) -> list[Wanted]:
        return [Wanted(seller, shop.product_id) for seller, shop in zip(sellers, self.each, strict=True)]

    async def delay(self, seconds: float) -> None:
        """Every tool of every seller takes so long from now on; 0: none does."""
        body: dict[str, Any] = {"set": {"slow": seconds}} if seconds else {"clear": ["slow"]}
        answers = [self.client.post(f"{shop.base_url}/_sandbox/faults", json=body) for shop in self.each]
        for answer in await asyncio.gather(*answers):
            answer.raise_for_status()

    async def calls(self, since: Sequence[int] = ()) -> list[list[dict[str, Any]]]:
        """What each seller was asked, oldest first, without the first `since` calls."""
        asked = [self.client.get(f"{shop.base_url}/_sandbox/log") for shop in self.each]
        logs = [answer.raise_for_status().json()["calls"] for answer in await asyncio.gather(*asked)]
        return [log[begun:] for log, begun in zip(logs, since or [0] * len(logs), strict=True)]

    async def counted(self) -> list[int]:
        return [len(log) for log in await self.calls()]


@contextlib.asynccontextmanager
async def shops(count: int) -> AsyncIterator[Shops]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.sellers", str(count), stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            yield Shops(await _announced(process), client)
    finally:
        process.stdin.close()
        await process.wait()


async def _announced(process: Process) -> tuple[Shop, ...]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("the sellers' process ended before it had begun")
    return tuple(Shop(**each) for each in json.loads(line))


async def _serve(count: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        handles = [await stack.enter_async_context(sandbox(f"Seller {number}")) for number in range(count)]
        named = [
            {
                "name": each.name,
                "base_url": each.base_url,
                "mcp_url": each.mcp_url,
                "product_id": each.product_id(PRODUCT),
            }
            for each in handles
        ]
        print(json.dumps(named), flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until whoever started us has gone


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
