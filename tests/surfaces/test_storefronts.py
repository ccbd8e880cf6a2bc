"""Sellers over REST: registered with a probe, changed, shown, credentialed, deleted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from buyside.connectors.registry import open_sellers
from buyside.domain.storefronts import Protocol
from buyside.services import campaigns, storefronts
from buyside.services.storefronts import SandboxSeller
from tests.builders import Wanted, a_campaign
from tests.sandbox_server import SandboxHandle, listen, sandbox
from tests.surfaces.conftest import Rest

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOWHERE = "http://127.0.0.1:{port}/mcp"


def a_source(seller: SandboxHandle, **more: Any) -> dict[str, Any]:
    return {"endpointUrl": seller.mcp_url, "protocol": "MCP", **more}


async def registered(rest: Rest, *sources: dict[str, Any], name: str = "North") -> dict[str, Any]:
    answer = await rest.admin.post("/storefronts", json={"name": name, "sources": list(sources)})
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


@contextlib.contextmanager
def a_dead_endpoint() -> Iterator[str]:
    """An address at which nobody answers: the port is held, and nobody listens on it any more."""
    with listen() as held:
        port = held.getsockname()[1]
    yield NOWHERE.format(port=port)


async def test_registering_probes_the_seller_and_shows_what_was_found(rest: Rest, north: SandboxHandle) -> None:
    shown = await registered(rest, a_source(north, name="North direct", billing="agent"))
    assert (shown["platformId"], shown["visibility"], shown["status"]) == ("north", "private", "transacting")
    assert shown["readiness"] == {"canTransact": True, "effectiveStatus": "live", "blockerIds": []}
    source = shown["sources"][0]
    assert (source["probeStatus"], source["transport"], source["sourceId"]) == ("reachable", "MCP", "source-1")
    assert source["salesAgentId"].startswith("agent_")
    assert source["idempotencyTtlSeconds"] > 0
    assert "3.1" in source["adcpVersions"]
    assert "idempotency_key" in source["tools"]["create_media_buy"]
    assert source["billing"] == "agent"
    assert shown["adcpCapabilities"]["supportsCreateMediaBuy"] is True
    assert (await rest.member.get(f"/storefronts/{shown['id']}")).json() == shown
    entry = (await rest.member.get("/decisions", params={"subjectType": "storefront"})).json()["decisions"][0]
    assert (entry["action"], entry["subject"]["id"]) == ("storefront.registered", str(shown["id"]))


async def test_several_agents_are_asked_at_once_and_one_that_is_down_is_stored_as_such(
    rest: Rest, north: SandboxHandle, east: SandboxHandle
) -> None:
    with a_dead_endpoint() as nowhere:
        shown = await registered(
            rest,
            a_source(north, sourceId="display"),
            {"endpointUrl": east.a2a_url, "protocol": "A2A"},
            {"endpointUrl": nowhere, "protocol": "MCP"},
        )
    found = {each["sourceId"]: (each["probeStatus"], each.get("transport")) for each in shown["sources"]}
    assert found == {
        "display": ("reachable", "MCP"),
        "source-2": ("reachable", "A2A"),
        "source-3": ("unreachable", None),
    }
    down = next(each for each in shown["sources"] if each["sourceId"] == "source-3")
    assert "not be reached" in down["probeMessage"]
    assert shown["readiness"]["canTransact"] is True


async def test_a_seller_that_nobody_reaches_is_kept_and_blocked(rest: Rest) -> None:
    with a_dead_endpoint() as nowhere:
        shown = await registered(rest, {"endpointUrl": nowhere, "protocol": "MCP"})
    assert shown["readiness"] == {
        "canTransact": False,
        "effectiveStatus": "blocked",
        "blockerIds": ["seller_unreachable"],
    }
    assert (shown["adcpCapabilities"], shown["status"]) == (None, "configuring")


@contextlib.asynccontextmanager
async def closed_to_private(rest: Rest) -> AsyncIterator[None]:
    runtime = rest.world.runtime
    usual, runtime.sellers = runtime.sellers, open_sellers()
    try:
        yield
    finally:
        await runtime.sellers.aclose()
        runtime.sellers = usual


async def test_a_private_address_is_refused_by_name_and_nothing_is_stored(rest: Rest, north: SandboxHandle) -> None:
    async with closed_to_private(rest):
        addresses = ["http://127.0.0.1:9/mcp", "http://[::1]/mcp", "http://10.1.2.3/mcp", "http://169.254.169.254/mcp"]
        for address in (*addresses, north.mcp_url, "http://localhost:9/mcp"):
            body = {"name": "X", "sources": [{"endpointUrl": address, "protocol": "MCP"}]}
            answer = await rest.admin.post("/storefronts", json=body)
            assert answer.status_code == 400, address
            assert answer.json()["error"]["field"] == "sources[0].endpointUrl"
        assert (await rest.admin.get("/storefronts", params={"visibility": "private"})).json()["items"] == []


async def test_moving_a_seller_to_a_private_address_is_refused_as_well(rest: Rest, north: SandboxHandle) -> None:
    shown = await registered(rest, a_source(north))
    async with closed_to_private(rest):
        change = {"sources": [{"sourceId": "source-1", "endpointUrl": "http://10.0.0.1/mcp"}]}
        answer = await rest.admin.put(f"/storefronts/{shown['id']}", json=change)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "sources[0].endpointUrl")
    assert (await rest.admin.get(f"/storefronts/{shown['id']}")).json() == shown


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ({"endpointUrl": "ftp://x.example/", "protocol": "MCP"}, "sources[0].endpointUrl"),
        ({"endpointUrl": "https://me:secret@x.example/", "protocol": "MCP"}, "sources[0].endpointUrl"),
        ({"endpointUrl": "https://x.example/", "protocol": "SOAP"}, "sources[0].protocol"),
        ({"endpointUrl": "https://x.example/", "protocol": "MCP", "auth": {"type": "bearer"}}, "sources[0].auth"),
        (
            {"endpointUrl": "https://x.example/", "protocol": "MCP", "headers": {"Host": "y"}},
            "sources[0].headers.Host",
        ),
    ],
)
async def test_a_source_that_cannot_be_called_is_refused(rest: Rest, source: dict[str, Any], field: str) -> None:
    answer = await rest.admin.post("/storefronts", json={"name": "X", "sources": [source]})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"].startswith(field)
    assert "secret" not in answer.text


async def test_slugs_and_source_ids_are_unique(rest: Rest, north: SandboxHandle) -> None:
    first = await registered(rest, a_source(north), name="Nördliche Zeitung & Co")
    assert first["platformId"] == "nordliche-zeitung-co"
    second = await registered(rest, a_source(north), name="Nördliche Zeitung & Co")
    assert second["platformId"].startswith("nordliche-zeitung-co-")
    body = {"name": "X", "platformId": "nordliche-zeitung-co", "sources": [a_source(north)]}
    taken = await rest.admin.post("/storefronts", json=body)
    assert (taken.status_code, taken.json()["error"]["field"]) == (409, "platformId")
    twice = {"name": "X", "sources": [a_source(north, sourceId="a"), a_source(north, sourceId="a")]}
    refused = await rest.admin.post("/storefronts", json=twice)
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "sources[1].sourceId")
    agents = {each["sources"][0]["salesAgentId"] for each in (first, second)}
    assert len(agents) == 2


async def test_a_sellers_secrets_are_used_and_never_shown(rest: Rest, north: SandboxHandle) -> None:
    source = a_source(
        north, auth={"type": "header", "header": "x-key", "token": "s3cr3t-token"}, headers={"x-tenant": "h1dden"}
    )
    shown = await registered(rest, source)
    assert shown["sources"][0]["authType"] == "header"
    texts = [
        (await rest.admin.get(path)).text
        for path in ("/storefronts", f"/storefronts/{shown['id']}", "/storefronts/credentials", "/decisions")
    ]
    assert not any("s3cr3t" in text or "h1dden" in text for text in (str(shown), *texts))
    async with rest.world.work().reading() as tx:
        seller = await tx.storefronts.seller(shown["sources"][0]["salesAgentId"])
    assert (seller.auth.token, dict(seller.headers)) == ("s3cr3t-token", {"x-tenant": "h1dden"})
    assert seller.account_identifier is None, "what opens the door names no account"


async def test_an_edit_changes_what_it_names_and_asks_who_has_moved(
    rest: Rest, north: SandboxHandle, east: SandboxHandle
) -> None:
    shown = await registered(rest, a_source(north, auth={"type": "bearer", "token": "first"}))
    path = f"/storefronts/{shown['id']}"
    renamed = (await rest.admin.put(path, json={"name": "South"})).json()
    assert (renamed["name"], renamed["platformId"]) == ("South", shown["platformId"])
    assert renamed["sources"] == shown["sources"], "nobody was asked anew"
    change = {"sourceId": "source-1", "endpointUrl": east.a2a_url, "protocol": "A2A", "operatorDomain": "agency.com"}
    moved = (await rest.admin.put(path, json={"sources": [change]})).json()
    source = moved["sources"][0]
    assert (source["transport"], source["probeStatus"]) == ("A2A", "reachable")
    assert (source["operatorDomain"], source["authType"]) == ("agency.com", "bearer")
    assert source["salesAgentId"] == shown["sources"][0]["salesAgentId"]
    opened = {"sourceId": "source-1", "auth": {"type": "none"}}
    assert (await rest.admin.put(path, json={"sources": [opened]})).json()["sources"][0]["authType"] == "none"
    entries = (await rest.admin.get("/decisions", params={"subjectId": str(shown["id"])})).json()["decisions"]
    assert [each["action"] for each in entries] == ["storefront.edited"] * 3 + ["storefront.registered"]
    assert entries[0]["after"]["sources.source-1.auth"] == "replaced"
    unknown = await rest.admin.put(path, json={"sources": [{"sourceId": "nobody", "name": "x"}]})
    assert (unknown.status_code, unknown.json()["error"]["field"]) == (400, "sources[0].sourceId")
    twice = await rest.admin.put(path, json={"sources": [{"sourceId": "source-1", "name": n} for n in ("a", "b")]})
    assert (twice.status_code, twice.json()["error"]["field"]) == (400, "sources[1].sourceId")


async def test_a_seller_that_moved_out_of_reach_is_no_longer_what_it_was(rest: Rest, north: SandboxHandle) -> None:
    shown = await registered(rest, a_source(north))
    with a_dead_endpoint() as nowhere:
        change = {"sourceId": "source-1", "endpointUrl": nowhere}
        moved = (await rest.admin.put(f"/storefronts/{shown['id']}", json={"sources": [change]})).json()
    assert moved["sources"][0]["probeStatus"] == "unreachable"
    assert "tools" not in moved["sources"][0]


async def test_a_probe_finds_a_seller_that_has_come_back_and_one_that_has_gone(rest: Rest) -> None:
    async with sandbox("Comes and goes") as seller:
        shown = await registered(rest, a_source(seller))
        await seller.set_faults("down")
        gone = (await rest.admin.post(f"/storefronts/{shown['id']}/probe")).json()
        assert gone["sources"][0]["probeStatus"] == "unreachable"
        assert gone["sources"][0]["tools"], "for the moment it is still what it was"
        await seller.clear_faults("down")
        back = (await rest.admin.post(f"/storefronts/{shown['id']}/probe")).json()
        assert back["sources"][0]["probeStatus"] == "reachable"
        assert "probeMessage" not in back["sources"][0]
    entries = (await rest.admin.get("/decisions", params={"subjectId": str(shown["id"])})).json()["decisions"]
    assert [each["action"] for each in entries][:2] == ["storefront.probed"] * 2


async def test_capabilities_are_asked_anew_after_a_day(rest: Rest) -> None:
    async with sandbox("Ages") as seller:
        shown = await registered(rest, a_source(seller))
        path = f"/storefronts/{shown['id']}/capabilities"
        agent = (await rest.member.get(path)).json()["agents"][0]
        assert (agent["probeStatus"], agent["requiresCredentials"]) == ("reachable", False)
        assert "create_media_buy" in agent["capabilities"]["tools"]
        asked = len(await seller.calls("get_adcp_capabilities"))
        await rest.member.get(path)
        assert len(await seller.calls("get_adcp_capabilities")) == asked
        rest.world.clock.pass_by(hours=25)
        await rest.member.get(path)
        assert len(await seller.calls("get_adcp_capabilities")) == asked + 1


async def test_publishers_are_what_the_agents_declare(rest: Rest, north: SandboxHandle) -> None:
    shown = await registered(rest, a_source(north))
    declared = shown["adcpCapabilities"]["publisherDomains"]
    path = f"/storefronts/{shown['id']}/publishers"
    found = (await rest.member.get(path)).json()
    assert [each["domain"] for each in found["publishers"]] == declared
    assert {each["verification"] for each in found["publishers"]} == {"declared"}
    assert (found["total"], found["verifiedCount"]) == (len(declared), 0)
    assert (await rest.member.get(path, params={"verification": "verified"})).json()["publishers"] == []
    one = (await rest.member.get(path, params={"q": declared[0].upper(), "limit": 1})).json()
    assert [each["domain"] for each in one["publishers"]] == declared[:1]


async def test_credentials_name_accounts_and_are_never_shown(rest: Rest, north: SandboxHandle) -> None:
    shown = await registered(rest, a_source(north, auth={"type": "bearer", "token": "door"}))
    path = f"/storefronts/{shown['id']}/sources/source-1/credentials"
    body = {"accountIdentifier": "acct-7", "auth": {"type": "api_key", "token": "s3cr3t"}}
    assert (await rest.member.post(path, json=body)).status_code == 403
    answer = await rest.admin.post(path, json=body)
    assert (answer.status_code, answer.json()["status"], answer.json()["registeredBy"]) == (201, "ACTIVE", "admin")
    assert (await rest.admin.post(path, json=body)).status_code == 409
    held = (await rest.member.get("/storefronts/credentials")).json()
    assert [(each["accountIdentifier"], each["accountType"]) for each in held] == [("acct-7", "CLIENT")]
    assert held[0]["sources"][0]["storefrontId"] == shown["id"]
    assert "s3cr3t" not in str(held)
    accounts = (await rest.member.get(f"/storefronts/{shown['id']}")).json()["customerAccounts"]
    assert accounts == [{"accountIdentifier": "acct-7", "status": "ACTIVE"}]
    async with rest.world.work().reading() as tx:
        seller = await tx.storefronts.seller(shown["sources"][0]["salesAgentId"])
    assert (seller.auth.token, seller.account_identifier) == ("s3cr3t", "acct-7")
    basic = {"accountIdentifier": "acct-8", "auth": {"type": "basic", "username": "u", "password": "p"}}
    assert (await rest.admin.post(path, json=basic)).status_code == 201
    assert (await rest.admin.post(path.replace("source-1", "nobody"), json=body)).status_code == 404
    one = f"/storefronts/credentials/{answer.json()['id']}"
    assert [(await each.delete(one)).status_code for each in (rest.member, rest.stranger, rest.admin)] == [
        403,
        404,
        204,
    ]
    assert (await rest.admin.delete(one)).status_code == 404
    left = (await rest.member.get("/storefronts/credentials")).json()
    assert [each["accountIdentifier"] for each in left] == ["acct-8"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({}, "auth"),
        ({"auth": {}}, "auth"),
        ({"auth": {"type": "jwt", "privateKey": "x", "issuer": "y"}}, "auth."),
        ({"auth": {"type": "bearer", "token": "x"}, "marketplaceAccount": True}, "marketplaceAccount"),
    ],
)
async def test_ways_to_sign_in_that_are_not_supported_yet_are_named(
    rest: Rest, north: SandboxHandle, more: dict[str, Any], field: str
) -> None:
    shown = await registered(rest, a_source(north))
    path = f"/storefronts/{shown['id']}/sources/source-1/credentials"
    answer = await rest.admin.post(path, json={"accountIdentifier": "a", **more})
    assert answer.status_code == 501
    assert answer.json()["error"]["field"].startswith(field)
    assert (await rest.admin.get("/storefronts/credentials")).json() == []


async def test_a_list_is_filtered_by_what_is_known_of_each_seller(
    rest: Rest, north: SandboxHandle, east: SandboxHandle
) -> None:
    ids = [(await registered(rest, a_source(each), name=each.name))["id"] for each in (north, east)]
    with a_dead_endpoint() as nowhere:
        ids.append((await registered(rest, {"endpointUrl": nowhere, "protocol": "MCP"}, name="Gone"))["id"])

    async def listed(**query: object) -> list[int]:
        answer = await rest.member.get("/storefronts", params={"visibility": "private", **query})  # type: ignore[dict-item]
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    assert await listed() == ids
    assert await listed(limit=1, offset=1) == ids[1:2]
    assert await listed(name="NOR") == ids[:1]
    assert await listed(status="transacting") == ids[:2]
    assert await listed(status="configuring") == ids[2:]
    assert await listed(status="archived") == []
    shown = (await rest.member.get(f"/storefronts/{ids[0]}")).json()
    assert await listed(channel=shown["channels"][0], name="north") == ids[:1]
    assert await listed(channel="carrier_pigeon") == []
    assert await listed(publisherDomain=shown["adcpCapabilities"]["publisherDomains"][0], name="north") == ids[:1]
    assert await listed(publisherDomain="nobody.example") == []
    assert await listed(region="ZZ") == []
    first = (await rest.member.get("/storefronts", params={"limit": 2, "visibility": "private"})).json()
    assert (first["total"], first["hasMore"], first["nextOffset"]) == (3, True, 2)


async def test_a_seller_with_live_buys_cannot_be_deleted_and_one_without_is_gone_with_its_secrets(
    rest: Rest, north: SandboxHandle
) -> None:
    shown = await registered(rest, a_source(north, auth={"type": "bearer", "token": "t"}, headers={"x-a": "b"}))
    path = f"/storefronts/{shown['id']}"
    world = rest.world
    async with world.work().reading() as tx:
        seller = await tx.storefronts.seller(shown["sources"][0]["salesAgentId"])
    view = await a_campaign(world, [Wanted(seller, north.product_id("display_reach"))])
    await campaigns.execute(world.work(), view.campaign.id)
    refused = await rest.admin.delete(path)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    other = await registered(rest, a_source(north, auth={"type": "bearer", "token": "t"}, headers={"x-a": "b"}))
    assert (await rest.admin.delete(f"/storefronts/{other['id']}")).status_code == 204
    assert (await rest.admin.get(f"/storefronts/{other['id']}")).status_code == 404
    assert (await rest.admin.delete(f"/storefronts/{other['id']}")).status_code == 404
    async with world.runtime.database.read.connect() as conn:
        left = await conn.exec_driver_sql(
            f"SELECT (SELECT count(*) FROM credential WHERE storefront_id = {other['id']})"
            f" + (SELECT count(headers) FROM source WHERE storefront_id = {other['id']})"
        )
        assert left.scalar() == 0


async def test_sellers_are_an_admins_to_change(rest: Rest, north: SandboxHandle) -> None:
    shown = await registered(rest, a_source(north))
    path = f"/storefronts/{shown['id']}"
    refused = [
        await rest.member.post("/storefronts", json={"name": "x", "sources": [a_source(north)]}),
        await rest.member.put(path, json={"name": "x"}),
        await rest.member.post(f"{path}/probe"),
        await rest.member.delete(path),
    ]
    assert [each.status_code for each in refused] == [403] * 4
    assert (await rest.member.get(path)).status_code == 200


async def test_a_foreign_storefront_is_as_unknown_as_one_that_never_was(rest: Rest, north: SandboxHandle) -> None:
    theirs = str((await registered(rest, a_source(north)))["id"])
    credentials = {"accountIdentifier": "a", "auth": {"type": "bearer", "token": "t"}}
    for method, suffix, body in (
        ("GET", "", None),
        ("PUT", "", {"name": "x"}),
        ("PUT", "", {"sources": [{"sourceId": "source-1", "endpointUrl": north.mcp_url}]}),
        ("DELETE", "", None),
        ("POST", "/probe", None),
        ("GET", "/capabilities", None),
        ("GET", "/publishers", None),
        ("POST", "/sources/source-1/credentials", credentials),
    ):
        foreign, unknown = [
            await rest.stranger.request(method, f"/storefronts/{number}{suffix}", json=body)
            for number in (theirs, "9007199254740991")
        ]
        assert foreign.status_code == unknown.status_code == 404, (method, suffix)
        assert foreign.text.replace(theirs, "?") == unknown.text.replace("9007199254740991", "?")
    assert (await rest.stranger.get("/storefronts", params={"visibility": "private"})).json()["items"] == []


async def test_a_sandbox_of_the_installation_is_everybodys_and_nobodys(
    rest: Rest, east: SandboxHandle, west: SandboxHandle
) -> None:
    runtime = rest.world.runtime
    async with closed_to_private(rest):
        await storefronts.ensure_sandbox(runtime, [_sandbox("House sandbox", east)])
        shown = await _public(rest.stranger, "House sandbox")
        assert shown["status"] == "transacting", "its own loopback address passes the guard"
        assert await _public(rest.member, "House sandbox") == shown
        await storefronts.ensure_sandbox(runtime, [_sandbox("House sandbox", west)])
    moved = (await rest.member.get(f"/storefronts/{shown['id']}")).json()
    assert moved["sources"][0]["endpointUrl"] == west.mcp_url
    assert (
        moved["sources"][0]["salesAgentId"]
        == (await rest.stranger.get(f"/storefronts/{shown['id']}")).json()["sources"][0]["salesAgentId"]
    )
    for answer in (
        await rest.admin.put(f"/storefronts/{shown['id']}", json={"name": "mine"}),
        await rest.admin.delete(f"/storefronts/{shown['id']}"),
    ):
        assert answer.status_code == 403
    await storefronts.retire_sandbox(runtime)
    assert (await rest.member.get(f"/storefronts/{shown['id']}")).status_code == 404
    await storefronts.ensure_sandbox(runtime, [_sandbox("House sandbox", west)])
    assert (await rest.member.get(f"/storefronts/{shown['id']}")).status_code == 200
    await storefronts.retire_sandbox(runtime)


def _sandbox(name: str, seller: SandboxHandle) -> SandboxSeller:
    return SandboxSeller(name, Protocol.MCP, seller.mcp_url)


async def _public(client: httpx.AsyncClient, name: str) -> dict[str, Any]:
    found = (await client.get("/storefronts", params={"visibility": "public", "name": name})).json()["items"]
    assert len(found) == 1
    shown: dict[str, Any] = found[0]
    return shown
