"""A seller with thousands of products: it stands in front of a sandbox seller and multiplies what that one offers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.connectors.servers import Request, serving

PAGE = 1500
"""Products in one answer: some 3 MB."""
_PASSED = ("content-type", "accept", "mcp-session-id", "mcp-protocol-version")


class Plenty:
    def __init__(self, behind: str, products: int, client: httpx.AsyncClient) -> None:
        self._behind, self._products, self._client = behind, products, client

    async def __call__(self, request: Request) -> None:
        message = request.message
        searching = request.rpc == "tools/call" and message["params"]["name"] == "get_products"
        page = message["params"]["arguments"].pop("pagination", {}) if searching else {}
        content = json.dumps(message).encode() if searching else request.body
        headers = {name: value for name, value in request.headers.items() if name in _PASSED}
        said = await self._client.request(request.method, self._behind, headers=headers, content=content)
        body = self._multiplied(said.json(), int(page.get("cursor", 0))) if searching else said.content
        more = {name.replace("-", "_"): said.headers[name] for name in _PASSED if name in said.headers}
        await request.answer(said.status_code, body, **more)

    def _multiplied(self, answer: dict[str, Any], begin: int) -> bytes:
        found = answer["result"]["structuredContent"]
        few, end = found["products"], min(begin + PAGE, self._products)
        found["products"] = [
            few[n % len(few)] | {"product_id": f"{few[n % len(few)]['product_id']}_{n}"} if n >= len(few) else few[n]
            for n in range(begin, end)
        ]
        if end < self._products:
            found["pagination"] = {"has_more": True, "cursor": str(end)}
        answer["result"]["content"] = []
        return json.dumps(answer).encode()


@contextlib.asynccontextmanager
async def plenty(behind: str, products: int) -> AsyncIterator[str]:
    """Its MCP endpoint."""
    async with (
        httpx.AsyncClient(trust_env=False, timeout=60) as client,
        serving(Plenty(behind, products, client)) as front,
    ):
        yield front.url
