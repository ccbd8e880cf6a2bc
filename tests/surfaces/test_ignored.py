"""A field that no request knows is never dropped without a word."""

from __future__ import annotations

from typing import Any

import pytest

from buyside.schemas.campaigns import CreateCampaignBody, UpdateCampaignBody
from buyside.schemas.ignored import ignored, names, sentence
from buyside.schemas.products import AddProductsRequest
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import an_advertiser, flight, ok, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")
GOALS = {"optimizationGoals": [{"kind": "metric", "metric": "clicks", "prioritty": 1}]}


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        (UpdateCampaignBody, {"nmae": "x"}, ["nmae"]),
        (UpdateCampaignBody, {"name": "x", "budget": {"total": 5, "curency": "EUR"}}, ["budget.curency"]),
        (UpdateCampaignBody, {"performanceConfig": GOALS}, ["performanceConfig.optimizationGoals[0].prioritty"]),
        (AddProductsRequest, {"products": [{"productId": "p", "budgte": 3}]}, ["products[0].budgte"]),
        (AddProductsRequest, {"products": [{"productId": "p", "cpm": 3}]}, []),
        (AddProductsRequest, {"products": [{"productId": "p", "targetingOverlay": {"theirs": 1}}]}, []),
        (UpdateCampaignBody, {"campaignType": "ROUTED"}, []),
        (UpdateCampaignBody, {"name": "", "nmae": "refused anyway"}, []),
        (CreateCampaignBody | None, {}, []),
        (UpdateCampaignBody, {f"x{n}": 1 for n in range(30)}, [f"x{n}" for n in range(20)]),
    ],
)
async def test_what_a_request_does_not_know_is_found_at_any_depth(kind: Any, body: Any, found: list[str]) -> None:
    assert ignored(kind, body) == found


async def test_a_misspelt_name_is_told_the_right_one() -> None:
    known = names(AddProductsRequest)
    assert sentence("products[0].budgte", known).endswith("Did you mean budget?")
    assert sentence("products[0].zzz", known).endswith("was ignored.")


async def test_a_campaign_answers_with_a_warning_and_every_answer_with_a_header(rest: Rest) -> None:
    advertiser = await an_advertiser(rest)
    body = {
        "advertiserId": advertiser,
        "name": "Summer",
        "flightDates": flight(),
        "budget": {"total": 5, "dailycap": 1},
    }
    made = await rest.member.post("/campaigns", json=body)
    assert made.headers["X-Ignored-Fields"] == "budget.dailycap"
    created = ok(made, 201)
    assert created["warnings"] == [
        "budget.dailycap is not a field of this request and was ignored. Did you mean dailyCap?"
    ]
    campaign = f"/campaigns/{created['campaign']['campaignId']}"
    changed = await rest.member.put(campaign, json={"status": "PAUSED", "naïve": 1, "a\n,": 1, "": 1})
    assert changed.headers["X-Ignored-Fields"] == "status, na?ve, a??, ?"
    assert len(ok(changed)["warnings"]) == 4
    renamed = await rest.member.put(campaign, json={"name": "Autumn"})
    assert "X-Ignored-Fields" not in renamed.headers
    assert "warnings" not in ok(renamed)
    ended = await rest.admin.put(f"/advertisers/{advertiser}", json={"sandbox": True})
    assert ended.headers["X-Ignored-Fields"] == "sandbox"


async def test_a_body_of_our_own_refuses_what_it_does_not_know(rest: Rest) -> None:
    limit = {"scope": "account", "currency": "USD", "largestBuy": 100, "perday": 10}
    answer = await rest.admin.put("/accounts/current/limits", json={"limits": [limit]})
    refused(answer, 400, "VALIDATION_ERROR", "limits[0].perday")
    assert ok(await rest.admin.get("/accounts/current/limits"))["limits"] == []
