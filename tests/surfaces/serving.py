"""The app served on a loopback socket by a thread of this process, for clients that are not asyncio's."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import uvicorn

from buyside.api.app import About
from buyside.bootstrap.surface import app_of
from buyside.connectors.http import AddressGuard
from buyside.domain.accounts import Role
from buyside.services import accounts
from buyside.store.database import open_database
from tests.builders import a_world
from tests.sandbox_server import listen, sandbox
from tests.surfaces.conftest import a_client, recorded, with_key
from tests.surfaces.steps import Ids, furnished


@dataclass(frozen=True)
class Served:
    url: str
    key: str
    """Of an ADMIN."""
    ids: Ids
    """What the account has: one of everything."""


@contextlib.contextmanager
def served(store_url: str) -> Iterator[Served]:
    """A server over this store, with one sandbox seller and one furnished account."""
    ready: Future[Served] = Future()
    stop: list[Callable[[], object]] = []
    thread = threading.Thread(target=lambda: asyncio.run(_serve(store_url, ready, stop)))
    thread.start()
    try:
        yield ready.result(30)
    finally:
        with contextlib.suppress(RuntimeError):  # it is over already
            for each in stop:
                each()
        thread.join(30)


async def _serve(store_url: str, ready: Future[Served], stop: list[Callable[[], object]]) -> None:
    database = open_database(store_url)
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    stop.append(partial(loop.call_soon_threadsafe, over.set))
    try:
        async with sandbox("North") as north, a_world(database) as world:
            account = await accounts.ensure(world.runtime, "Fuzzed")
            _, key, _ = await with_key(world, account, Role.ADMIN)
            ids = await furnished(a_client(recorded(world.runtime), key), north)
            async with _listening(app_of(About("0"), world.runtime)) as url:
                ready.set_result(Served(url, key, ids))
                await over.wait()
    except BaseException as failed:
        if ready.done():
            raise
        ready.set_exception(failed)
    finally:
        await database.dispose()


@contextlib.asynccontextmanager
async def _listening(app: Any) -> AsyncIterator[str]:
    with listen() as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="critical"))
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


def stay_here(patch: pytest.MonkeyPatch) -> None:
    """No name is looked up and no address is dialled but loopback: made-up endpoints must not leave the machine."""
    look_up = socket.getaddrinfo

    def only_here(host: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in {"127.0.0.1", "localhost", None}:
            raise socket.gaierror(socket.EAI_NONAME, "no name is looked up here")
        return look_up(host, *rest, **more)

    def refusal(guard: AddressGuard, host: str, port: int, address: str) -> str | None:
        return None if ipaddress.ip_address(address).is_loopback else f"{host} is not this machine"

    patch.setattr(socket, "getaddrinfo", only_here)
    patch.setattr(AddressGuard, "refusal", refusal)
