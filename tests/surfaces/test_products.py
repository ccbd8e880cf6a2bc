"""products/query: get_products over all storefronts; and our answers held against the contract's own document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from buyside.domain.ids import AgentId, StorefrontId
from buyside.domain.qualified import product_key
from tests.builders import a_seller, an_advertiser
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest

pytestmark = pytest.mark.asyncio(loop_scope="module")
Doc = dict[str, Any]
QUERY = "/products/query"


async def connected(rest: Rest, *sellers: SandboxHandle) -> int:
    """The id of an advertiser with these sellers."""
    for each in sellers:
        await a_seller(rest.world, each.mcp_url, each.name)
    return (await an_advertiser(rest.world)).id


async def query(rest: Rest, scope: Doc, **body: Any) -> Doc:
    answer = await rest.member.post(QUERY, json={"buying_mode": "brief", "ext": {"interchange": scope}, **body})
    assert answer.status_code == 200, answer.text
    found: Doc = answer.json()
    return found


def refused(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"].get("field")


async def test_products_of_all_sellers_come_in_adcp_words_under_ids_of_their_own(
    rest: Rest, north: SandboxHandle, east: SandboxHandle
) -> None:
    advertiser = await connected(rest, north, east)
    scope = {"advertiser_id": advertiser, "storefronts": "all_connected"}
    found = await query(rest, scope, brief="shoes", context={"trace": "abc"})
    assert found["status"] == "completed"
    assert found["cache_scope"] == "account"
    assert found["context"] == {"trace": "abc"}
    assert found["sandbox"] is True
    assert (await north.calls("get_products"))[-1]["arguments"]["brief"] == "shoes"
    first = found["products"][0]
    origin = first["ext"]["interchange"]
    assert first["product_id"] == product_key(
        StorefrontId(int(origin["storefront_id"])), AgentId(origin["sales_agent_id"]), origin["source_product_id"]
    )
    assert first["pricing_options"][0]["pricing_option_id"]
    assert first["reporting_capabilities"]["timezone"] == "UTC"
    names = {each["ext"]["interchange"]["storefront_name"] for each in found["products"]}
    assert names == {"North", "East"}
    execution = found["ext"]["interchange"]
    assert execution["candidate_count"] == found["pagination"]["total_count"] == len(found["products"])
    assert [each["status"] for each in execution["storefront_results"]] == ["completed", "completed"]
    assert execution["evaluation"]["status"] == execution["screening"]["status"] == "not_run"
    known = {each["product_id"] for each in found["products"]}
    assert all(part["product_id"] in known for each in found["proposals"] for part in each["allocations"])
    # The execution id is a discovery session.
    session = await rest.member.get(f"/discovery/{execution['execution_id']}/discover-products")
    assert session.json()["summary"]["totalProducts"] == execution["candidate_count"]


async def test_a_long_answer_is_read_page_by_page(rest: Rest, north: SandboxHandle, east: SandboxHandle) -> None:
    advertiser = await connected(rest, north, east)
    scope: Doc = {"advertiser_id": advertiser}
    page = await query(rest, scope, buying_mode="wholesale", pagination={"max_results": 7})
    asked = len(await north.calls("get_products"))
    total, seen = page["pagination"]["total_count"], [each["product_id"] for each in page["products"]]
    while page["pagination"]["has_more"]:
        following = {"max_results": 7, "cursor": page["pagination"]["cursor"]}
        page = await query(rest, scope, buying_mode="wholesale", pagination=following)
        assert len(page["products"]) == 7 or not page["pagination"]["has_more"]
        seen += [each["product_id"] for each in page["products"]]
    assert len(seen) == len(set(seen)) == total
    assert len(await north.calls("get_products")) == asked


async def test_filters_go_to_the_sellers_and_hold_here(rest: Rest, north: SandboxHandle) -> None:
    advertiser = await connected(rest, north)
    filters = {
        "channels": ["display", "ctv"],
        "is_fixed_price": False,
        "budget_range": {"max": 500, "currency": "USD"},
        "start_date": "2030-01-01",
        "end_date": "2030-02-01",
    }
    found = await query(rest, {"advertiser_id": advertiser}, buying_mode="wholesale", filters=filters)
    assert (await north.calls("get_products"))[-1]["arguments"]["filters"] == filters
    sources = {each["ext"]["interchange"]["source_product_id"] for each in found["products"]}
    assert sources == {north.product_id("display_auction"), north.product_id("ctv_auction")}


async def test_a_query_is_refined_by_its_execution_id(rest: Rest, north: SandboxHandle, east: SandboxHandle) -> None:
    advertiser = await connected(rest, north, east)
    first = await query(rest, {"advertiser_id": advertiser}, brief="shoes")
    execution = first["ext"]["interchange"]
    gone = first["products"][0]["product_id"]
    wish = {"scope": "product", "product_id": gone, "action": "omit"}
    scope = {"execution_id": execution["execution_id"]}
    refined = await query(rest, scope, buying_mode="refine", refine=[wish])
    assert refined["refinement_applied"] == [{"scope": "product", "product_id": gone, "status": "applied"}]
    assert gone not in [each["product_id"] for each in refined["products"]]
    assert len(refined["products"]) == len(first["products"]) - 1
    news = await query(rest, {**scope, "since_revision": execution["revision"]}, buying_mode="brief")
    assert {each["ext"]["interchange"]["storefront_name"] for each in news["products"]} == {"North"}
    stranger = {**wish, "product_id": "sf1:1:bm9ib2R5"}
    body = {"buying_mode": "refine", "refine": [stranger], "ext": {"interchange": scope}}
    assert refused(await rest.member.post(QUERY, json=body)) == (400, "refine[0].product_id")


async def test_a_seller_still_awaited_is_pending_and_followed(
    rest: Rest, north: SandboxHandle, east: SandboxHandle
) -> None:
    advertiser = await connected(rest, north, east)
    await east.hold("get_products")
    found = await query(rest, {"advertiser_id": advertiser, "wait_seconds": 1}, brief="shoes")
    execution = found["ext"]["interchange"]
    assert execution["results_complete"] is False
    assert [each["agent_name"] for each in execution["pending_agents"]] == ["East"]
    assert {each["storefront_name"]: each["status"] for each in execution["storefront_results"]} == {
        "North": "completed",
        "East": "pending",
    }
    assert found["incomplete"][0]["description"].startswith("East: ")
    await east.release()
    scope = {"execution_id": execution["execution_id"], "since_revision": execution["revision"], "wait_seconds": 20}
    news = await query(rest, scope)
    assert {each["ext"]["interchange"]["storefront_name"] for each in news["products"]} == {"East"}
    assert news["ext"]["interchange"]["results_complete"] is True


async def test_what_the_buying_mode_needs_or_does_not_take_is_refused(rest: Rest) -> None:
    advertiser = await connected(rest)
    scope = {"advertiser_id": advertiser}
    request = [{"scope": "request", "ask": "cheaper"}]
    cases: list[tuple[Doc, Doc, str]] = [
        ({"buying_mode": "brief"}, scope, "brief"),
        ({"buying_mode": "wholesale", "brief": "shoes"}, scope, "brief"),
        ({"buying_mode": "refine"}, scope, "refine"),
        ({"buying_mode": "refine", "refine": request}, scope, "ext.interchange.execution_id"),
        ({"buying_mode": "wholesale", "refine": request}, scope, "refine"),
        ({"buying_mode": "wholesale"}, {}, "ext.interchange.advertiser_id"),
        (
            {"buying_mode": "wholesale"},
            {**scope, "storefronts": "all_connected", "storefront_ids": [1]},
            "ext.interchange.storefronts",
        ),
        ({"buying_mode": "wholesale", "pagination": {"cursor": "nonsense"}}, scope, "pagination.cursor"),
    ]
    for body, within, field in cases:
        answer = await rest.member.post(QUERY, json={**body, "ext": {"interchange": within}})
        assert refused(answer) == (400, field), answer.text
    foreign = {"buying_mode": "wholesale", "ext": {"interchange": scope}}
    assert (await rest.stranger.post(QUERY, json=foreign)).status_code == 404
    made = await query(rest, scope, buying_mode="wholesale")
    theirs = {"execution_id": made["ext"]["interchange"]["execution_id"]}
    read = {"buying_mode": "brief", "ext": {"interchange": theirs}}
    assert (await rest.stranger.post(QUERY, json=read)).status_code == 404


class Contract:
    """The hosted service's document, whose response schemas are closed."""

    def __init__(self, folder: Path) -> None:
        document = json.loads((folder / "interchange-buyer.openapi.json").read_text())
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource("urn:contract", resource)

    def holds(self, component: str, payload: object) -> None:
        schema = {"$ref": f"urn:contract#/components/schemas/{component}"}
        found = best_match(Draft202012Validator(schema, registry=self._registry).iter_errors(payload))
        assert found is None, f"{component} {found.json_path}: {found.message[:500]}"


@pytest.mark.contract
async def test_our_answers_are_what_the_contract_describes(
    rest: Rest, north: SandboxHandle, east: SandboxHandle, contract_dir: Path
) -> None:
    contract = Contract(contract_dir)
    advertiser = await connected(rest, north, east)
    await east.hold("get_products")
    body: Doc = {"advertiserId": advertiser, "brief": "shoes", "waitSeconds": 1, "debug": True, "budget": 1000}
    found = (await rest.member.post("/discovery/discover-products", json=body)).json()
    await east.release()
    contract.holds("DiscoverProductsResponse", found)
    session = f"/discovery/{found['discoveryId']}"
    browsed = (await rest.member.get(f"{session}/discover-products", params={"waitSeconds": 20})).json()
    contract.holds("DiscoverProductsResponse", browsed)
    first = browsed["productGroups"][0]["products"][0]
    detail = await rest.member.get(
        f"{session}/products/{first['productId']}/details", params={"salesAgentId": first["salesAgentId"]}
    )
    contract.holds("DiscoveryProductDetail", detail.json())
    picked = {"products": [{"productId": first["productId"], "budget": 10, "targetingOverlay": {"language": ["en"]}}]}
    contract.holds("SessionProductsResponse", (await rest.member.post(f"{session}/products", json=picked)).json())
    proposal = {"proposalId": north.product_id("reach")}
    contract.holds("ApplyProposalResponse", (await rest.member.post(f"{session}/apply-proposal", json=proposal)).json())
    contract.holds("GetProductsResponse", await query(rest, {"advertiser_id": advertiser}, brief="shoes"))
