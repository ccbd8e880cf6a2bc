"""What belongs to another account answers exactly like what is not there: generated from our document.

An operation with an id in its path, its query or its body is covered the moment that it stands in the document.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from buyside.domain.accounts import Role
from buyside.services import accounts
from tests.builders import World
from tests.recording import BASE, Operation, census
from tests.sandbox_server import SandboxHandle, sandbox
from tests.surfaces.bodies import Bodies, schema_of, told
from tests.surfaces.conftest import a_client, with_key
from tests.surfaces.steps import Ids, furnished, searched, synonymous

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATIONS = census.described.operations
UNKNOWN: Ids = {
    "advertiserId": "999999983",
    "campaignId": "cmp_999999999983",
    "mediaBuyId": "mb_0000000000",
    "creativeId": "cr_0000000000000000",
    "storefrontId": 999999983,
    "sourceId": "nowhere",
    "credentialId": 999999983,
    "discoveryId": "session_0000000000",
    "productId": "no_such_product",
    "decisionId": "decentry_000000000000000000000000",
    "stopId": "stop_0000000000",
    "id": "op_00000000000000000000",
    "keyId": 999999983,
    "notificationId": "notif_1_0000000000",
    "salesAgentId": "agent_0000000000",
}
SELLERS_OWN = {"id", "productId", "sourceId"}
"""Names that sellers and callers choose: in a body they are no ids of ours."""


@dataclass(frozen=True)
class Side:
    client: httpx.AsyncClient
    ids: Ids


@dataclass(frozen=True)
class Sides:
    mine: Side
    theirs: Side
    before: list[Any]
    """Everything of theirs, before anything was tried."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sides(shared_world: World, transport: httpx.AsyncBaseTransport) -> AsyncIterator[Sides]:
    async with sandbox("North") as north, sandbox("East") as east:
        mine = await tenant(shared_world, transport, north)
        theirs = await tenant(shared_world, transport, east)
        yield Sides(mine, theirs, await everything(theirs))
        await shared_world.runtime.background.drain(30)


async def tenant(world: World, transport: httpx.AsyncBaseTransport, handle: SandboxHandle) -> Side:
    account = await accounts.ensure(world.runtime, f"Tenant of {handle.name}")
    _, key, _ = await with_key(world, account, Role.ADMIN)
    client = a_client(transport, key)
    return Side(client, await furnished(client, handle))


# ---- ids in the path

IN_PATH = [
    (operation, first)
    for operation in OPERATIONS
    for first in range(operation.template.count("{"))
]  # fmt: skip


@pytest.mark.parametrize(("operation", "first"), IN_PATH, ids=[f"{each.id}-{first}" for each, first in IN_PATH])
async def test_a_foreign_id_in_the_path_answers_like_an_unknown_one(
    sides: Sides, operation: Operation, first: int
) -> None:
    names = re.findall(r"\{(\w+)\}", operation.template)
    mine, theirs = sides.mine.ids, sides.theirs.ids

    async def answer(ids: Ids) -> tuple[int, str]:
        path = operation.template.removeprefix(BASE)
        for index, name in enumerate(names):
            path = path.replace(f"{{{name}}}", str((mine if index < first else ids)[name]))
        response = await sides.mine.client.request(operation.method, path, **least(operation, mine))
        status, text = response.status_code, response.text
        for name in names[first:]:
            status, text = told(status, text, ids[name])
        return status, text

    unknown = await answer(UNKNOWN)
    assert unknown[0] == 404, f"it is never asked whose {names[first]} it is: {unknown}"
    assert await answer(theirs) == unknown


def least(operation: Operation, mine: Ids) -> dict[str, Any]:
    """Query and body that get past every check but whose id it is."""
    bodies = Bodies(census.described.document, synonymous(mine))
    needed = [p["name"] for p in operation.doc.get("parameters", ()) if p["in"] == "query" and p.get("required")]
    request: dict[str, Any] = {"params": {name: synonymous(mine)[name] for name in needed}}
    if "requestBody" in operation.doc:
        request["json"] = begun(operation, bodies, synonymous(mine))
    return request


async def everything(side: Side) -> list[Any]:
    """What the account can see of what it has."""
    paths = [
        f"/campaigns/{side.ids['campaignId']}",
        f"/campaigns/{side.ids['campaignId']}/creatives",
        f"/discovery/{side.ids['discoveryId']}/products",
        f"/storefronts/{side.ids['storefrontId']}",
        "/storefronts/credentials",
        "/advertisers",
        "/api-keys",
        "/decisions",
    ]
    return [(await side.client.get(path)).json() for path in paths]


# ---- ids in the body and in the query


LIMIT = {"currency": "USD", "largestBuy": 1}
BESIDE: dict[tuple[str, ...], Any] = {
    ("limits", "[]", "keyId"): {"limits": [{**LIMIT, "scope": "key"}]},
    ("limits", "[]", "salesAgentId"): {"limits": [{**LIMIT, "scope": "seller"}]},
    ("campaign", "create"): {"campaign": {}},
}
"""What has to stand beside an id, at a place or below it, for it to be looked at."""


def begun(operation: Operation, bodies: Bodies, ids: Ids, place: tuple[str, ...] = ()) -> Any:
    """A good body that names what is one's own alone."""
    start = bodies.good(operation, ids)
    for around, beside in BESIDE.items():
        if place[: len(around)] == around:
            start = {**start, **beside}
    return start


def named_in_bodies() -> list[tuple[Operation, tuple[str, ...]]]:
    bodies = Bodies(census.described.document, synonymous(UNKNOWN))
    found = []
    for operation in OPERATIONS:
        if "requestBody" in operation.doc:
            places = bodies.named(schema_of(operation))
            found += [(operation, place) for place in places if place[-1] not in SELLERS_OWN]
    return found


def named_in_queries() -> list[tuple[Operation, str]]:
    return [
        (operation, parameter["name"])
        for operation in OPERATIONS
        for parameter in operation.doc.get("parameters", ())
        if parameter["in"] == "query" and parameter["name"] in synonymous(UNKNOWN)
    ]


IN_BODY, IN_QUERY = named_in_bodies(), named_in_queries()


@pytest.mark.parametrize(("operation", "place"), IN_BODY, ids=[f"{each.id}-{'.'.join(at)}" for each, at in IN_BODY])
async def test_a_foreign_id_in_a_body_answers_like_an_unknown_one(
    sides: Sides, operation: Operation, place: tuple[str, ...]
) -> None:
    mine, theirs, unknown = [synonymous(ids) for ids in (sides.mine.ids, sides.theirs.ids, UNKNOWN)]
    bodies = Bodies(census.described.document, mine)
    path = operation.template.removeprefix(BASE).format(**mine)
    if operation.id == "createMediaBuysBatch":
        # What one campaign buys from, no other can: each test has a search of its own.
        mine["productQueryId"] = await searched(sides.mine.client, sides.mine.ids)

    async def answer(ids: Ids) -> tuple[int, str]:
        body = bodies.put(schema_of(operation), begun(operation, bodies, mine, place), place, ids[place[-1]])
        response = await sides.mine.client.request(operation.method, path, json=body)
        return told(response.status_code, steady(response.text), ids[place[-1]])

    said = await answer(unknown)
    assert await answer(theirs) == said
    if (operation.id, place) not in REFUSED_WHATEVER_IT_IS:
        assert await answer(mine) != said, f"nothing hangs on {place}: {said}"


@pytest.mark.parametrize(("operation", "name"), IN_QUERY, ids=[f"{each.id}-{name}" for each, name in IN_QUERY])
async def test_a_foreign_id_in_a_query_answers_like_an_unknown_one(
    sides: Sides, operation: Operation, name: str
) -> None:
    mine, theirs, unknown = [synonymous(ids) for ids in (sides.mine.ids, sides.theirs.ids, UNKNOWN)]
    path = operation.template.removeprefix(BASE).format(**mine)

    async def answer(ids: Ids) -> tuple[int, str]:
        response = await sides.mine.client.request(operation.method, path, params={name: ids[name]})
        return told(response.status_code, response.text, ids[name])

    said = await answer(unknown)
    assert await answer(theirs) == said
    if (operation.id, name) not in NOTHING_TOLD:
        assert await answer(mine) != said, f"nothing hangs on {name}: {said}"


NOTHING_TOLD = {("listNotifications", "campaignId"), ("listNotifications", "creativeId")}
"""Of these nothing has gone wrong yet, so the list is empty whosever they are."""
REFUSED_WHATEVER_IT_IS = {("createMediaBuysBatch", ("campaign", "create", "discoveryId"))}


async def test_none_of_all_this_changed_anything_of_theirs(sides: Sides) -> None:
    assert await everything(sides.theirs) == sides.before


def steady(text: str) -> str:
    """Without what is new in every answer: ids and times that were just made."""
    made = r'"(session|disc|cmp|mb)_\w+"'
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", re.sub(made, '"<made>"', text))
