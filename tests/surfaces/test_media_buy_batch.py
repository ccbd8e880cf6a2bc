"""media-buys/batch: from a product query to media buys in one call, which may be said again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders import a_seller, an_advertiser
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.test_products import Contract

pytestmark = pytest.mark.asyncio(loop_scope="module")
Doc = dict[str, Any]
BATCH = "/media-buys/batch"


class Asked:
    """A product query of this advertiser, and its products by their sellers' own ids."""

    def __init__(self, rest: Rest, advertiser: int, answer: Doc) -> None:
        self._rest, self.advertiser = rest, advertiser
        self.id = answer["ext"]["interchange"]["execution_id"]
        self.keys = {each["ext"]["interchange"]["source_product_id"]: each["product_id"] for each in answer["products"]}
        self.plans = {
            each["ext"]["interchange"]["source_proposal_id"]: each["proposal_id"] for each in answer["proposals"]
        }

    def new_campaign(self, **more: Any) -> Doc:
        dates = {"startDate": "2030-05-01T00:00:00Z", "endDate": "2030-05-31T00:00:00Z"}
        made = {"advertiserId": self.advertiser, "name": "Spring", "flightDates": dates, "budget": {"total": 1000}}
        return {"create": {**made, **more}}

    def product(self, source: str, **more: Any) -> Doc:
        return {"kind": "product", "productId": self.keys[source], **more}

    async def post(self, campaign: Doc, *selections: Doc, mode: str = "stage", **more: Any) -> httpx.Response:
        body = {"productQueryId": self.id, "campaign": campaign, "mode": mode, "selections": list(selections), **more}
        return await self._rest.member.post(BATCH, json=body)

    async def done(self, campaign: Doc, *selections: Doc, mode: str = "stage", **more: Any) -> Doc:
        answer = await self.post(campaign, *selections, mode=mode, **more)
        assert answer.status_code == 200, answer.text
        payload: Doc = answer.json()
        return payload

    async def campaign(self, done: Doc) -> Doc:
        answer = await self._rest.member.get(f"/campaigns/{done['campaignId']}")
        shown: Doc = answer.json()["campaign"]
        return shown


async def asked(rest: Rest, *sellers: SandboxHandle) -> Asked:
    for each in sellers:
        await a_seller(rest.world, each.mcp_url, each.name)
    advertiser = (await an_advertiser(rest.world)).id
    body = {"buying_mode": "brief", "brief": "shoes", "ext": {"interchange": {"advertiser_id": advertiser}}}
    answer = await rest.member.post("/products/query", json=body)
    return Asked(rest, advertiser, answer.json())


def refused(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"].get("field")


def spent(campaign: Doc) -> dict[str, float]:
    """What the campaign's buys plan, by product."""
    return {
        product["productId"]: product["budget"] for buy in campaign.get("mediaBuys", []) for product in buy["products"]
    }


async def test_a_batch_makes_its_campaign_and_said_again_changes_nothing(
    rest: Rest, north: SandboxHandle, east: SandboxHandle
) -> None:
    query = await asked(rest, north, east)
    reach, ctv = north.product_id("display_reach"), east.product_id("ctv_premium")
    picks = [query.product(reach, budget=300), query.product(ctv, budget=400.5)]
    calls = len((await north.log())["calls"])
    done = await query.done(query.new_campaign(), *picks)
    assert done["campaignCreated"] is True
    assert done["campaignStatus"] == "DRAFT"
    assert (done["mediaBuysStaged"], done["mediaBuysExecuted"], done["queryProductsSelected"]) == (2, 0, 2)
    assert (done["success"], done["noOp"]) == (True, False)
    assert {each["status"] for each in done["mediaBuyRefs"]} == {"DRAFT"}
    assert len((await north.log())["calls"]) == calls
    assert spent(await query.campaign(done)) == {reach: 300, ctv: 400.5}
    again = await query.done(query.new_campaign(), *picks)
    assert (again["campaignId"], again["campaignCreated"], again["noOp"]) == (done["campaignId"], False, True)
    assert again["mediaBuyRefs"] == done["mediaBuyRefs"]
    other = await query.post(query.new_campaign(name="Summer"), *picks)
    assert refused(other) == (400, "campaign.create")


async def test_execute_sends_each_buy_once_however_often_it_is_said(rest: Rest, north: SandboxHandle) -> None:
    query = await asked(rest, north)
    picks = [query.product(north.product_id("newsletter"), budget=250)]
    first = await query.done(query.new_campaign(), *picks, mode="execute")
    assert (first["mediaBuysExecuted"], first["success"], first["noOp"]) == (1, True, False)
    assert first["campaignStatus"] == "ACTIVE"
    again = await query.done(query.new_campaign(), *picks, mode="execute")
    assert (again["mediaBuysExecuted"], again["success"], again["noOp"]) == (0, True, True)
    assert len(await north.buys()) == 1
    more = query.product(north.product_id("display_reach"), budget=200)
    added = await query.done({"campaignId": first["campaignId"]}, more, mode="execute")
    assert (added["mediaBuysExecuted"], added["queryProductsSelected"]) == (1, 2)
    assert len(await north.buys()) == 2


async def test_a_seller_that_refuses_is_named_and_the_retry_sends_only_its_buy(
    rest: Rest, north: SandboxHandle, east: SandboxHandle
) -> None:
    query = await asked(rest, north, east)
    await east.set_faults(reject="POLICY_VIOLATION")
    picks = [query.product(each.product_id("newsletter"), budget=100) for each in (north, east)]
    first = await query.done(query.new_campaign(), *picks, mode="execute", debug=True)
    assert first["success"] is False
    assert first["mediaBuysExecuted"] == 2
    assert [each["salesAgentId"] for each in first["errors"]]
    assert first["errors"][0]["debug"]["request"]
    await east.clear_faults("reject")
    again = await query.done(query.new_campaign(), *picks, mode="execute")
    assert (again["success"], again["mediaBuysExecuted"]) == (True, 1)
    assert (len(await north.buys()), len(await east.buys())) == (1, 1)


async def test_replace_takes_the_drafts_away_and_a_changed_budget_reaches_the_draft(
    rest: Rest, north: SandboxHandle, east: SandboxHandle
) -> None:
    query = await asked(rest, north, east)
    reach, ctv = north.product_id("display_reach"), east.product_id("ctv_premium")
    done = await query.done(query.new_campaign(), query.product(reach, budget=300), query.product(ctv, budget=100))
    campaign = {"campaignId": done["campaignId"]}
    raised = await query.done(campaign, query.product(reach, budget=350))
    assert raised["noOp"] is False
    assert spent(await query.campaign(done)) == {reach: 350, ctv: 100}
    only = await query.done(campaign, query.product(ctv, budget=500), replace=True)
    assert only["queryProductsSelected"] == 1
    assert spent(await query.campaign(done)) == {ctv: 500}
    same = await query.done(campaign, query.product(ctv, budget=500), replace=True)
    assert same["noOp"] is True
    assert same["mediaBuyRefs"] == only["mediaBuyRefs"]


async def test_a_whole_proposal_is_shared_out_and_two_of_them_stand_side_by_side(
    rest: Rest, north: SandboxHandle
) -> None:
    query = await asked(rest, north)
    plans = [query.plans[north.product_id(name)] for name in ("reach", "screens")]
    picks = [{"kind": "proposal", "proposalId": each, "totalBudget": 400} for each in plans]
    done = await query.done(query.new_campaign(), *picks)
    assert done["proposalsApplied"] == 2
    assert done["queryProductsSelected"] == 5
    buys = (await query.campaign(done))["mediaBuys"]
    assert sum(product["budget"] for buy in buys for product in buy["products"]) == 800
    assert (await query.done(query.new_campaign(), *picks))["noOp"] is True


async def test_every_selection_that_cannot_be_bought_is_named_and_nothing_is_made(
    rest: Rest, north: SandboxHandle
) -> None:
    query = await asked(rest, north)
    reach, auction = north.product_id("display_reach"), north.product_id("display_auction")
    answer = await query.post(
        query.new_campaign(),
        query.product(reach, budget=1.001),
        {"kind": "proposal", "proposalId": "sfp1:1:bm9ib2R5"},
        query.product(auction),
    )
    assert answer.status_code == 400
    assert [each["path"] for each in answer.json()["error"]["details"]["issues"]] == [
        ["selections", 0, "budget"],
        ["selections", 1, "proposalId"],
        ["selections", 2, "bidPrice"],
    ]
    listed = await rest.member.get("/campaigns", params={"advertiserId": str(query.advertiser)})
    assert listed.json()["total"] == 0


async def test_what_is_more_than_the_budget_leaves_the_selection_as_it_was(rest: Rest, north: SandboxHandle) -> None:
    query = await asked(rest, north)
    reach = north.product_id("display_reach")
    done = await query.done(query.new_campaign(), query.product(reach, budget=300))
    over = await query.post({"campaignId": done["campaignId"]}, query.product(reach, budget=3000))
    assert (over.status_code, over.json()["error"]["code"]) == (409, "INSUFFICIENT_MEDIA_BUDGET")
    selected = (await rest.member.get(f"/discovery/{query.id}/products")).json()
    assert [each["budget"] for each in selected["products"]] == [300]


async def test_foreign_and_mismatched_ids_are_refused(rest: Rest, north: SandboxHandle) -> None:
    query = await asked(rest, north)
    pick = query.product(north.product_id("display_reach"), budget=100)
    for campaign, expected in (
        ({"campaignId": "cmp_1"}, 404),
        ({"campaignId": "cmp_1", **query.new_campaign()}, 400),
        ({}, 400),
    ):
        assert (await query.post(campaign, pick)).status_code == expected
    elsewhere = query.new_campaign(discoveryId="disc_other")
    assert refused(await query.post(elsewhere, pick)) == (400, "campaign.create.discoveryId")
    other = (await an_advertiser(rest.world)).id
    assert refused(await query.post(query.new_campaign(advertiserId=other), pick)) == (
        400,
        "campaign.create.advertiserId",
    )
    taken = await asked(rest)
    mine = await query.done(query.new_campaign(), pick)
    wrong = await taken.post({"campaignId": mine["campaignId"]}, pick)
    assert wrong.status_code == 400
    body = {"productQueryId": query.id, "campaign": query.new_campaign(), "mode": "stage", "selections": [pick]}
    assert (await rest.stranger.post(BATCH, json=body)).status_code == 404


@pytest.mark.contract
async def test_the_answer_is_what_the_contract_describes(rest: Rest, north: SandboxHandle, contract_dir: Path) -> None:
    contract, query = Contract(contract_dir), await asked(rest, north)
    pick = query.product(north.product_id("newsletter"), budget=100)
    contract.holds("CreateMediaBuysBatchResponse", await query.done(query.new_campaign(), pick))
    executed = await query.done(query.new_campaign(), pick, mode="execute")
    contract.holds("CreateMediaBuysBatchResponse", executed)
