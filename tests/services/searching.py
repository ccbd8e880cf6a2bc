"""Searching in tests: sellers on real sockets, and one search at all of them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from buyside.domain.advertisers import Advertiser
from buyside.domain.groups import Found
from buyside.domain.searches import Wish
from buyside.domain.storefronts import Seller
from buyside.services import discovery
from buyside.services.discovery import Ask
from tests.builders import World, a_seller
from tests.sandbox_server import SandboxHandle, sandbox


@contextlib.asynccontextmanager
async def connected(world: World, *names: str) -> AsyncIterator[list[tuple[SandboxHandle, Seller]]]:
    async with contextlib.AsyncExitStack() as stack:
        handles = [await stack.enter_async_context(sandbox(name)) for name in names]
        yield [(each, await a_seller(world, each.mcp_url, each.name)) for each in handles]


async def discover(world: World, advertiser: Advertiser, wish: Wish | None = None, **more: object) -> Found:
    ask = Ask(advertiser.id, wish or Wish(brief="shoes"), **more)  # type: ignore[arg-type]
    return await discovery.discover(world.work(), ask)


def agents(found: Found) -> set[str]:
    return {group.agent.agent_name for group in found.groups}
