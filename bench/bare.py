"""The peer: the same calls made to the same sellers by hand, with httpx and nothing else."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

Calls = Sequence[Mapping[str, Any]]
"""As a seller's log has them: {"tool", "arguments"}."""
_HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "0"}}


# Sellers close a connection that was idle for five seconds: one is not used again that they may be about to close.
_LIMITS = httpx.Limits(keepalive_expiry=2)


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=30, limits=_LIMITS)


class BareBuyer:
    """Sessions are opened once and kept, as ours are."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._sessions: dict[str, dict[str, str]] = {}

    async def make(self, calls: Mapping[str, Calls]) -> None:
        """Each seller's calls in turn, all sellers at once."""
        await asyncio.gather(*(self._at(url, each) for url, each in calls.items()))

    async def _at(self, url: str, calls: Calls) -> None:
        headers = self._sessions.get(url) or await self._opened(url)
        for number, call in enumerate(calls, start=1):
            arguments = dict(call["arguments"])
            if "idempotency_key" in arguments:
                arguments["idempotency_key"] = str(uuid.uuid4())
            await self._said(url, headers, number, call["tool"], arguments)

    async def pages(self, url: str, call: Mapping[str, Any]) -> int:
        """Follow a list to its end; how many products it had."""
        headers = self._sessions.get(url) or await self._opened(url)
        arguments, products, number = dict(call["arguments"]), 0, 0
        while True:
            number += 1
            found = (await self._said(url, headers, number, call["tool"], arguments))["structuredContent"]
            products += len(found["products"])
            cursor = found.get("pagination", {}).get("cursor")
            if not cursor:
                return products
            arguments["pagination"] = {"cursor": cursor}

    async def _said(
        self, url: str, headers: Mapping[str, str], number: int, tool: str, arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        params = {"name": tool, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
        answer = await self._client.post(url, headers=headers, json=message)
        result: dict[str, Any] = answer.raise_for_status().json()["result"]
        assert not result.get("isError"), result
        return result

    async def _opened(self, url: str) -> dict[str, str]:
        headers = {"Accept": "application/json, text/event-stream"}
        message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": _HELLO}
        began = await self._client.post(url, headers=headers, json=message)
        began.raise_for_status().json()
        headers["mcp-session-id"] = began.headers["mcp-session-id"]
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        await self._client.post(url, headers=headers, json=ready)
        self._sessions[url] = headers
        return headers

    def forget(self) -> None:
        """The next calls open their sessions anew."""
        self._sessions.clear()
