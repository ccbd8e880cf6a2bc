"""What a test does over HTTP on its way to what it is about, and how it reads an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from buyside.domain.campaigns import Status
from buyside.domain.ids import AdvertiserId, CampaignId
from buyside.domain.media_buys import MediaBuy
from buyside.domain.storefronts import Seller
from tests import builders
from tests.builders import Wanted, World
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest

TAG = {"agent_url": "https://creative.adcontextprotocol.org", "id": "display_300x250_tag"}
LANDING = {"url": "https://northwind.example/summer", "url_type": "clickthrough"}

Body = dict[str, Any]
Ids = dict[str, Any]


def ok(response: httpx.Response, status: int = 200) -> Body:
    """The body of a success."""
    assert response.status_code == status, response.text
    body = response.json()
    assert isinstance(body, dict)
    return body


def refused(response: httpx.Response, status: int, code: str, field: str | None = None) -> Body:
    """The error of a refusal, in the contract's shape (interchange.md 1.6)."""
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"data", "error"}
    assert body["data"] is None
    error: Body = body["error"]
    assert set(error) <= {"code", "message", "field", "details"}
    assert error["code"] == code
    assert error["message"]
    assert error["details"]["recovery"] in {"transient", "correctable", "terminal"}
    if field is not None:
        assert error.get("field") == field, error
    return error


def at(**ahead: float) -> str:
    """An instant from now, as requests write it."""
    return (datetime.now(UTC) + timedelta(**ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")


def flight(days: float = 30) -> Body:
    """Running for an hour."""
    return {"startDate": at(hours=-1), "endDate": at(days=days)}


async def an_advertiser(rest: Rest, **more: Any) -> str:
    return str((await builders.an_advertiser(rest.world, **more)).id)


async def a_seller(rest: Rest, handle: SandboxHandle) -> Seller:
    return await builders.a_seller(rest.world, handle.mcp_url, handle.name)


async def reach(rest: Rest, handle: SandboxHandle, **more: Any) -> Wanted:
    """The seller's product that everybody can afford."""
    return Wanted(await a_seller(rest, handle), handle.product_id("display_reach"), **more)


async def a_session(rest: Rest, advertiser: str, wanted: Sequence[Wanted]) -> str:
    async with rest.world.work().reading() as tx:
        owner = await tx.advertisers.get(AdvertiserId(int(advertiser)))
    return str(await builders.a_session(rest.world, owner, wanted))


def a_body(advertiser: str, **changes: Any) -> Body:
    usual = {
        "advertiserId": advertiser,
        "name": "Summer",
        "flightDates": flight(),
        "budget": {"total": 1000},
    }
    return usual | changes


async def a_campaign(rest: Rest, wanted: Sequence[Wanted] = (), *, advertiser: str | None = None, **body: Any) -> str:
    """A DRAFT with the wanted products staged."""
    owner = advertiser or await an_advertiser(rest)
    if wanted:
        body["discoveryId"] = await a_session(rest, owner, wanted)
    return str(ok(await rest.admin.post("/campaigns", json=a_body(owner, **body)), 201)["campaign"]["campaignId"])


async def a_banner(rest: Rest, campaign: str, name: str = "Banner") -> str:
    body = {"name": name, "format_id": TAG, "url_asset": LANDING}
    return str(ok(await rest.admin.post(f"/campaigns/{campaign}/creatives/create", json=body), 201)["creative_id"])


async def a_live_campaign(rest: Rest, handle: SandboxHandle, **body: Any) -> tuple[str, str]:
    """A campaign and its one buy, both ACTIVE."""
    campaign = await a_campaign(rest, [await reach(rest, handle)], **body)
    await a_banner(rest, campaign)
    assert ok(await rest.admin.post(f"/campaigns/{campaign}/execute"))["success"]
    shown = await get(rest, campaign)
    (buy,) = shown["mediaBuyRefs"]
    assert (shown["status"], buy["status"]) == ("ACTIVE", "ACTIVE")
    return campaign, buy["mediaBuyId"]


async def get(rest: Rest, campaign: str) -> Body:
    shown: Body = ok(await rest.admin.get(f"/campaigns/{campaign}"))["campaign"]
    return shown


async def put(rest: Rest, campaign: str, **changes: Any) -> Body:
    shown: Body = ok(await rest.admin.put(f"/campaigns/{campaign}", json=changes))["campaign"]
    return shown


async def force(world: World, campaign: str, status: Status) -> None:
    """As if time had brought the campaign there."""
    work = world.work()
    async with work.writing() as tx:
        found = await tx.campaigns.lock(CampaignId(campaign))
        await tx.campaigns.save(found, replace(found, status=status), work.now())


async def stored_buys(rest: Rest, campaign: str) -> list[MediaBuy]:
    async with rest.world.work().reading() as tx:
        return await tx.media_buys.of(CampaignId(campaign))


# ---- one of everything, for tests that are generated from our document

SYNONYMS = {
    "advertiser_id": "advertiserId",
    "storefrontIds": "storefrontId",
    "storefront_ids": "storefrontId",
    "execution_id": "discoveryId",
    "subjectId": "campaignId",
    "productQueryId": "discoveryId",
}
"""Other names of the same things."""


def synonymous(ids: Ids) -> Ids:
    return ids | {name: ids[real] for name, real in SYNONYMS.items()}


async def searched(client: httpx.AsyncClient, ids: Ids) -> str:
    """A discovery session that nothing was selected from."""
    asked = {"advertiserId": ids["advertiserId"], "brief": "shoes", "channels": ["display"]}
    return str(ok(await client.post("/discovery/discover-products", json=asked))["discoveryId"])


async def _a_proposal(client: httpx.AsyncClient, advertiser: str, agent: str, product: str) -> str:
    """A change that a seller was asked for, of a campaign of its own."""
    session = await searched(client, {"advertiserId": advertiser})
    chosen = {"products": [{"productId": product, "salesAgentId": agent}]}
    ok(await client.post(f"/discovery/{session}/products", json=chosen))
    made = ok(await client.post("/campaigns", json=a_body(advertiser, discoveryId=session)), 201)["campaign"]
    ok(await client.post(f"/campaigns/{made['campaignId']}/execute"))
    buy = made["mediaBuyRefs"][0]["mediaBuyId"]
    ok(await client.patch(f"/media-buys/{buy}", json={"end_time": at(days=10)}))
    log = ok(await client.get("/decisions", params={"mediaBuyId": buy}))["decisions"]
    return next(str(each["metadata"]["proposalId"]) for each in log if each["action"] == "media_buy.edited")


async def _a_notification(client: httpx.AsyncClient, handle: SandboxHandle, advertiser: str, chosen: Body) -> str:
    """What is told of a buy that its seller refused, of a campaign of its own."""
    session = await searched(client, {"advertiserId": advertiser})
    ok(await client.post(f"/discovery/{session}/products", json=chosen))
    made = ok(await client.post("/campaigns", json=a_body(advertiser, discoveryId=session)), 201)["campaign"]
    await handle.set_faults(reject="POLICY_VIOLATION", tool="create_media_buy", times=1)
    ok(await client.post(f"/campaigns/{made['campaignId']}/execute"))
    told = ok(await client.get("/notifications", params={"campaignId": made["campaignId"]}))["notifications"]
    return str(told[0]["id"])


async def furnished(client: httpx.AsyncClient, handle: SandboxHandle) -> Ids:
    """Make one of everything over HTTP; what each is called, by the name that paths give it."""

    async def post(path: str, body: object, status: int = 201) -> Body:
        return ok(await client.post(path, json=body), status)

    name = handle.name.lower()
    source = {"sourceId": f"{name}-source", "endpointUrl": handle.mcp_url, "protocol": "MCP"}
    shop = await post("/storefronts", {"name": handle.name, "sources": [source]})
    credential = await post(
        f"/storefronts/{shop['id']}/sources/{name}-source/credentials",
        {"accountIdentifier": name, "auth": {"type": "bearer", "token": "t"}},
    )
    advertiser = await post("/advertisers", {"name": name, "brand": f"{name}.example", "primaryCurrency": "USD"})
    session, product = await searched(client, {"advertiserId": advertiser["id"]}), handle.product_id("display_reach")
    found = ok(await client.get(f"/discovery/{session}/discover-products"))
    agent = found["productGroups"][0]["products"][0]["salesAgentId"]
    chosen = {"products": [{"productId": product, "salesAgentId": agent}]}
    await post(f"/discovery/{session}/products", chosen, 200)
    campaign = (await post("/campaigns", a_body(advertiser["id"], discoveryId=session)))["campaign"]
    creative = await post(f"/campaigns/{campaign['campaignId']}/creatives/create", {"url_asset": LANDING})
    key = await post("/api-keys", {"name": name, "role": "MEMBER"})
    # Of another advertiser: it must not stand in the way of what is tried on the campaign.
    idle = await post("/advertisers", {"name": f"{name} idle", "brand": f"{name}.example", "primaryCurrency": "USD"})
    stop = await post("/stops", {"advertiserId": idle["id"], "reason": "an example"}, 200)
    proposal = await _a_proposal(client, advertiser["id"], agent, product)
    notification = await _a_notification(client, handle, advertiser["id"], chosen)
    decisions = ok(await client.get("/decisions"))["decisions"]
    return {
        "notificationId": notification,
        "id": proposal,
        "advertiserId": advertiser["id"],
        "campaignId": campaign["campaignId"],
        "mediaBuyId": campaign["mediaBuyRefs"][0]["mediaBuyId"],
        "creativeId": creative["creative_id"],
        "storefrontId": shop["id"],
        "sourceId": f"{name}-source",
        "credentialId": int(credential["id"]),
        "discoveryId": session,
        "productId": product,
        "stopId": stop["stopId"],
        "decisionId": decisions[0]["decisionId"],
        "keyId": int(key["id"]),
        "salesAgentId": agent,
    }
