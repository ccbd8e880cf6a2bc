"""A small buyer: one MCP session with one seller, and the arguments that most tests share."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

Doc = dict[str, Any]
AGENT = "https://creative.adcontextprotocol.org"
ACCOUNT: Doc = {"brand": {"domain": "acme.example"}, "operator": "acme.example", "sandbox": True}
START = datetime(2026, 3, 2, tzinfo=UTC)
TEN_DAYS = {"start_time": "2026-03-02T00:00:00Z", "end_time": "2026-03-12T00:00:00Z"}


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


def banner(creative_id: str = "banner", **more: Any) -> Doc:
    image = {"asset_type": "image", "url": "https://cdn.acme.example/b.png", "width": 300, "height": 250}
    format_id = {"agent_url": AGENT, "id": "display_300x250_image"}
    return {"creative_id": creative_id, "name": "Banner", "format_id": format_id, "assets": {"main": image}, **more}


class Buyer:
    def __init__(self, client: httpx.AsyncClient, base_url: str, name: str) -> None:
        self.client = client
        self.base_url = base_url
        self.prefix = name.lower().replace(" ", "_")
        self.headers: dict[str, str] = {}
        self._keys = itertools.count(1)

    def key(self) -> str:
        return f"test-key-{next(self._keys):012d}"

    def product(self, template: str) -> str:
        return f"{self.prefix}_{template}"

    async def post(self, body: object, **headers: str) -> httpx.Response:
        return await self.client.post(f"{self.base_url}/mcp", json=body, headers={**self.headers, **headers})

    async def open(self) -> None:
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        response = await self.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello})
        assert response.status_code == 200, response.text
        self.headers["mcp-session-id"] = response.headers["mcp-session-id"]
        assert (await self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})).status_code == 202

    async def rpc(self, method: str, params: Doc | None = None) -> Doc:
        response = await self.post({"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}})
        assert response.status_code == 200, response.text
        doc = response.json()
        assert isinstance(doc, dict)
        return doc

    async def call(self, tool: str, **arguments: Any) -> Doc:
        """The structured content, whether it is an answer or an error."""
        doc = await self.rpc("tools/call", {"name": tool, "arguments": arguments})
        result = doc["result"]
        assert result["isError"] == bool(result["structuredContent"].get("adcp_error")), result
        content = result["structuredContent"]
        assert isinstance(content, dict)
        return content

    async def done(self, tool: str, **arguments: Any) -> Doc:
        content = await self.call(tool, **arguments)
        assert "errors" not in content, content["errors"]
        return content

    async def refused(self, tool: str, **arguments: Any) -> Doc:
        content = await self.call(tool, **arguments)
        assert content["status"] == "failed", content
        assert content["errors"] == [content["adcp_error"]]
        error = content["adcp_error"]
        assert isinstance(error, dict)
        return error

    def package(self, template: str = "display_reach", budget: float = 100, **more: Any) -> Doc:
        return {
            "product_id": self.product(template),
            "pricing_option_id": "cpm_usd_fixed",
            "budget": budget,
            **more,
        }

    def order(self, *packages: Doc, **more: Any) -> Doc:
        """The arguments of a create_media_buy over ten days."""
        return {
            "idempotency_key": self.key(),
            "account": ACCOUNT,
            "brand": {"domain": "acme.example"},
            "packages": list(packages) or [self.package()],
            **TEN_DAYS,
            **more,
        }

    async def buy(self, *packages: Doc, **more: Any) -> Doc:
        return await self.done("create_media_buy", **self.order(*packages, **more))

    async def live(self, *packages: Doc, **more: Any) -> Doc:
        """A buy whose packages come with their banner, so that they run as soon as the flight begins."""
        dressed = [{**one, "creatives": [banner()]} for one in packages or (self.package(),)]
        return await self.buy(*dressed, **more)

    async def update(self, buy: Doc, **changes: Any) -> Doc:
        return await self.call("update_media_buy", **self.change(buy, **changes))

    def change(self, buy: Doc, **changes: Any) -> Doc:
        identity = {"account": ACCOUNT, "media_buy_id": buy["media_buy_id"]}
        return {"idempotency_key": self.key(), **identity, **changes}

    async def read(self, buy: Doc, **more: Any) -> Doc:
        found = await self.done("get_media_buys", media_buy_ids=[buy["media_buy_id"]], **more)
        (row,) = found["media_buys"]
        assert isinstance(row, dict)
        return row

    async def delivery(self, buy: Doc, **more: Any) -> Doc:
        found = await self.done("get_media_buy_delivery", media_buy_ids=[buy["media_buy_id"]], **more)
        (row,) = found["media_buy_deliveries"]
        assert isinstance(row, dict)
        return row

    async def control(self, path: str, **body: Any) -> Doc:
        response = await self.client.post(f"{self.base_url}/_sandbox/{path}", json=body)
        assert response.status_code == 200, response.text
        doc = response.json()
        assert isinstance(doc, dict)
        return doc

    async def inside(self, path: str = "state") -> Doc:
        response = await self.client.get(f"{self.base_url}/_sandbox/{path}")
        assert response.status_code == 200, response.text
        doc = response.json()
        assert isinstance(doc, dict)
        return doc

    async def faulty(self, *names: str, **valued: Any) -> None:
        limits = {name: valued.pop(name) for name in ("tool", "times", "product_id") if name in valued}
        await self.control("faults", set={name: True for name in names} | valued, **limits)
