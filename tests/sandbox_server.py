"""A sandbox seller on a real loopback socket, for every test that needs a seller.

async with sandbox("North", faults=["slow=1@create_media_buy"]) as seller:
    ... seller.mcp_url ...
    await seller.wait("create_media_buy", in_flight=1)
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from buyside.sandbox import endpoints
from buyside.sandbox.app import create
from buyside.sandbox.catalogue import slug
from buyside.sandbox.seller import Seller

Doc = dict[str, Any]


def real_now() -> datetime:
    return datetime.now(UTC)


def listen(port: int = 0) -> socket.socket:
    # asyncio turns Nagle's algorithm off only on sockets that say TCP: without, each answer waits 40 ms for an ACK.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(128)
    return listening


class _Server(uvicorn.Server):
    """Ends when it is told to, not at a signal and not at the next tick."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                # uvicorn tells nobody when a connection is gone; its own look every 100 ms would be felt in each test.
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


class SandboxHandle:
    """One running seller, and what /_sandbox can do with it."""

    def __init__(
        self, base_url: str, seller: Seller, client: httpx.AsyncClient, server: _Server, listening: socket.socket
    ) -> None:
        self.base_url = base_url
        self.mcp_url, self.a2a_url = endpoints(base_url).values()
        self.name = seller.name
        self._seller = seller
        self._client = client
        self._server = server
        self._task = asyncio.ensure_future(server.serve([listening]))

    async def _call(self, method: str, path: str, **options: Any) -> Doc:
        response = await self._client.request(method, f"{self.base_url}/_sandbox/{path}", **options)
        assert response.status_code == 200, response.text
        doc = response.json()
        assert isinstance(doc, dict)
        return doc

    def product_id(self, template: str) -> str:
        """The id that this seller gives to one of the catalogue's templates, such as "display_reach"."""
        return f"{slug(self.name)}_{template}"

    async def state(self) -> Doc:
        return await self._call("GET", "state")

    async def buys(self) -> list[Doc]:
        return list((await self.state())["media_buys"])

    async def log(self, since: int = 0) -> Doc:
        return await self._call("GET", "log", params={"since": since})

    async def calls(self, tool: str) -> list[Doc]:
        return [call for call in (await self.log())["calls"] if call["tool"] == tool]

    async def set_faults(
        self,
        *names: str,
        clear: Sequence[str] = (),
        tool: str | None = None,
        times: int | None = None,
        product_id: str | None = None,
        **valued: object,
    ) -> Doc:
        """`set_faults("sse", slow=2, tool="create_media_buy", times=1)`."""
        body = {"set": {name: True for name in names} | valued, "clear": list(clear), "times": times}
        return await self._call("POST", "faults", json={**body, "tool": tool, "product_id": product_id})

    async def clear_faults(self, *names: str) -> Doc:
        return await self._call("POST", "faults", json={"clear": list(names)})

    async def decide(self, decision: str, *, message: str = "", **target: str) -> Doc:
        """`decide("approve", task_id=…)`; or media_buy_id, or creative_id."""
        return await self._call("POST", "decide", json={"decision": decision, "message": message, **target})

    async def advance(self, *, days: float = 0, hours: float = 0, seconds: float = 0) -> Doc:
        total = days * 86400 + hours * 3600 + seconds
        return await self._call("POST", "clock", json={"advance_seconds": total})

    async def now(self) -> datetime:
        return datetime.fromisoformat((await self._call("GET", "clock"))["now"])

    async def hold(self, tool: str, when: str = "before") -> Doc:
        """Calls of the tool stop `before` or `after_commit`, until `release`."""
        return await self._call("POST", "hold", json={"tool": tool, "when": when})

    async def release(self, tool: str | None = None) -> Doc:
        return await self._call("POST", "release", json={"tool": tool})

    async def wait(self, tool: str | None = None, *, seconds: float = 10, **least: int) -> Doc:
        """Until so many calls are `in_flight`, or `finished` since the start."""
        params: dict[str, Any] = {**least, "timeout": seconds, **({"tool": tool} if tool else {})}
        return await self._call("GET", "wait", params=params)

    async def reset(self) -> Doc:
        return await self._call("POST", "reset")

    async def stop(self) -> None:
        """Calls that are held or slow are cut. May be called twice."""
        self._seller.traffic.close()
        self._server.told.set()
        await self._task


@contextlib.asynccontextmanager
async def sandbox(
    name: str = "Sandbox Seller",
    *,
    faults: Sequence[str] = (),
    state: Path | None = None,
    clock: Callable[[], datetime] = real_now,
    port: int = 0,
) -> AsyncIterator[SandboxHandle]:
    with listen(port) as listening:
        app = create(name, state=state, faults=faults, clock=clock)
        config = uvicorn.Config(app, log_config=None, log_level="critical", timeout_graceful_shutdown=1)
        base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with httpx.AsyncClient(timeout=30, trust_env=False, verify=False) as client:
            handle = SandboxHandle(base_url, app.state.seller, client, _Server(config), listening)
            try:
                yield handle
            finally:
                await handle.stop()
