"""The app in process, over a store of either kind and sellers on real sockets. Each test has accounts of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import httpx
import pytest
import pytest_asyncio

from buyside.api.app import About
from buyside.bootstrap.surface import app_of
from buyside.domain.accounts import Account, Role
from buyside.services import accounts
from buyside.services.work import Runtime
from buyside.store.database import open_database
from tests.builders import World, a_world
from tests.recording import BASE, Recording
from tests.sandbox_server import SandboxHandle, sandbox
from tests.stores import PostgreSQLStores, SQLiteStores

NAMES = itertools.count(1)


@dataclass
class Rest:
    """One account, seen through HTTP with an ADMIN key and with a MEMBER key, and a stranger's ADMIN key."""

    world: World
    """The account behind the surface, for what has to be arranged or looked up there."""
    admin: httpx.AsyncClient
    member: httpx.AsyncClient
    stranger: httpx.AsyncClient
    """An ADMIN of another account."""
    nobody: httpx.AsyncClient
    """Without a key."""
    member_key: int


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a fresh, migrated store that the tests of a module share; they run once for each database."""
    stores: SQLiteStores | PostgreSQLStores = request.getfixturevalue(f"{request.param}_stores")
    with stores.fresh() as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_world(shared_url: str) -> AsyncIterator[World]:
    database = open_database(shared_url)
    async with a_world(database) as made:
        yield made
    await database.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def transport(shared_world: World) -> AsyncIterator[httpx.AsyncBaseTransport]:
    yield recorded(shared_world.runtime)


def recorded(runtime: Runtime, said: About | None = None) -> httpx.AsyncBaseTransport:
    """The surface of a runtime; what it answers is held against our document."""
    return Recording(httpx.ASGITransport(app_of(said or About("0"), runtime)))


def a_client(transport: httpx.AsyncBaseTransport, key: str | None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(transport=transport, base_url=f"http://buyside.test{BASE}", headers=headers, timeout=40)


@pytest_asyncio.fixture(loop_scope="module")
async def rest(shared_world: World, transport: httpx.AsyncBaseTransport) -> AsyncIterator[Rest]:
    runtime, policy = shared_world.runtime, shared_world.runtime.policy
    mine, other = [await accounts.ensure(runtime, f"Account {next(NAMES)}") for _ in range(2)]
    admin, admin_key, _ = await with_key(shared_world, mine, Role.ADMIN)
    _, member_key, member_id = await with_key(shared_world, mine, Role.MEMBER)
    _, stranger_key, _ = await with_key(shared_world, other, Role.ADMIN)
    yield Rest(
        admin,
        a_client(transport, admin_key),
        a_client(transport, member_key),
        a_client(transport, stranger_key),
        a_client(transport, None),
        member_id,
    )
    await runtime.background.drain(30)
    runtime.policy = policy


async def with_key(world: World, account: Account, role: Role) -> tuple[World, str, int]:
    """The account's own view of the world, and a key to it with its number."""
    seen = replace(world, account=account)
    made = await accounts.create_key(seen.work(), role.value.lower(), role)
    return seen, made.text, made.key.id


@pytest_asyncio.fixture(loop_scope="module")
async def north() -> AsyncIterator[SandboxHandle]:
    async with sandbox("North") as seller:
        yield seller


@pytest_asyncio.fixture(loop_scope="module")
async def east() -> AsyncIterator[SandboxHandle]:
    async with sandbox("East") as seller:
        yield seller


@pytest_asyncio.fixture(loop_scope="module")
async def west() -> AsyncIterator[SandboxHandle]:
    async with sandbox("West") as seller:
        yield seller
