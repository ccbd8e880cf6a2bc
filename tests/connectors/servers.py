"""Small servers on real sockets that misbehave on purpose: a handler gets each request with its raw connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from buyside.connectors.adcp.wire import Unreadable, loads


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter = field(repr=False)

    @property
    def message(self) -> dict[str, Any]:
        try:
            found = loads(self.body)
        except Unreadable:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def rpc(self) -> str:
        return str(self.message.get("method", ""))

    async def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        await self.start(status, **{"content_length": str(len(body)), **headers})
        await self.send(body)

    async def json(self, value: Any, status: int = 200, **headers: str) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        await self.answer(status, body, content_type="application/json", **headers)

    async def result(self, result: Any, **headers: str) -> None:
        await self.json({"jsonrpc": "2.0", "id": self.message.get("id"), "result": result}, 200, **headers)

    async def start(self, status: int = 200, **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await self.writer.drain()

    async def stream(self, **headers: str) -> None:
        await self.start(200, content_type="text/event-stream", transfer_encoding="chunked", **headers)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    async def event(self, message: Any) -> None:
        await self.chunk(b"data: " + json.dumps(message).encode() + b"\n\n")

    async def end(self) -> None:
        await self.send(b"0\r\n\r\n")

    def cut(self) -> None:
        self.writer.transport.abort()


Handler = Callable[[Request], Awaitable[None]]


@dataclass
class Server:
    url: str
    port: int
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def asked(self, rpc: str) -> list[Request]:
        return [each for each in self.requests if each.rpc == rpc]


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Server]:
    made = Server("", 0)
    open_now: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        made.connections += 1
        try:
            while (request := await _read(reader, writer)) is not None:
                made.requests.append(request)
                await handler(request)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            open_now.discard(task)
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    made.url = f"http://127.0.0.1:{made.port}/mcp"
    try:
        yield made
    finally:
        listening.close()
        for task in list(open_now):
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)
        await listening.wait_closed()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body, writer)


def mcp(
    on_call: Handler,
    *,
    session: str | None = "s-1",
    tools: list[dict[str, Any]] | None = None,
    version: str = "2025-06-18",
) -> Handler:
    """A well-behaved MCP server around one tool handler."""
    extra: Mapping[str, str] = {"mcp_session_id": session} if session else {}

    async def handle(request: Request) -> None:
        match request.rpc:
            case "initialize":
                await request.result({"protocolVersion": version, "capabilities": {}, "serverInfo": {}}, **extra)
            case "notifications/initialized":
                await request.answer(202)
            case "tools/list":
                await request.result({"tools": tools or []})
            case "tools/call":
                await on_call(request)
            case _:
                await request.answer(200)

    return handle


def tool_result(structured: Any) -> dict[str, Any]:
    return {"content": [], "structuredContent": structured}


def a_tool(name: str, *keys: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object", "properties": {key: {} for key in keys}, **more}}
