"""The real server as a process, through its REST API alone, with one campaign at two sellers of others."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.interop.conftest import Street, Tell
from tests.interop.counterparts import BRAND, GUARANTEED, NON_GUARANTEED, OPERATOR, TOKEN, Counterpart
from tests.server import a_server

pytestmark = pytest.mark.interop

Doc = dict[str, Any]
BUDGETS = {NON_GUARANTEED.product_id: 1000, GUARANTEED.product_id: 20_000}


async def api_key(settings: dict[str, str]) -> str:
    command = [sys.executable, "-m", "buyside", "keys", "create", "--account", "Interop", "--json"]
    environment = {**os.environ, **settings}
    made = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    said, _ = await made.communicate()
    assert made.returncode == 0
    return str(json.loads(said)["apiKey"])


class Caller:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str) -> Doc:
        return self._read(await self._client.get(path))

    async def post(self, path: str, body: Doc | None = None) -> Doc:
        return self._read(await self._client.post(path, json=body or {}))

    def _read(self, response: httpx.Response) -> Doc:
        assert response.is_success, f"{response.request.method} {response.url.path}: {response.text}"
        found: Doc = response.json()
        return found


async def connected(caller: Caller, name: str, shop: Counterpart) -> str:
    source = {"endpointUrl": shop.url, "protocol": shop.protocol.value, "auth": {"type": "bearer", "token": TOKEN}}
    made = await caller.post("/storefronts", {"name": name, "sources": [source]})
    (found,) = made["sources"]
    assert found["probeStatus"] == "reachable"
    return str(found["salesAgentId"])


async def campaign_of(caller: Caller) -> str:
    """Both products found by one search and selected, a campaign, and a creative in each of their formats."""
    advertiser = await caller.post("/advertisers", {"name": "Acme Outdoor", "brand": BRAND, "primaryCurrency": "USD"})
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    flight = {"startDate": f"{start:%FT%TZ}", "endDate": f"{start + timedelta(days=30):%FT%TZ}"}
    search = {"advertiserId": int(advertiser["id"]), "brief": "billboards for outdoor people", "flightDates": flight}
    found = await caller.post("/discovery/discover-products", {**search, "waitSeconds": 30})
    products = [product for group in found["productGroups"] for product in group["products"]]
    chosen = [
        {"productId": each["productId"], "salesAgentId": each["salesAgentId"], "budget": budget}
        for name, budget in BUDGETS.items()
        for each in products
        if each["productId"] == name or each["productId"].endswith(name)
    ]
    assert len(chosen) == len(BUDGETS), products
    await caller.post(f"/discovery/{found['discoveryId']}/products", {"products": chosen})
    wanted = {"advertiserId": int(advertiser["id"]), "name": "Summer", "flightDates": flight}
    budget = {"total": sum(BUDGETS.values()), "currency": "USD"}
    made = await caller.post("/campaigns", {**wanted, "budget": budget, "discoveryId": found["discoveryId"]})
    campaign_id = str(made["campaign"]["campaignId"])
    shown = (await caller.get(f"/campaigns/{campaign_id}"))["campaign"]
    for form in shown["creativeFormats"]["required"]:
        format_id = {"agent_url": form["agent_url"], "id": form["id"]}
        url = {"url": f"https://{BRAND}/summer", "url_type": "clickthrough"}
        creative = {"name": form["id"], "format_id": format_id, "url_asset": url}
        await caller.post(f"/campaigns/{campaign_id}/creatives/create", creative)
    return campaign_id


async def standing(caller: Caller, campaign_id: str) -> dict[str, Doc]:
    status = await caller.get(f"/campaigns/{campaign_id}/media-buy-status")
    return {each["media_buy_id"]: each for each in status["media_buys"]}


async def settled(caller: Caller, campaign_id: str, *, live: int) -> dict[str, Doc]:
    async with asyncio.timeout(90):
        while True:
            buys = await standing(caller, campaign_id)
            if sum(each["internal_status"] == "ACTIVE" for each in buys.values()) == live:
                return buys
            await asyncio.sleep(0.5)


def told(buys: dict[str, Doc]) -> str:
    return ", ".join(f"{name} {each['internal_status']}" for name, each in buys.items())


async def test_one_campaign_at_two_sellers_through_the_api(street: Street, tmp_path: Path, tell: Tell) -> None:
    programmatic, reserved = street.at(NON_GUARANTEED, a2a=False), street.at(GUARANTEED, a2a=True)
    before = len(await programmatic.orders()), len(await reserved.orders())
    settings = {
        "BUYSIDE_DATA_DIR": str(tmp_path / "data"),
        "BUYSIDE_ALLOW_PRIVATE_ENDPOINTS": "true",
        "BUYSIDE_OPERATOR_DOMAIN": OPERATOR,
    }
    key = await api_key(settings)
    async with a_server(settings, tmp_path / "server.log") as server, server.client(key) as client:
        caller = Caller(client)
        await connected(caller, "Hello Remnant", programmatic)
        await connected(caller, "Hello Reserved", reserved)
        campaign_id = await campaign_of(caller)
        done = await caller.post(f"/campaigns/{campaign_id}/execute")
        assert (done["success"], done["newStatus"], done["mediaBuysExecuted"]) == (True, "ACTIVE", 2)
        tell(f"POST execute: {done['previousStatus']} to {done['newStatus']}, {done['mediaBuysExecuted']} buys")
        tell(f"GET media-buy-status: {told(await settled(caller, campaign_id, live=1))}")
        again = await caller.post(f"/campaigns/{campaign_id}/execute")
        assert again["mediaBuysExecuted"] == 0
        assert (len(await programmatic.orders()), len(await reserved.orders())) == (before[0] + 1, before[1] + 1)
        tell("POST execute again: nothing is sent; each ad server holds one order more than before")
        held = await caller.post(f"/campaigns/{campaign_id}/pause")
        assert (held["newStatus"], held["failureCount"]) == ("PAUSED", 0)
        tell(f"POST pause: {held['newStatus']}; {told(await standing(caller, campaign_id))}")
        freed = await caller.post(f"/campaigns/{campaign_id}/reactivate")
        assert (freed["newStatus"], freed["failureCount"]) == ("ACTIVE", 0)
        buys = await settled(caller, campaign_id, live=1)
        tell(f"POST reactivate: {freed['newStatus']}; {told(buys)}")
        live = next(name for name, each in buys.items() if each["internal_status"] == "ACTIVE")
        (package,) = (await caller.get(f"/media-buys/{live}/packages"))["packages"]
        assert package["delivery"]["impressions"] > 0
        tell(f"GET packages: {package['delivery']['impressions']} impressions, "
                 f"{package['delivery']['spend']} USD")  # fmt: skip
        log = (await caller.get(f"/decisions?campaignId={campaign_id}"))["decisions"]
        tell(f"GET decisions: {len(log)} entries")
