"""Advertisers over REST: made, listed, changed, archived, restored."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from buyside.domain.advertisers import FeePricing, FeeTerm
from buyside.domain.ids import AdvertiserId
from tests.builders import a_campaign
from tests.surfaces.conftest import Rest

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACME = {"name": "Acme", "brand": "https://www.Acme.com/eu?x=1", "primaryCurrency": "eur"}
MARGIN = {"label": "Agency fee", "pricingType": "MARGIN", "marginPercent": 12.5}


async def made(rest: Rest, **more: Any) -> dict[str, Any]:
    answer = await rest.member.post("/advertisers", json={**ACME, **more})
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_an_advertiser_is_made_from_what_a_person_knows_of_its_brand(rest: Rest) -> None:
    shown = await made(rest, description="Shoes", optimizationApplyMode="AUTO")
    assert shown["brand"] == "acme.com"
    assert shown["primaryCurrency"] == "EUR"
    assert (shown["status"], shown["sandbox"], shown["currencyLocked"]) == ("ACTIVE", False, False)
    assert shown["optimizationApplyMode"] == "AUTO"
    assert "acme.com" in shown.pop("brandWarning")
    assert (await rest.member.get(f"/advertisers/{shown['id']}")).json() == shown


async def test_the_vendors_client_names_the_brand_otherwise_and_no_currency(rest: Rest) -> None:
    answer = await rest.member.post("/advertisers", json={"name": "Acme", "brandDomain": "acme.com"})
    assert (answer.status_code, answer.json()["primaryCurrency"]) == (201, "USD")


@pytest.mark.parametrize(
    ("given", "domain"),
    [
        ("acme.com", "acme.com"),
        ("WWW.ACME.CO.UK.", "acme.co.uk"),
        ("http://user@shop.acme.com:8080/a", "shop.acme.com"),
        ("müller.example", "xn--mller-kva.example"),
    ],
)
async def test_a_brand_is_kept_as_its_domain(rest: Rest, given: str, domain: str) -> None:
    assert (await made(rest, brand=given))["brand"] == domain


@pytest.mark.parametrize("given", ["acme", "10.0.0.1", "https://", "a b.com", "-x.com", "x" * 64 + ".com", "::1"])
async def test_what_is_no_domain_is_no_brand(rest: Rest, given: str) -> None:
    answer = await rest.member.post("/advertisers", json={**ACME, "brand": given})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "brand")


async def test_a_currency_that_does_not_exist_is_refused(rest: Rest) -> None:
    answer = await rest.member.post("/advertisers", json={**ACME, "primaryCurrency": "XYZ"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "primaryCurrency")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("linkedAccounts", [{"accountId": "1"}]),
        ("saveBrand", True),
    ],
)
async def test_a_field_that_is_not_supported_yet_is_named_and_never_dropped(
    rest: Rest, field: str, value: object
) -> None:
    advertiser = await made(rest)
    for answer in (
        await rest.admin.post("/advertisers", json={**ACME, field: value}),
        await rest.admin.put(f"/advertisers/{advertiser['id']}", json={field: value}),
    ):
        assert (answer.status_code, answer.json()["error"]["field"]) == (501, field)


async def test_what_an_edit_leaves_out_stays(rest: Rest) -> None:
    advertiser = await made(rest, description="Shoes")
    answer = await rest.member.put(f"/advertisers/{advertiser['id']}", json={"name": "Acme Ltd", "sandbox": True})
    changed = answer.json()
    assert (changed["name"], changed["description"], changed["sandbox"]) == ("Acme Ltd", "Shoes", False)
    assert changed["updatedAt"] > advertiser["updatedAt"]


async def test_a_change_of_nothing_leaves_no_trace(rest: Rest) -> None:
    advertiser = await made(rest)
    before = (await rest.member.get("/decisions")).json()["total"]
    answer = await rest.member.put(f"/advertisers/{advertiser['id']}", json={"name": "Acme"})
    assert answer.json()["updatedAt"] == advertiser["updatedAt"]
    assert (await rest.member.get("/decisions")).json()["total"] == before


async def test_fees_are_an_admins_to_set(rest: Rest) -> None:
    advertiser = await made(rest)
    path = f"/advertisers/{advertiser['id']}"
    assert "fees" not in advertiser
    assert (await rest.member.put(path, json={"fees": [MARGIN]})).status_code == 403
    assert (await rest.admin.put(path, json={"fees": [MARGIN]})).json()["fees"] == [MARGIN]
    kept = await rest.member.put(path, json={"fees": [MARGIN], "name": "Acme 2"})
    assert (kept.status_code, kept.json()["name"]) == (200, "Acme 2")
    assert "fees" not in (await rest.admin.put(path, json={"fees": []})).json()


async def test_fees_that_leave_nothing_to_buy_for_are_refused(rest: Rest) -> None:
    advertiser = await made(rest)
    too_much = [{**MARGIN, "marginPercent": 60}, {**MARGIN, "marginPercent": 40}]
    too_fine = [{"label": "Tech", "pricingType": "UNIT", "unit": "CPM", "unitPrice": 0.12345678}]
    for fees, field in ((too_much, "fees"), (too_fine, "fees[0].unitPrice")):
        answer = await rest.admin.put(f"/advertisers/{advertiser['id']}", json={"fees": fees})
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


async def test_the_installations_fees_hold_until_an_advertiser_has_its_own(rest: Rest) -> None:
    runtime = rest.world.runtime
    house = FeeTerm("House fee", FeePricing.MARGIN, Decimal(10))
    runtime.policy = replace(runtime.policy, default_fees=(house,))
    advertiser = await made(rest)
    path = f"/advertisers/{advertiser['id']}"
    assert advertiser["fees"] == [{"label": "House fee", "pricingType": "MARGIN", "marginPercent": 10}]
    same = await rest.member.put(path, json={"fees": advertiser["fees"], "name": "Acme 2"})
    assert same.status_code == 200, "sending back what was shown sets nothing"
    assert "fees" not in (await rest.admin.put(path, json={"fees": []})).json(), "no fees is a schedule of its own"


async def test_the_currency_stays_once_a_campaign_uses_it(rest: Rest) -> None:
    advertiser = await made(rest, primaryCurrency="EUR")
    path = f"/advertisers/{advertiser['id']}"
    assert (await rest.member.put(path, json={"primaryCurrency": "USD"})).json()["primaryCurrency"] == "USD"
    async with rest.world.work().reading() as tx:
        stored = await tx.advertisers.get(AdvertiserId(int(advertiser["id"])))
    await a_campaign(rest.world, advertiser=stored)
    assert (await rest.member.get(path)).json()["currencyLocked"] is True
    refused = await rest.member.put(path, json={"primaryCurrency": "EUR"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (409, "primaryCurrency")
    assert (await rest.member.put(path, json={"primaryCurrency": "USD", "name": "x"})).status_code == 200


async def test_deleting_archives_and_restoring_takes_back(rest: Rest) -> None:
    advertiser = await made(rest)
    path = f"/advertisers/{advertiser['id']}"
    assert (await rest.member.delete(path)).status_code == 403
    assert (await rest.admin.post(f"{path}/restore")).status_code == 404
    for _ in range(2):
        assert (await rest.admin.delete(path)).status_code == 204
    assert (await rest.admin.get(path)).json()["status"] == "ARCHIVED"
    assert (await rest.admin.put(path, json={"name": "x"})).status_code == 409
    listed = [
        (await rest.admin.get("/advertisers", params={"status": s})).json() for s in ("ACTIVE", "ARCHIVED", "ALL")
    ]
    assert [len(each["items"]) for each in listed] == [0, 1, 1]
    assert (await rest.member.post(f"{path}/restore")).status_code == 403
    assert (await rest.admin.post(f"{path}/restore")).json()["status"] == "ACTIVE"
    assert (await rest.admin.post(f"{path}/restore")).status_code == 404


async def test_a_list_is_filtered_and_paged_in_either_dialect(rest: Rest) -> None:
    names = ["Alpha", "Beta", "Straße", "Gamma"]
    ids = [(await made(rest, name=name, sandbox=name == "Beta"))["id"] for name in names]

    async def listed(**query: object) -> dict[str, Any]:
        found: dict[str, Any] = (await rest.member.get("/advertisers", params=query)).json()  # type: ignore[arg-type]
        return found

    everything = await listed()
    assert [each["id"] for each in everything["items"]] == ids
    assert (everything["total"], everything["hasMore"], everything["nextOffset"]) == (4, False, None)
    assert "brand" not in everything["items"][0]
    first = await listed(limit=3, includeBrand="true")
    assert (len(first["items"]), first["hasMore"], first["nextOffset"]) == (3, True, 3)
    assert first["items"][0]["brand"] == "acme.com"
    assert [each["name"] for each in (await listed(take=1, skip=3))["items"]] == ["Gamma"]
    assert [each["name"] for each in (await listed(name="STRASSE"))["items"]] == ["Straße"]
    assert [each["name"] for each in (await listed(sandbox="true"))["items"]] == ["Beta"]
    for wrong in ({"limit": 101}, {"status": "GONE"}, {"offset": 10_001}):
        assert (await rest.member.get("/advertisers", params=wrong)).status_code == 400


async def test_a_foreign_advertiser_is_as_unknown_as_one_that_never_was(rest: Rest) -> None:
    theirs = str((await made(rest))["id"])
    for method, suffix, body in (
        ("GET", "", None),
        ("PUT", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
    ):
        answers = [
            await rest.stranger.request(method, f"/advertisers/{number}{suffix}", json=body)
            for number in (theirs, "9999999", "900719925474099", "word")
        ]
        assert {each.status_code for each in answers} == {404}, method
        texts = {each.text.replace(n, "?") for each, n in zip(answers[:2], (theirs, "9999999"), strict=True)}
        assert len(texts) == 1, method
    assert (await rest.stranger.get("/advertisers")).json()["items"] == []


async def test_a_caller_may_say_for_which_advertiser_it_works(rest: Rest) -> None:
    mine = (await made(rest))["id"]
    seated = await rest.member.get("/advertisers", headers={"X-SCOPE3-SEAT-ID": mine})
    assert seated.json()["currentAdvertiserId"] == mine
    assert "currentAdvertiserId" not in (await rest.member.get("/advertisers")).json()
    foreign = (await rest.stranger.post("/advertisers", json=ACME)).json()["id"]
    for other in (foreign, "999999", "acme", "-1"):
        answer = await rest.member.get("/advertisers", headers={"X-SCOPE3-SEAT-ID": other})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert (await rest.admin.delete(f"/advertisers/{mine}")).status_code == 204
    gone = await rest.member.get("/advertisers", headers={"X-SCOPE3-SEAT-ID": mine})
    assert gone.status_code == 404
