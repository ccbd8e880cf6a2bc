"""Sandbox sellers in a process of their own, so that their work is not counted as ours.

`python -m bench.sellers COUNT PRODUCTS`
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import httpx

from bench.plenty import plenty
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
    plenty: Shop
    """Another one, that offers many products."""
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

    async def last_asked(self, shop: Shop, tool: str) -> dict[str, Any]:
        """The last call of a tool that reached this seller."""
        log = (await self.client.get(f"{shop.base_url}/_sandbox/log")).raise_for_status().json()["calls"]
        calls: list[dict[str, Any]] = [call for call in log if call["tool"] == tool]
        return calls[-1]

    async def counted(self) -> list[int]:
        return [len(log) for log in await self.calls()]


@contextlib.asynccontextmanager
async def shops(count: int, products: int) -> AsyncIterator[Shops]:
    """`count` sellers, and one of that many `products`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.sellers", str(count), str(products), stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            *several, many = await _announced(process)
            yield Shops(tuple(several), many, client)
    finally:
        process.stdin.close()
        await process.wait()


async def _announced(process: Process) -> list[Shop]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("the sellers' process ended before it had begun")
    return [Shop(**each) for each in json.loads(line)]


async def _serve(count: int, products: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        handles = [await stack.enter_async_context(sandbox(f"Seller {number}")) for number in range(count + 1)]
        made = [Shop(each.name, each.base_url, each.mcp_url, each.product_id(PRODUCT)) for each in handles]
        made[-1] = replace(made[-1], mcp_url=await stack.enter_async_context(plenty(made[-1].mcp_url, products)))
        print(json.dumps([asdict(each) for each in made]), flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until whoever started us has gone


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
