"""MCP streamable HTTP, as much of it as calling tools needs. Source: MCP specification 2025-06-18, basic/transports."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from buyside.connectors.adcp.calling import FAILURES, REFUSAL_CAP, Lines, failed, parsed, refusal
from buyside.connectors.adcp.outcome import (
    HTTPRefusal,
    NoAnswer,
    NotSent,
    Reply,
    RPCError,
    ToolResult,
)
from buyside.connectors.adcp.sse import EventReader
from buyside.connectors.adcp.wire import Unreadable, freeze
from buyside.connectors.http import MEBIBYTE, RESPONSE_CAP, Departure, chunks, read

PROTOCOL = "2025-06-18"
TOOLS_CAP = 16 * MEBIBYTE
MAX_TOOL_PAGES = 50
MAX_SERVER_REQUESTS = 20
DRAIN_SECONDS = 0.25
CLOSE_SECONDS = 2.0

_ACCEPT = {"Accept": "application/json, text/event-stream"}
_INITIALIZE = freeze(
    {
        "protocolVersion": PROTOCOL,
        "capabilities": {},
        "clientInfo": {"name": "buyside", "version": "1"},
    }
)
_NO_SESSION = re.compile(
    r"session.{0,40}(not found|expired|unknown|invalid|terminated|missing)|(no|missing|invalid|unknown).{0,12}session",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Session:
    id: str | None
    """None: the server keeps no sessions."""
    version: str
    server: Mapping[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        headers = {**_ACCEPT, "MCP-Protocol-Version": self.version}
        return headers if self.id is None else {**headers, "Mcp-Session-Id": self.id}


class SessionRefused(Exception):
    """The server did not open a session: whatever was to be asked in it never left."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class MCP:
    """One session with one server, opened when first needed and shared by all calls at once."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._session: Session | None = None
        self._opening = asyncio.Lock()
        self._numbers = itertools.count(1)

    async def call(self, tool: str, arguments: bytes, departure: Departure) -> Reply:
        params = b'{"name":' + json.dumps(tool).encode() + b',"arguments":' + arguments + b"}"
        return await self._request("tools/call", params, departure)

    async def task(self, task_id: str, departure: Departure) -> Reply | None:
        """MCP has no task call of its own: tasks are asked for with a tool."""
        return None

    async def session(self) -> Session:
        """Raises: SessionRefused, or what `FAILURES` lists."""
        return await self._opened(None)

    async def tools(self) -> list[Mapping[str, Any]]:
        """Every page of tools/list. Raises: SessionRefused, or what `FAILURES` lists."""
        found: list[Mapping[str, Any]] = []
        cursor: str | None = None
        for _ in range(MAX_TOOL_PAGES):
            reply = await self._request("tools/list", freeze({"cursor": cursor}), Departure(), TOOLS_CAP)
            if not isinstance(reply, ToolResult):
                raise SessionRefused(reply)
            page = reply.result.get("tools")
            found += [each for each in page if isinstance(each, Mapping)] if isinstance(page, list) else []
            following = reply.result.get("nextCursor")
            if not isinstance(following, str) or not following or following == cursor:
                break
            cursor = following
        return found

    async def close(self) -> None:
        """Give the session back; a server that does not want it keeps it."""
        session, self._session = self._session, None
        if session is None or session.id is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._lines.deleting(session.headers)
        except (TimeoutError, *FAILURES):
            return

    async def _request(self, method: str, params: bytes, departure: Departure, cap: int = RESPONSE_CAP) -> Reply:
        try:
            session = await self._opened(None)
            reply = await self._ask(session, method, params, departure, cap)
            if _is_lost(session, reply):
                # The server had no such session, so it has not looked at the request: it may be sent again, once.
                departure.left = False
                reply = await self._ask(await self._opened(session), method, params, departure, cap)
            return reply
        except SessionRefused as refused:
            return _never_asked(refused.reply)

    async def _opened(self, lost: Session | None) -> Session:
        """The session, opened by whoever comes first; `lost` is the one that turned out to be gone."""
        session = self._session
        if session is not None and session is not lost:
            return session
        async with self._opening:
            if self._session is None or self._session is lost:
                self._session = None
                self._session = await self._open()
            return self._session

    async def _open(self) -> Session:
        number = next(self._numbers)
        content = _envelope(number, "initialize", _INITIALIZE)
        departure = Departure()
        try:
            async with self._lines.posting(content, _ACCEPT, departure) as response:
                reply = await self._answer(response, number, None, RESPONSE_CAP)
                session_id = response.headers.get("mcp-session-id")
        except FAILURES as error:
            raise SessionRefused(failed(error, departure)) from error
        if not isinstance(reply, ToolResult):
            raise SessionRefused(reply)
        version = reply.result.get("protocolVersion")
        session = Session(session_id, version if isinstance(version, str) else PROTOCOL, reply.result)
        await self._say(session, b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return session

    async def _ask(self, session: Session, method: str, params: bytes, departure: Departure, cap: int) -> Reply:
        number = next(self._numbers)
        content = _envelope(number, method, params)
        async with self._lines.posting(content, session.headers, departure) as response:
            return await self._answer(response, number, session, cap)

    async def _answer(self, response: httpx.Response, number: int, session: Session | None, cap: int) -> Reply:
        if response.status_code in (202, 204):
            return NoAnswer("The seller took the request and gave no answer to it.")
        if not response.is_success:
            return await refusal(response)
        if "text/event-stream" in response.headers.get("content-type", ""):
            return await self._from_events(response, number, session, cap)
        message = await parsed(await read(response, cap))
        candidates = message if isinstance(message, list) else [message]
        for each in candidates:
            if _answers(each, number, alone=len(candidates) == 1):
                return _as_reply(each)
        return NoAnswer("The reply answers another request than ours.")

    async def _from_events(self, response: httpx.Response, number: int, session: Session | None, cap: int) -> Reply:
        reader, asked = EventReader(), 0
        parts = chunks(response, cap)
        async for part in parts:
            for data in reader.feed(part):
                message = await _event(data)
                if _answers(message, number):
                    await _drained(parts)
                    return _as_reply(message)
                if session is not None and _is_request(message) and asked < MAX_SERVER_REQUESTS:
                    asked += 1
                    await self._say(session, _courtesy(message))
        for data in reader.rest():
            if _answers(message := await _event(data), number):
                return _as_reply(message)
        return NoAnswer("The seller closed the stream before it had answered.")

    async def _say(self, session: Session, content: bytes) -> None:
        """A message that has no answer: whether it arrives is the server's affair."""
        try:
            async with self._lines.posting(content, session.headers) as response:
                await _drained(chunks(response, REFUSAL_CAP))
        except FAILURES:
            return


def _envelope(number: int, method: str, params: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}' % (number, method.encode(), params)


def _never_asked(reply: Reply) -> Reply:
    """What a failed handshake means for the call that waited for it: that it was not sent."""
    if isinstance(reply, NotSent) or (isinstance(reply, HTTPRefusal) and 400 <= reply.status < 500):
        return reply
    match reply:
        case HTTPRefusal(status, _, retry_after):
            return NotSent(f"The seller opened no session (HTTP {status}).", retry_after=retry_after)
        case RPCError(code, message):
            return NotSent(f"The seller opened no session: {message or code}")
        case NoAnswer(reason):
            return NotSent(f"The seller opened no session: {reason}")
    return NotSent("The seller opened no session.")


def _is_lost(session: Session, reply: Reply) -> bool:
    """Whether the server says that the session is gone (which proves that the request was not looked at)."""
    if session.id is None:
        return False
    match reply:
        case HTTPRefusal(404):
            return True
        case HTTPRefusal(400, body):
            return _NO_SESSION.search(json.dumps(body, default=str)) is not None
        case RPCError(code, message):
            return code in (-32600, -32001, -32000) and _NO_SESSION.search(message) is not None
    return False


async def _event(data: bytes) -> Any:
    try:
        return await parsed(data)
    except Unreadable:
        return None


def _answers(message: Any, number: int, *, alone: bool = False) -> bool:
    """Whether this is the response to our request. The only message in a reply may lack its id (a parse error does)."""
    if not isinstance(message, Mapping) or ("result" not in message and "error" not in message):
        return False
    return str(message.get("id", number if alone else "")) == str(number)


def _is_request(message: Any) -> bool:
    return isinstance(message, Mapping) and isinstance(message.get("method"), str) and "id" in message


def _courtesy(message: Mapping[str, Any]) -> bytes:
    """Servers may ask too: a ping is answered, the rest we do not do."""
    reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
    if message["method"] == "ping":
        return freeze({**reply, "result": {}})
    return freeze({**reply, "error": {"code": -32601, "message": "This client takes no such request."}})


def _as_reply(message: Mapping[str, Any]) -> Reply:
    error, result = message.get("error"), message.get("result")
    if isinstance(error, Mapping):
        code = error.get("code")
        said = error.get("message")
        return RPCError(code if isinstance(code, int) else 0, said if isinstance(said, str) else "", error.get("data"))
    if isinstance(result, Mapping):
        return ToolResult(result)
    return NoAnswer("The reply has neither a result nor an error.")


async def _drained(parts: AsyncIterator[bytes]) -> None:
    """Read to the end, if that is near: only a reply that was read whole leaves its connection for the next call."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in parts:
                pass
    except (TimeoutError, *FAILURES):
        return
