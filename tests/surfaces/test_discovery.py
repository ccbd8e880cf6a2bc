"""Discovery over REST, on the whole app in process, with real sandbox sellers behind it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from buyside.domain.qualified import product_key
from tests.builders import a_campaign, a_seller, an_advertiser
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest

pytestmark = pytest.mark.asyncio(loop_scope="module")
Doc = dict[str, Any]
DISCOVER = "/discovery/discover-products"


async def discover(rest: Rest, *sellers: SandboxHandle, **body: Any) -> Doc:
    """The answer of a MEMBER's search at these sellers, for an advertiser of its own unless the body names one."""
    if "advertiserId" not in body:
        body["advertiserId"] = (await an_advertiser(rest.world)).id
    for each in sellers:
        await a_seller(rest.world, each.mcp_url, each.name)
    answer = await rest.member.post(DISCOVER, json=body)
    assert answer.status_code == 200, answer.text
    found: Doc = answer.json()
    return found


async def remove(client: httpx.AsyncClient, path: str, *ids: str) -> httpx.Response:
    return await client.request("DELETE", path, json={"productIds": list(ids)})


def refused(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("field")


async def test_from_a_brief_to_a_selection(rest: Rest, north: SandboxHandle, east: SandboxHandle) -> None:
    dates = {"startDate": "2030-05-01", "endDate": "2030-05-31T23:59:59Z"}
    found = await discover(
        rest, north, east, brief="shoes", channels=["display", "video"], budget=1000, flightDates=dates, debug=True
    )
    assert [group["groupName"] for group in found["productGroups"]] == ["North", "East"]
    first = found["productGroups"][0]["products"][0]
    seller, shop = first["salesAgentId"], int(first["storefrontId"])
    assert first["channels"] in (["display"], ["olv"])
    assert found["resultsComplete"] is True
    assert {each["success"] for each in found["agentResults"]} == {True}
    assert found["budgetContext"] == {"sessionBudget": 1000, "allocatedBudget": 0, "remainingBudget": 1000}
    assert found["summary"]["priceRange"]["currency"] == "USD"

    session = f"/discovery/{found['discoveryId']}"
    query = "productsPerGroup=2&storefrontNames=nor,absent"
    page = (await rest.member.get(f"{session}/discover-products?{query}")).json()
    assert [len(group["products"]) for group in page["productGroups"]] == [2]

    reach, auction = north.product_id("display_reach"), north.product_id("display_auction")
    detail = await rest.member.get(f"{session}/products/{reach}/details", params={"salesAgentId": seller})
    assert detail.json()["productId"] == reach
    unsaid = await rest.member.get(f"{session}/products/{reach}/details")
    assert refused(unsaid) == (400, "VALIDATION_ERROR", "salesAgentId")

    key = product_key(shop, seller, auction)  # type: ignore[arg-type]
    picked = {"products": [{"productId": reach, "budget": 400.5}, {"productId": key, "cpm": 3}]}
    chosen = (await rest.member.post(f"{session}/products", json=picked)).json()
    assert [(each["productId"], each.get("bidPrice")) for each in chosen["products"]] == [(reach, None), (auction, 3)]
    assert chosen["products"][0]["budget"] == 400.5
    assert chosen["budgetContext"]["remainingBudget"] == 599.5
    assert chosen["campaignBound"] is False
    assert chosen["campaignWarning"]
    assert (await rest.member.get(f"{session}/products")).json() == chosen

    left = (await remove(rest.member, f"{session}/products", key)).json()
    assert [each["productId"] for each in left["products"]] == [reach]

    proposals = {each["proposalId"]: each for each in found["proposals"]}
    plan = north.product_id("reach")
    assert proposals[plan]["storefrontName"] == "North"
    applied = (await rest.member.post(f"{session}/apply-proposal", json={"proposalId": plan})).json()
    assert applied["productsSkipped"] == []
    assert applied["totalBudgetUsed"] == proposals[plan]["totalBudgetGuidance"]["recommended"]
    assert applied["totalProducts"] == len(applied["products"]) == 2


async def test_what_cannot_be_selected_answers_400_at_its_place(rest: Rest, north: SandboxHandle) -> None:
    found = await discover(rest, north)
    path = f"/discovery/{found['discoveryId']}/products"
    reach, auction = north.product_id("display_reach"), north.product_id("display_auction")
    cases: list[tuple[Doc, str]] = [
        ({"productId": auction}, "products[0].bidPrice"),
        ({"productId": "nothing"}, "products[0].productId"),
        ({"productId": reach, "pricingOptionId": "nothing"}, "products[0].pricingOptionId"),
        ({"productId": reach, "budget": 1.001}, "products[0].budget"),
        ({"productId": reach, "storefrontId": "x"}, "products[0].storefrontId"),
        ({"productId": reach, "inventorySourceId": "7"}, "products[0].inventorySourceId"),
    ]
    for product, field in cases:
        answer = await rest.member.post(path, json={"products": [product]})
        assert refused(answer) == (400, "VALIDATION_ERROR", field), answer.text
    campaign = (await a_campaign(rest.world)).campaign
    other = await rest.member.post(path, json={"products": [{"productId": reach}], "campaignId": campaign.id})
    assert refused(other) == (400, "VALIDATION_ERROR", "campaignId")


async def test_a_price_in_another_currency_answers_currency_mismatch(rest: Rest, north: SandboxHandle) -> None:
    euros = await an_advertiser(rest.world, currency="EUR")
    found = await discover(rest, north, advertiserId=euros.id)
    only_dollars = {"products": [{"productId": north.product_id("ctv_auction"), "bidPrice": 20}]}
    answer = await rest.member.post(f"/discovery/{found['discoveryId']}/products", json=only_dollars)
    assert refused(answer) == (400, "CURRENCY_MISMATCH", "products[0].pricingOptionId")


async def test_fields_that_are_not_supported_answer_501_and_name_themselves(rest: Rest) -> None:
    advertiser = await an_advertiser(rest.world)
    for field, value in (("proposalCode", "PRP-XK4A29"), ("evaluation", {}), ("screening", {})):
        answer = await rest.member.post(DISCOVER, json={"advertiserId": advertiser.id, field: value})
        assert answer.status_code == 501
        assert field in answer.json()["error"]["message"]


async def test_unknown_sessions_and_foreign_ones_answer_alike(rest: Rest) -> None:
    found = await discover(rest)
    body = {"products": [{"productId": "x"}]}
    for name in (found["discoveryId"], "disc_unknown"):
        session = f"/discovery/{name}"
        answers = [
            await rest.stranger.get(f"{session}/discover-products"),
            await rest.stranger.get(f"{session}/products"),
            await rest.stranger.get(f"{session}/products/x/details", params={"salesAgentId": "y"}),
            await rest.stranger.post(f"{session}/products", json=body),
            await remove(rest.stranger, f"{session}/products", "x"),
            await rest.stranger.post(f"{session}/apply-proposal", json={"proposalId": "x"}),
        ]
        for answer in answers:
            assert answer.status_code == 404
            assert answer.json()["error"]["message"] == f"There is no discovery session {name}."
    advertiser = await an_advertiser(rest.world)
    assert (await rest.stranger.post(DISCOVER, json={"advertiserId": advertiser.id})).status_code == 404


async def test_a_slow_seller_is_followed_by_revision(rest: Rest, north: SandboxHandle, east: SandboxHandle) -> None:
    await east.hold("get_products")
    found = await discover(rest, north, east, progressive=True, waitSeconds=60)
    assert found["resultsComplete"] is False
    assert [each["agentName"] for each in found["pendingAgents"]] == ["East"]
    assert found["progress"] == {"respondedStorefrontCount": 1, "totalStorefrontCount": 2, "waitSeconds": 60}
    assert "incompleteAgents" not in found
    path = f"/discovery/{found['discoveryId']}/discover-products"
    polled = {"sinceRevision": found["revision"], "waitSeconds": 20}
    waiting = asyncio.create_task(rest.member.get(path, params=polled))
    await east.release()
    news = (await waiting).json()
    assert [group["groupName"] for group in news["productGroups"]] == ["East"]
    assert news["resultsComplete"] is True
    assert news["revision"] > found["revision"]
    nothing = (await rest.member.get(path, params={"sinceRevision": news["revision"]})).json()
    assert nothing["productGroups"] == []
    assert nothing["summary"] == news["summary"]


async def test_a_late_or_broken_seller_stands_in_incomplete_agents(
    rest: Rest, north: SandboxHandle, east: SandboxHandle, west: SandboxHandle
) -> None:
    for each in (north, east, west):
        await a_seller(rest.world, each.mcp_url, each.name)
    await east.hold("get_products")
    await west.set_faults("unauthorized")
    found = await discover(rest, waitSeconds=1)
    assert [group["groupName"] for group in found["productGroups"]] == ["North"]
    incomplete = {each["agentName"]: each for each in found["incompleteAgents"]}
    assert incomplete["East"]["reason"] == "timeout"
    assert incomplete["East"]["waitSeconds"] == 1
    assert incomplete["West"]["reason"] == "upstream_incomplete"
    assert incomplete["West"]["incompleteScopes"][0]["description"]
    assert [each["storefrontName"] for each in found["connectionIssues"]] == ["West"]
    assert found["retryWithLongerWaitAvailable"] is True


async def test_a_refinement_says_what_became_of_each_wish(rest: Rest, north: SandboxHandle) -> None:
    advertiser = await an_advertiser(rest.world)
    first = await discover(rest, north, advertiserId=advertiser.id)
    body: Doc = {
        "advertiserId": advertiser.id,
        "discoveryId": first["discoveryId"],
        "refine": [
            {"scope": "request", "ask": "fewer"},
            {"scope": "product", "id": north.product_id("display_reach"), "action": "moreLikeThis"},
        ],
    }
    refined = await discover(rest, **body)
    assert [(each["scope"], each["status"]) for each in refined["refinementApplied"]] == [
        ("request", "partial"),
        ("product", "applied"),
    ]
    assert {each["channel"] for group in refined["productGroups"] for each in group["products"]} == {"display"}
    body["refine"] = [{"scope": "product", "id": "x", "action": "omit"}]
    assert refused(await rest.member.post(DISCOVER, json=body)) == (400, "VALIDATION_ERROR", "refine[0].id")
