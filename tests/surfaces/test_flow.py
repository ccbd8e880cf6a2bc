"""From a brief to live media buys at two sellers, over HTTP alone, in both envelopes and with both kinds of client."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.recording import BASE
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import LANDING, TAG, Body, at

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Buyer:
    """Reads payloads bare or out of their envelope, as the server was asked."""

    def __init__(self, client: httpx.AsyncClient, base: str, headers: dict[str, str]) -> None:
        self._client, self._base, self._headers = client, base, headers

    async def __call__(self, method: str, path: str, body: object = None, **query: Any) -> Body:
        # Like the vendor's client: JSON is announced on every request, also where the body is empty.
        headers = {**self._headers, "Content-Type": "application/json"}
        url = f"http://buyside.test{self._base}{path}"
        response = await self._client.request(method, url, json=body, params=query, headers=headers)
        assert response.is_success, response.text
        shown: Body = response.json()
        if self._headers.get("X-Envelope") == "wrapped":
            assert set(shown) <= {"data", "error", "meta"}
            return shown["data"]  # type: ignore[no-any-return]
        return shown


@pytest.mark.parametrize(
    ("base", "headers"),
    [(BASE, {}), (BASE, {"X-Envelope": "wrapped"}), ("/api/buyer", {})],
    ids=["bare", "wrapped", "the older address"],
)
async def test_from_a_brief_to_live_buys(
    rest: Rest, north: SandboxHandle, east: SandboxHandle, base: str, headers: dict[str, str]
) -> None:
    ask = Buyer(rest.admin, base, headers)
    sources = {"North": (north.mcp_url, "MCP"), "East": (east.a2a_url, "A2A")}
    for name, (url, protocol) in sources.items():
        body = {"name": name, "sources": [{"endpointUrl": url, "protocol": protocol}]}
        shop = await ask("POST", "/storefronts", body)
        assert (await ask("POST", f"/storefronts/{shop['id']}/probe"))["id"] == shop["id"]
        agents = (await ask("GET", f"/storefronts/{shop['id']}/capabilities"))["agents"]
        assert [each["probeStatus"] for each in agents] == ["reachable"]
    assert {each["name"] for each in (await ask("GET", "/storefronts", take=5))["items"]} >= set(sources)

    advertiser = await ask("POST", "/advertisers", {"name": "Northwind", "brandDomain": "northwind.example"})
    search: Body = {
        "advertiserId": int(advertiser["id"]),
        "brief": "running shoes for the city",
        "channels": ["display", "ctv"],
        "budget": 2000,
        "flightDates": {"startDate": at(hours=-1), "endDate": at(days=30)},
    }
    found = await ask("POST", "/discovery/discover-products", search)
    session = found["discoveryId"]
    assert {group["groupName"] for group in found["productGroups"]} == set(sources)
    products = {p["productId"]: p for group in found["productGroups"] for p in group["products"]}
    chosen = [products[each.product_id("display_reach")] for each in (north, east)]
    picks = [{"productId": p["productId"], "salesAgentId": p["salesAgentId"], "budget": 750} for p in chosen]
    assert (await ask("POST", f"/discovery/{session}/products", {"products": picks}))["totalProducts"] == 2

    wish: Body = {
        "advertiserId": advertiser["id"],
        "name": "Running shoes",
        "brief": search["brief"],
        "flightDates": search["flightDates"],
        "budget": {"total": 2000, "currency": "USD"},
    }
    campaign = (await ask("POST", "/campaigns", wish))["campaign"]["campaignId"]
    bound = (await ask("PUT", f"/campaigns/{campaign}", {"discoveryId": session}))["campaign"]
    assert (bound["productCount"], len(bound["mediaBuyRefs"]), bound["unallocatedBudget"]) == (2, 2, 500)
    creative = {"name": "Banner", "format_id": TAG, "url_asset": LANDING}
    await ask("POST", f"/campaigns/{campaign}/creatives/create", creative)

    done = await ask("POST", f"/campaigns/{campaign}/execute")
    assert (done["success"], done["newStatus"], done["mediaBuysExecuted"]) == (True, "ACTIVE", 2)
    status = await ask("GET", f"/campaigns/{campaign}/media-buy-status")
    assert (status["operational_status"], status["agents_queried"]) == ("active", 2)
    assert [len(await each.buys()) for each in (north, east)] == [1, 1]

    await north.advance(days=5)
    await east.advance(days=5)
    live = (await ask("GET", f"/campaigns/{campaign}"))["campaign"]
    for buy in live["mediaBuys"]:
        (package,) = (await ask("GET", f"/media-buys/{buy['mediaBuyId']}/packages"))["packages"]
        assert package["delivery"]["impressions"] > 0
        assert 0 < package["delivery"]["spend"] <= 750

    assert (await ask("POST", f"/campaigns/{campaign}/pause"))["successCount"] == 2
    assert (await ask("POST", f"/campaigns/{campaign}/reactivate"))["successCount"] == 2
    assert (await ask("GET", "/campaigns", status="ACTIVE"))["total"] == 1
    log = (await ask("GET", "/decisions", campaignId=campaign))["decisions"]
    assert {"campaign.created", "campaign.executed", "campaign.paused", "campaign.reactivated"} <= {
        entry["action"] for entry in log
    }
