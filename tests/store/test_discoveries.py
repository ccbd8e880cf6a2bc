"""Sessions in the store: offers come back as they went, and an answer to an older question overwrites nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from buyside.domain.discovery import AgentResult, AgentState, Discovery, Selection, Trouble
from buyside.domain.errors import NotFound
from buyside.domain.ids import AdvertiserId, AgentId, DiscoveryId, StorefrontId
from buyside.domain.products import Allocation, PricingOption, Product, Proposal
from buyside.store import offers
from buyside.store.database import Database
from buyside.store.discoveries import DiscoveryRepository
from tests.builders import World, a_world, an_account, an_advertiser

NOW = datetime(2026, 3, 1, 12, 0, 0, 5, UTC)
FULL = Product(
    "p\u00e9 \u2028\n1",
    "Name",
    "What it is",
    ("display", "olv"),
    "guaranteed",
    (
        PricingOption("o1", "cpm", "USD", Decimal("4.10"), None, Decimal(25), {"p50": 1.5}),
        PricingOption("o2", "cpc", "EUR", None, Decimal("0.000001")),
    ),
    ("a.example", "b.example"),
    ({"agent_url": "https://x", "id": "y", "width": 300},),
    ({"format_kind": "new_kind", "params": {"deep": [1, 2.5, None, {"x": True}]}},),
    NOW,
    "Because",
    {"product_id": "p", "unknown": {"k": ["v", 1.25]}, "text": "line\nbreak \u2029 \u0085"},
)
PROPOSAL = Proposal(
    "plan",
    "Plan",
    (Allocation("p", Decimal("33.3"), "o1", "why", 1, ("t",)),),
    "All of it",
    NOW,
    {"recommended": 100.5, "currency": "USD"},
    {"proposal_id": "plan", "more": 1.5},
)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


def an_answer(name: str = "agent_1", products: Sequence[Product] = (FULL,), revision: int = 1) -> AgentResult:
    return AgentResult(
        *(
            AgentId(name),
            "North",
            StorefrontId(1),
            "Shop",
            AgentState.COMPLETE,
            revision,
            "said",
            products,
            (PROPOSAL,),
        ),
        incomplete=({"scope": "forecast", "estimated_wait": {"interval": 2, "unit": "hours"}},),
        sandbox=True,
        duration_ms=12,
        wait_seconds=28,
        until=NOW,
        trouble=Trouble.CREDENTIALS,
    )


async def a_session(world: World, *agents: AgentResult) -> DiscoveryId:
    owner = await an_advertiser(world)
    session = Discovery(DiscoveryId("disc_1"), AdvertiserId(owner.id), None, {"brief": "any"}, 1, NOW, NOW)
    async with world.work().writing() as tx:
        await tx.discoveries.add(session)
        for position, each in enumerate(agents):
            await tx.discoveries.set_result(session.id, each, position)
    return session.id


async def test_an_offer_comes_back_as_it_went(world: World) -> None:
    session = await a_session(world, an_answer(products=(FULL, replace(FULL, product_id="second"))))
    async with world.work().reading() as tx:
        (found,) = (await tx.discoveries.get(session)).agents
        (standing,) = await tx.discoveries.standing(session)
    assert list(found.products) == [FULL, replace(FULL, product_id="second")]
    assert found.shelf.find("second") == found.products[1]
    assert replace(found, products=(), counted=None) == replace(an_answer(products=()), counted=None)
    assert standing.tally == found.tally == an_answer(products=list(found.products)).tally
    assert len(standing.products) == 0


async def test_an_empty_offer_is_empty(world: World) -> None:
    session = await a_session(world, an_answer(products=()))
    async with world.work().reading() as tx:
        (found,) = await tx.discoveries.agents(session)
    assert len(found.shelf) == 0
    assert found.shelf.find("p") is None


async def test_a_selection_keeps_the_product_as_it_was(world: World) -> None:
    session = await a_session(world, an_answer())
    chosen = [
        Selection(
            *(FULL.product_id, AgentId("agent_1"), NOW, "again", Decimal("10.5"), Decimal("1.25"), "o1"),
            targeting={"geo_countries": ["DE"], "frequency_cap": {"max_impressions": Decimal(3)}},
            group_id="g",
            group_name="n",
            proposal_id="plan",
            product=FULL,
        ),
        Selection("other", AgentId("agent_2"), NOW),
    ]
    async with world.work().writing() as tx:
        await tx.discoveries.select(session, chosen)
    async with world.work().reading() as tx:
        found = (await tx.discoveries.get(session, offers=False)).selections
        assert await tx.discoveries.counts([session]) == {session: 2}
    assert list(found) == chosen
    assert [each.product for each in found] == [FULL, None]


async def test_an_answer_lands_only_on_the_question_that_it_answers(world: World) -> None:
    asked = replace(an_answer(products=()), state=AgentState.PENDING, revision=2)
    session = await a_session(world)
    async with world.work().writing() as tx:
        await tx.discoveries.begin(session, [asked])
        late = replace(an_answer(), revision=3)
        assert not await tx.discoveries.settle(session, late, offers.written(late.products), asked=1)
        assert (await tx.discoveries.standing(session))[0].state is AgentState.PENDING
        assert await tx.discoveries.settle(session, late, offers.written(late.products), asked=2)
        (found,) = await tx.discoveries.agents(session)
        assert (found.state, found.revision, list(found.products)) == (AgentState.COMPLETE, 3, [FULL])
        again = replace(found, state=AgentState.PENDING, revision=4)
        await tx.discoveries.set_standing(session, again)
        assert await tx.discoveries.settle(session, replace(again, state=AgentState.FAILED, revision=5), None, asked=4)
        (kept,) = await tx.discoveries.agents(session)
    assert (kept.state, list(kept.products)) == (AgentState.FAILED, [FULL])


async def test_a_new_question_forgets_who_is_not_asked(world: World) -> None:
    session = await a_session(world, an_answer("agent_1"), an_answer("agent_2"), an_answer("agent_3"))
    async with world.work().writing() as tx:
        await tx.discoveries.begin(session, [an_answer("agent_3", ()), an_answer("agent_1", ())])
        found = await tx.discoveries.agents(session)
        assert [each.agent_id for each in found] == ["agent_3", "agent_1"]
        assert [each.agent_id for each in await tx.discoveries.agents(session, ["agent_1"])] == ["agent_1"]  # type: ignore[list-item]


async def test_another_accounts_session_is_unknown(world: World, database: Database) -> None:
    session = await a_session(world, an_answer())
    other = await an_account(database, NOW, "Southwind")
    async with database.write.begin() as conn:
        theirs = DiscoveryRepository(conn, other.id)
        with pytest.raises(NotFound):
            await theirs.get(session)
        with pytest.raises(NotFound):
            await theirs.lock(session)
        assert await theirs.counts([session]) == {}


async def test_thousands_of_products_are_text_until_one_is_looked_at(world: World) -> None:
    many = [replace(FULL, product_id=str(n)) for n in range(5000)]
    written = offers.written(many)
    assert written.products.count("\n") == 4999
    shelf = offers.read(written, 5000)
    assert shelf[4321] == many[4321]
    assert shelf[4321] is shelf[4321]
    assert [each.product_id for each in shelf[10:13]] == ["10", "11", "12"]
    assert shelf.find("4999") == many[4999]
