"""Stops over REST: made, previewed, read, undone; the account's own and nobody else's."""

from __future__ import annotations

from typing import get_args

import pytest

from buyside.domain.media_buys import PausedBy as Holder
from buyside.schemas.media_buys import PausedBy
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import a_live_campaign, an_advertiser, get, ok, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHY = {"reason": "The client's site is down."}


async def test_a_member_stops_the_account_and_undoes_it(rest: Rest, north: SandboxHandle) -> None:
    campaign, buy = await a_live_campaign(rest, north)
    made = ok(await rest.member.post("/stops", json=WHY))
    assert set(made) == {
        "stopId", "status", "reason", "madeBy", "createdAt", "paused", "held", "resumed", "kept", "refused",
    }  # fmt: skip
    assert (made["status"], made["paused"], made["refused"]) == ("standing", [buy], [])
    assert (made["reason"], made["madeBy"]) == (WHY["reason"], "member")
    assert ok(await rest.admin.get(f"/stops/{made['stopId']}")) == made
    assert ok(await rest.admin.get(f"/media-buys/{buy}"))["mediaBuy"]["pausedBy"] == "stop"
    assert (await get(rest, campaign))["mediaBuys"][0]["pausedBy"] == "stop"
    error = refused(await rest.member.post(f"/media-buys/{buy}/reactivate"), 409, "CONFLICT")
    assert made["stopId"] in error["message"]
    refused(await rest.member.post(f"/campaigns/{campaign}/execute"), 409, "CONFLICT")
    undone = ok(await rest.member.post(f"/stops/{made['stopId']}/undo", json={"reason": "It is up again."}))
    assert (undone["status"], undone["resumed"], undone["undoneBy"]) == ("undone", [buy], "member")
    assert "pausedBy" not in ok(await rest.admin.get(f"/media-buys/{buy}"))["mediaBuy"]
    refused(await rest.member.post(f"/stops/{made['stopId']}/undo"), 409, "CONFLICT")
    log = ok(await rest.admin.get("/decisions", params={"subjectType": "stop", "subjectId": made["stopId"]}))
    assert [(e["action"], e["reason"]) for e in log["decisions"]] == [
        ("stop.undone", "It is up again."),
        ("stop.made", WHY["reason"]),
    ]


async def test_a_preview_of_a_stop_and_of_undoing_it_changes_nothing(rest: Rest, north: SandboxHandle) -> None:
    _, buy = await a_live_campaign(rest, north)
    shown = ok(await rest.member.post("/stops?preview=true", json=WHY))
    assert [(c["mediaBuyId"], c["tool"]) for c in shown["operations"]] == [(buy, "update_media_buy")]
    assert ok(await rest.member.get("/stops"))["stops"] == []
    made = ok(await rest.member.post("/stops", json=WHY))
    back = ok(await rest.member.post(f"/stops/{made['stopId']}/undo?preview=true"))
    assert [c["arguments"]["paused"] for c in back["operations"]] == [False]
    assert ok(await rest.member.get(f"/stops/{made['stopId']}"))["paused"] == [buy]


async def test_stops_are_listed_newest_first_and_a_cursor_leads_on(rest: Rest) -> None:
    advertiser = await an_advertiser(rest)
    made = [ok(await rest.member.post("/stops", json={**WHY, "advertiserId": advertiser}))["stopId"] for _ in range(3)]
    first = ok(await rest.member.get("/stops", params={"take": 2}))
    assert ([s["stopId"] for s in first["stops"]], first["total"]) == (made[:0:-1], 3)
    assert {s["advertiserId"] for s in first["stops"]} == {advertiser}
    rest_of = ok(await rest.member.get("/stops", params={"take": 2, "cursor": first["nextCursor"]}))
    assert ([s["stopId"] for s in rest_of["stops"]], rest_of["hasMore"]) == (made[:1], False)


async def test_what_is_not_this_accounts_is_not_there(rest: Rest) -> None:
    advertiser = await an_advertiser(rest)
    refused(await rest.stranger.post("/stops", json={**WHY, "advertiserId": advertiser}), 404, "NOT_FOUND")
    refused(await rest.admin.post("/stops", json={**WHY, "storefrontId": 999_999}), 404, "NOT_FOUND")
    made = ok(await rest.admin.post("/stops", json={**WHY, "advertiserId": advertiser}))["stopId"]
    refused(await rest.stranger.get(f"/stops/{made}"), 404, "NOT_FOUND")
    refused(await rest.stranger.post(f"/stops/{made}/undo"), 404, "NOT_FOUND")
    refused(await rest.stranger.post(f"/stops/{made}/undo?preview=true"), 404, "NOT_FOUND")
    assert ok(await rest.stranger.get("/stops"))["stops"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 1001}, "reason"),
        ({"reason": "x", "advertiserId": None}, "advertiserId"),
        ({"reason": "x", "storefrontId": "all"}, "storefrontId"),
    ],
)
async def test_a_stop_says_why_and_of_what(rest: Rest, body: dict[str, object], field: str) -> None:
    refused(await rest.member.post("/stops", json=body), 400, "VALIDATION_ERROR", field)


async def test_everybody_who_may_hold_a_buy_has_a_word_on_the_wire() -> None:
    assert set(get_args(PausedBy)) == {each.value for each in Holder}
