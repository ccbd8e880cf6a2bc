"""MCP over streamable HTTP: sessions, tools/list, tools/call. Source: modelcontextprotocol.io, 2025-11-25."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.requests import Request as HTTPRequest
from starlette.responses import Response

from buyside.sandbox import Doc, arguments, codec, wire
from buyside.sandbox.calls import Answer, Calls, Cut, HTTPError
from buyside.sandbox.seller import Request, Seller
from buyside.sandbox.tools import TOOLS
from buyside.sandbox.wire import Message

PROTOCOLS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
_HUGE = 3_000_000


class MCPEndpoint:
    def __init__(self, seller: Seller, calls: Calls) -> None:
        self._seller = seller
        self._calls = calls
        # Sessions do not outlive the process: a client that comes back with one is told 404, and begins again.
        self._sessions: set[str] = set()

    async def __call__(self, request: HTTPRequest) -> Response:
        if self._seller.faults.on("no_mcp"):
            return wire.json_response({"detail": "Not Found"}, 404)
        if refused := wire.refused_at_the_door(self._seller, request):
            return refused
        if request.method == "DELETE":
            return self._ended(request)
        if request.method != "POST":
            return wire.json_response({"detail": "Method Not Allowed"}, 405, {"allow": "POST, DELETE"})
        if not _accepts(request, "application/json") and not _accepts(request, "text/event-stream"):
            return wire.json_response({"detail": "Not Acceptable"}, 406)
        try:
            return await self._answered(request, await wire.message(request))
        except wire.NotJSONRPC as refusal:
            return wire.json_response(refusal.answer, 400)
        except Cut:
            return wire.BrokenOff()
        except HTTPError as failure:
            return wire.json_response({"detail": "This is how the sandbox was told to fail."}, failure.status)

    def _ended(self, request: HTTPRequest) -> Response:
        session = request.headers.get("mcp-session-id")
        if session not in self._sessions:
            return wire.json_response(wire.error(None, -32001, "Session not found"), 404)
        self._sessions.discard(session)
        return Response(status_code=204)

    async def _answered(self, request: HTTPRequest, message: Message) -> Response:
        if message.method == "initialize":
            session = secrets.token_hex(16)
            self._sessions.add(session)
            headers = {"mcp-session-id": session}
            return self._sent(request, wire.result(message.id, self._hello(message.params)), headers)
        session = request.headers.get("mcp-session-id", "")
        if not session:
            return wire.json_response(wire.error(message.id, wire.INVALID_REQUEST, "mcp-session-id is missing"), 400)
        if session not in self._sessions:
            return wire.json_response(wire.error(message.id, -32001, "Session not found"), 404)
        if request.headers.get("mcp-protocol-version", PROTOCOLS[0]) not in PROTOCOLS:
            return wire.json_response(wire.error(message.id, wire.INVALID_REQUEST, "Unknown protocol version"), 400)
        if message.id is None or not message.method:
            return Response(status_code=202)
        return self._sent(request, await self._responded(request, message))

    def _hello(self, params: Doc) -> Doc:
        asked = params.get("protocolVersion")
        return {
            "protocolVersion": asked if asked in PROTOCOLS else PROTOCOLS[0],
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": {"name": self._seller.name, "version": "1"},
            "instructions": "A sandbox: nothing is sold, nothing is spent.",
        }

    async def _responded(self, request: HTTPRequest, message: Message) -> Doc:
        if message.method == "ping":
            return wire.result(message.id, {})
        if message.method == "tools/list":
            return wire.result(message.id, {"tools": self._tools()})
        if message.method != "tools/call":
            return wire.error(message.id, wire.METHOD_NOT_FOUND, "Method not found")
        name, given = message.params.get("name"), message.params.get("arguments") or {}
        if name not in TOOLS or not isinstance(given, dict):
            return wire.error(message.id, wire.INVALID_PARAMS, f"Unknown tool: {name}")
        call = Request(str(name), given, "MCP", wire.principal(request))
        answer = await self._calls.place(call, wire.gone(request))
        return wire.result(message.id, _content(answer))

    def _tools(self) -> list[Doc]:
        faults = self._seller.faults
        keys = not faults.on("no_idempotency")
        rows: list[Doc] = []
        for name in TOOLS:
            narrow = faults.on("unknown_argument_rejection", name)
            schema = arguments.schema(name, narrow=narrow, keys=keys)
            rows.append({"name": name, "description": arguments.description(name), "inputSchema": schema})
        if faults.on("huge_tools_list"):
            filler = "This tool is described at length. " * (_HUGE // 34 // len(rows) + 1)
            for row in rows:
                row["inputSchema"]["$defs"] = {"Notes": {"type": "string", "description": filler}}
        return rows

    def _sent(self, request: HTTPRequest, doc: Doc, headers: dict[str, str] | None = None) -> Response:
        if not self._seller.faults.on("sse") and _accepts(request, "application/json"):
            return wire.json_response(doc, headers=headers)
        # A note first, as servers that log to their client send: the answer is not always the first event.
        note = {"level": "debug", "logger": "sandbox", "data": "working"}
        events = [{"jsonrpc": "2.0", "method": "notifications/message", "params": note}, doc]
        body = ": open\n\n" + "".join(f"event: message\ndata: {codec.dumps(event)}\n\n" for event in events)
        return Response(body, headers={**(headers or {}), "cache-control": "no-store"}, media_type="text/event-stream")


def _accepts(request: HTTPRequest, kind: str) -> bool:
    accept = request.headers.get("accept", "*/*")
    return any(part.split(";")[0].strip() in (kind, "*/*", f"{kind.split('/')[0]}/*") for part in accept.split(","))


def _content(answer: Answer) -> Doc:
    content: list[dict[str, Any]] = [{"type": "text", "text": codec.dumps(answer.doc)}]
    return {"content": content, "structuredContent": answer.doc, "isError": answer.is_error}
