"""The decision log over REST: read, filtered, taken back."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, get_args

import pytest

import buyside
from buyside.domain.campaigns import CampaignSpec
from buyside.domain.creatives import CreativeSpec
from buyside.domain.ids import CampaignId
from buyside.schemas.decisions import SubjectType
from buyside.services import campaigns, creatives, media_buys
from buyside.services.campaigns import CampaignView
from tests.builders import Wanted, a_campaign, a_seller
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAG = {"agent_url": "https://creative.adcontextprotocol.org", "id": "display_300x250_tag"}
LANDING = {"url": "https://acme.com/summer", "url_type": "clickthrough"}
ACME = {"name": "Acme", "brand": "acme.com", "primaryCurrency": "EUR"}
Doc = dict[str, Any]


async def an_acme(rest: Rest) -> str:
    return str((await rest.member.post("/advertisers", json=ACME)).json()["id"])


async def log(rest: Rest, **query: object) -> list[Doc]:
    answer = await rest.member.get("/decisions", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    found: list[Doc] = answer.json()["decisions"]
    return found


async def a_live_campaign(rest: Rest, seller: SandboxHandle) -> CampaignView:
    world = rest.world
    known = await a_seller(world, seller.mcp_url)
    view = await a_campaign(world, [Wanted(known, seller.product_id("display_reach"))])
    await creatives.create(world.work(), view.campaign.id, CreativeSpec("", format_id=TAG, url_asset=LANDING), "Tag")
    assert (await campaigns.execute(world.work(), view.campaign.id)).success
    return await campaigns.get(world.work(), view.campaign.id)


async def test_an_entry_says_who_changed_what_and_why(rest: Rest) -> None:
    advertiser = await an_acme(rest)
    await rest.admin.put(f"/advertisers/{advertiser}", json={"name": "Acme Ltd"}, headers={"X-Reason": "merger"})
    entry = (await log(rest))[0]
    assert (await rest.member.get(f"/decisions/{entry['decisionId']}")).json() == {"decision": entry}
    assert entry["decisionId"].startswith("decentry_")
    assert entry["before"] == {"name": "Acme"}
    assert entry["after"] == {"name": "Acme Ltd"}
    assert (entry["entryType"], entry["createdVia"], entry["surface"]) == ("edit", "tool", "rest")
    assert (entry["actor"], entry["reason"]) == ("admin", "merger")
    assert entry["subject"] == {"type": "advertiser", "id": advertiser, "advertiserId": advertiser}
    assert len(entry["callerFingerprint"]) == 12


async def test_the_log_is_filtered_by_what_it_is_about(rest: Rest) -> None:
    first, second = await an_acme(rest), await an_acme(rest)
    view = await a_campaign(rest.world)
    assert [e["subject"]["id"] for e in await log(rest, advertiserId=first)] == [first]
    assert [e["subject"]["id"] for e in await log(rest, subjectType="advertiser", subjectId=second)] == [second]
    assert {e["subject"]["campaignId"] for e in await log(rest, campaignId=view.campaign.id)} == {view.campaign.id}
    assert await log(rest, mediaBuyId="mb_nothing") == []
    assert await log(rest, entryType="anomaly") == []
    for wrong in ({"entryType": "guess"}, {"advertiserId": "x"}, {"take": 0}):
        assert (await rest.member.get("/decisions", params=wrong)).status_code == 400


async def test_pages_follow_each_other_without_gap_or_repeat(rest: Rest) -> None:
    made = [await an_acme(rest) for _ in range(5)]
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        answer = await rest.member.get(
            "/decisions", params={"take": 2, "subjectType": "advertiser", **({"cursor": cursor} if cursor else {})}
        )
        page = answer.json()
        seen += [each["subject"]["id"] for each in page["decisions"]]
        assert page["total"] == 5
        assert page["hasMore"] is ("nextCursor" in page)
        cursor, pages = page.get("nextCursor"), pages + 1
    assert (seen, pages) == (made[::-1], 3)
    assert [e["subject"]["id"] for e in await log(rest, skip=1, take=1, subjectType="advertiser")] == [made[3]]
    assert (await rest.member.get("/decisions", params={"cursor": "nonsense"})).status_code == 400


async def test_an_edit_is_taken_back_once(rest: Rest) -> None:
    advertiser = await an_acme(rest)
    path = f"/advertisers/{advertiser}"
    fees = [{"label": "Fee", "pricingType": "MARGIN", "marginPercent": 12.5}]
    await rest.admin.put(path, json={"name": "Acme Ltd", "description": "x", "fees": fees})
    entry = (await log(rest))[0]
    answer = await rest.admin.post(f"/decisions/{entry['decisionId']}/revert", headers={"X-Reason": "too early"})
    assert answer.status_code == 200, answer.text
    undo = answer.json()["decision"]
    assert (undo["reverts"], undo["reason"]) == (entry["decisionId"], "too early")
    assert (undo["before"], undo["after"]) == (entry["after"], entry["before"])
    shown = (await rest.member.get(path)).json()
    assert (shown["name"], "description" in shown, "fees" in shown) == ("Acme", False, False)
    assert (await rest.member.get(f"/decisions/{entry['decisionId']}")).json()["decision"]["revertedBy"] == undo[
        "decisionId"
    ]
    again = await rest.admin.post(f"/decisions/{entry['decisionId']}/revert")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")
    redo = await rest.admin.post(f"/decisions/{undo['decisionId']}/revert")
    assert redo.status_code == 200
    assert (await rest.member.get(path)).json()["fees"] == fees


async def test_what_changed_since_is_not_overwritten(rest: Rest) -> None:
    path = f"/advertisers/{await an_acme(rest)}"
    await rest.member.put(path, json={"name": "Second", "description": "x"})
    entry = (await log(rest))[0]["decisionId"]
    await rest.member.put(path, json={"name": "Third"})
    refused = await rest.member.post(f"/decisions/{entry}/revert")
    assert (refused.status_code, refused.json()["error"]["details"]["changed"]) == (409, {"name": "Third"})
    preview = (await rest.member.post(f"/decisions/{entry}/revert", params={"preview": "true"})).json()
    assert [each["code"] for each in preview["refusals"]] == ["CONFLICT"]
    assert (await rest.member.get(path)).json()["name"] == "Third"


async def test_two_who_take_back_at_once_do_it_once(rest: Rest) -> None:
    path = f"/advertisers/{await an_acme(rest)}"
    await rest.member.put(path, json={"name": "Second"})
    entry = (await log(rest))[0]["decisionId"]
    answers = await asyncio.gather(*(rest.member.post(f"/decisions/{entry}/revert") for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]
    assert (await rest.member.get(path)).json()["name"] == "Acme"


async def test_a_preview_shows_what_a_revert_would_do_and_does_nothing(rest: Rest) -> None:
    path = f"/advertisers/{await an_acme(rest)}"
    await rest.member.put(path, json={"name": "Second"})
    entry = (await log(rest))[0]["decisionId"]
    before = (await rest.member.get("/decisions")).json()["total"]
    answer = await rest.member.post(f"/decisions/{entry}/revert", params={"preview": "true"})
    assert answer.json() == {
        "preview": True,
        "changes": [{"path": "name", "before": "Second", "after": "Acme"}],
        "operations": [],
        "refusals": [],
        "warnings": [],
    }
    assert (await rest.member.get(path)).json()["name"] == "Second"
    assert (await rest.member.get("/decisions")).json()["total"] == before


async def test_what_the_role_could_not_do_itself_it_cannot_take_back(rest: Rest) -> None:
    path = f"/advertisers/{await an_acme(rest)}"
    await rest.admin.put(path, json={"fees": [{"label": "Fee", "pricingType": "MARGIN", "marginPercent": 5}]})
    fees = (await log(rest))[0]["decisionId"]
    await rest.admin.put("/accounts/current/limits", json={"limits": [_LIMIT]})
    limits = (await log(rest))[0]["decisionId"]
    for entry in (fees, limits):
        assert (await rest.member.post(f"/decisions/{entry}/revert")).status_code == 403
        preview = (await rest.member.post(f"/decisions/{entry}/revert", params={"preview": "true"})).json()
        assert [each["code"] for each in preview["refusals"]] == ["FORBIDDEN"]
        assert (await rest.admin.post(f"/decisions/{entry}/revert")).status_code == 200
    assert "fees" not in (await rest.member.get(path)).json()
    assert (await rest.member.get("/accounts/current/limits")).json() == {"limits": []}


_LIMIT = {"scope": "account", "currency": "EUR", "largestBuy": 1000.25}


async def test_an_archived_advertiser_comes_back_with_the_decision_that_archived_it(rest: Rest) -> None:
    path = f"/advertisers/{await an_acme(rest)}"
    await rest.admin.delete(path)
    entry = (await log(rest))[0]["decisionId"]
    assert (await rest.admin.post(f"/decisions/{entry}/revert")).json()["decision"]["action"] == "advertiser.restored"
    assert (await rest.member.get(path)).json()["status"] == "ACTIVE"


async def test_what_cannot_be_taken_back_says_so(rest: Rest) -> None:
    await an_acme(rest)
    entry = (await log(rest))[0]
    refused = await rest.member.post(f"/decisions/{entry['decisionId']}/revert")
    assert refused.status_code == 409
    assert "advertiser.created" in refused.json()["error"]["message"]


async def test_a_campaigns_edit_is_taken_back_with_its_budget_and_dates(rest: Rest) -> None:
    view = await a_campaign(rest.world)
    before: CampaignSpec = view.campaign.spec
    change = {"name": "Autumn", "budget": {"total": 2500.5, "dailyCap": 100, "pacing": "ASAP"}, "brief": "More"}
    answer = await rest.member.put(f"/campaigns/{view.campaign.id}", json=change)
    assert answer.status_code == 200, answer.text
    entry = (await log(rest, campaignId=view.campaign.id))[0]["decisionId"]
    undone = await rest.member.post(f"/decisions/{entry}/revert")
    assert undone.status_code == 200, undone.text
    assert (await campaigns.get(rest.world.work(), CampaignId(view.campaign.id))).campaign.spec == before


async def test_taking_back_a_pause_lets_the_buys_serve_again(rest: Rest, north: SandboxHandle) -> None:
    view = await a_live_campaign(rest, north)
    await rest.member.post(f"/campaigns/{view.campaign.id}/pause")
    entry = (await log(rest, subjectType="campaign"))[0]
    assert entry["action"] == "campaign.paused"
    preview = await rest.member.post(f"/decisions/{entry['decisionId']}/revert", params={"preview": "true"})
    operations = preview.json()["operations"]
    assert [(each["mediaBuyId"], each["tool"]) for each in operations] == [(view.buys[0].id, "update_media_buy")]
    assert operations[0]["arguments"]["paused"] is False
    assert (await north.buys())[0]["paused"] is True, "a preview asks nothing of a seller"
    undone = await rest.member.post(f"/decisions/{entry['decisionId']}/revert")
    assert undone.json()["decision"]["action"] == "campaign.reactivated"
    assert undone.json()["decision"]["reverts"] == entry["decisionId"]
    assert (await north.buys())[0]["paused"] is False
    stale = await rest.member.post(f"/decisions/{entry['decisionId']}/revert")
    assert stale.status_code == 409


async def test_taking_back_the_pause_of_one_buy_resumes_it(rest: Rest, east: SandboxHandle) -> None:
    view = await a_live_campaign(rest, east)
    buy = view.buys[0]
    assert (await media_buys.pause(rest.world.work(), buy.id)).error is None
    entry = (await log(rest, mediaBuyId=buy.id))[0]
    assert entry["action"] == "media_buy.paused"
    undone = await rest.member.post(f"/decisions/{entry['decisionId']}/revert")
    assert undone.status_code == 200, undone.text
    assert undone.json()["decision"]["action"] == "media_buy.resumed"
    assert (await media_buys.get(rest.world.work(), buy.id)).status.value == "ACTIVE"


async def test_a_foreign_decision_is_as_unknown_as_one_that_never_was(rest: Rest) -> None:
    await an_acme(rest)
    theirs = (await log(rest))[0]["decisionId"]
    for method, suffix in (("GET", ""), ("POST", "/revert"), ("POST", "/revert?preview=true")):
        foreign, unknown = [
            await rest.stranger.request(method, f"/decisions/{each}{suffix}") for each in (theirs, "decentry_none")
        ]
        assert foreign.status_code == unknown.status_code == 404, suffix
        assert foreign.text.replace(theirs, "?") == unknown.text.replace("decentry_none", "?")
    assert (await rest.stranger.get("/decisions", params={"subjectType": "advertiser"})).json()["decisions"] == []


async def test_a_subject_type_that_there_is_not_is_named_and_the_known_ones_are_listed(rest: Rest) -> None:
    refused = await rest.admin.get("/decisions", params={"subjectType": "nonsense"})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["field"]) == (400, "VALIDATION_ERROR", "subjectType")
    assert "'media_buy'" in error["message"]


async def test_every_subject_that_is_written_can_be_asked_for() -> None:
    sources = Path(buyside.__file__).parent.rglob("*.py")
    written = {word for source in sources for word in re.findall(r'Subject\(\s*"(\w+)"', source.read_text())}
    assert written == set(get_args(SubjectType))
