"""Who may ask, what an account sees of itself, its keys and its limits."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from buyside.domain.accounts import Role
from buyside.services import accounts
from tests.surfaces.conftest import Rest, a_client, with_key

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_without_a_key_nothing_is_shown(rest: Rest) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic abc"}):
        answer = await rest.nobody.get("/accounts/current", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "UNAUTHORIZED"


async def test_a_key_of_the_right_form_that_was_never_made_opens_nothing(rest: Rest) -> None:
    key = rest.admin.headers["authorization"].removeprefix("Bearer ")
    number, secret = key.split("_")[1:]
    for forged in (f"buyside_{number}_{secret[::-1]}", f"buyside_{int(number) + 1}_{secret}", f"{key}x"):
        answer = await rest.nobody.get("/accounts", headers={"Authorization": f"Bearer {forged}"})
        assert answer.status_code == 401, forged


async def test_either_header_carries_the_key(rest: Rest) -> None:
    key = rest.member.headers["authorization"].removeprefix("Bearer ")
    answer = await rest.nobody.get("/accounts/current", headers={"x-scope3-api-key": key})
    assert answer.status_code == 200
    both = {"Authorization": "Bearer stale", "x-scope3-api-key": key}
    assert (await rest.nobody.get("/accounts/current", headers=both)).status_code == 200


async def test_an_account_sees_itself_and_no_other(rest: Rest) -> None:
    account = rest.world.account
    current = (await rest.member.get("/accounts/current")).json()
    assert current == {
        "id": account.id,
        "company": account.name,
        "name": account.name,
        "role": "MEMBER",
        "customerDomain": None,
    }
    assert [each["id"] for each in (await rest.admin.get("/accounts")).json()["accounts"]] == [account.id]
    outside = httpx.URL("http://buyside.test/api/v2/accounts/current")
    assert (await rest.admin.get(outside)).json()["role"] == "ADMIN"


async def test_a_made_key_works_until_it_is_revoked(rest: Rest, transport: httpx.AsyncBaseTransport) -> None:
    made = await rest.admin.post("/api-keys", json={"name": "reporting", "role": "MEMBER"})
    assert made.status_code == 201
    key = made.json()
    assert key["apiKey"].startswith("buyside_")
    holder = a_client(transport, key["apiKey"])
    assert (await holder.get("/accounts/current")).json()["role"] == "MEMBER"
    shown = (await rest.admin.get("/api-keys")).json()["items"]
    assert key["apiKey"] not in str(shown)
    assert [each["name"] for each in shown] == ["admin", "member", "reporting"]
    for _ in range(2):
        assert (await rest.admin.delete(f"/api-keys/{key['id']}")).status_code == 204
    assert (await holder.get("/accounts/current")).status_code == 401
    assert (await rest.admin.get("/api-keys")).json()["items"][2]["revokedAt"].endswith("Z")


async def test_keys_are_an_admins_business(rest: Rest) -> None:
    refused = [
        await rest.member.get("/api-keys"),
        await rest.member.post("/api-keys", json={"name": "x", "role": "ADMIN"}),
        await rest.member.delete(f"/api-keys/{rest.member_key}"),
        await rest.member.put("/accounts/current/limits", json={"limits": []}),
    ]
    assert [each.status_code for each in refused] == [403] * 4
    assert all("ADMIN" in each.json()["error"]["message"] for each in refused)


async def test_another_accounts_key_is_as_unknown_as_one_that_never_was(rest: Rest) -> None:
    foreign = await rest.stranger.delete(f"/api-keys/{rest.member_key}")
    unknown = await rest.stranger.delete("/api-keys/999999999")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text.replace(str(rest.member_key), "?") == unknown.text.replace("999999999", "?")
    assert (await rest.member.get("/accounts/current")).status_code == 200


async def test_limits_are_set_whole_and_read_back(rest: Rest) -> None:
    assert (await rest.member.get("/accounts/current/limits")).json() == {"limits": []}
    limits = [
        {"scope": "account", "currency": "EUR", "largestBuy": 1000.5, "perDay": 5000},
        {"scope": "key", "currency": "EUR", "keyId": rest.member_key, "perDay": 100},
    ]
    answer = await rest.admin.put("/accounts/current/limits", json={"limits": limits})
    assert answer.json() == {"limits": limits}
    assert (await rest.member.get("/accounts/current/limits")).json() == {"limits": limits}
    again = await rest.admin.put("/accounts/current/limits", json={"limits": []})
    assert again.json() == {"limits": []}


LIMIT: dict[str, Any] = {"scope": "account", "currency": "EUR", "perDay": 1}


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ([LIMIT, LIMIT], "limits[1]"),
        ([LIMIT | {"perDay": 1.005}], "limits[0].perDay"),
        ([LIMIT | {"currency": "XXY"}], "currency"),
        ([LIMIT, {**LIMIT, "scope": "key", "keyId": 999999999}], "limits[1].keyId"),
        ([{**LIMIT, "scope": "seller", "salesAgentId": "agent_nobody"}], "limits[0].salesAgentId"),
    ],
)
async def test_a_limit_that_says_nothing_clear_is_refused(rest: Rest, limits: list[dict[str, Any]], field: str) -> None:
    answer = await rest.admin.put("/accounts/current/limits", json={"limits": limits})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field
    assert (await rest.admin.get("/accounts/current/limits")).json() == {"limits": []}


async def test_another_accounts_key_cannot_be_limited(rest: Rest) -> None:
    foreign = {**LIMIT, "scope": "key", "keyId": rest.member_key}
    assert (await rest.stranger.put("/accounts/current/limits", json={"limits": [foreign]})).status_code == 400


async def test_the_reason_of_a_write_stands_in_the_log(rest: Rest) -> None:
    reason = {b"X-Reason": "Büro schließt".encode()}
    await rest.admin.post("/api-keys", json={"name": "x", "role": "MEMBER"}, headers=reason)
    listed = await rest.admin.get("/decisions")
    assert listed.status_code == 200, listed.text
    entry = listed.json()["decisions"][0]
    assert (entry["action"], entry["reason"], entry["surface"]) == ("key.created", "Büro schließt", "rest")
    assert entry["actor"] == "admin"
    too_long = await rest.admin.get("/accounts", headers={"X-Reason": "x" * 1001})
    assert (too_long.status_code, too_long.json()["error"]["field"]) == (400, "X-Reason")


async def test_fewer_callers_are_remembered_than_would_fill_the_memory(
    rest: Rest, transport: httpx.AsyncBaseTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_REMEMBERED", 2)
    keys = [(await with_key(rest.world, rest.world.account, Role.MEMBER))[1] for _ in range(5)]
    answers = await asyncio.gather(*(a_client(transport, key).get("/accounts") for key in keys))
    assert {each.status_code for each in answers} == {200}
    assert len(rest.world.runtime.callers) <= 2
