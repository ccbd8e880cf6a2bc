"""A seller that shows nothing to strangers is told who asks, and only such a seller."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from buyside.domain.discovery import AgentState
from buyside.domain.errors import Rejected
from buyside.domain.products import Offer, ProductQuery
from buyside.domain.searches import Wish
from buyside.domain.storefronts import Seller
from buyside.services import discovery
from buyside.services.discovery import Ask
from buyside.store.database import Database
from tests.builders import World, a_seller, a_world, an_advertiser
from tests.sandbox_server import sandbox


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


async def asked(world: World, brand: str | None = "northwind.example") -> tuple[AgentState, int]:
    """How the one connected seller answered, and with how many products."""
    advertiser = await an_advertiser(world, brand=brand)
    found = await discovery.discover(world.work(), Ask(advertiser.id, Wish(brief="shoes")))
    return found.session.agents[0].state, found.tally.products


async def test_a_seller_is_asked_without_an_account_that_it_has_not_met(world: World) -> None:
    async with sandbox("North") as north:
        await a_seller(world, north.mcp_url)
        state, products = await asked(world)
        assert (state, products > 0) == (AgentState.COMPLETE, True)
        (call,) = await north.calls("get_products")
        assert "account" not in call["arguments"]


async def test_a_seller_that_has_only_an_error_for_strangers_hears_for_whom_we_ask(world: World) -> None:
    async with sandbox("North") as north:
        await a_seller(world, north.mcp_url)
        await north.set_faults(http_error=500, tool="get_products", times=1)
        state, products = await asked(world)
        assert (state, products > 0) == (AgentState.COMPLETE, True)
        *_, last = await north.calls("get_products")
        assert last["arguments"]["account"]["brand"] == {"domain": "northwind.example"}
        assert not await north.calls("sync_accounts")


async def test_a_seller_that_wants_to_be_told_of_accounts_first_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = world.runtime.sellers.products

    async def to_members(seller: Seller, query: ProductQuery, *, timeout: float) -> Offer:
        if not await north.calls("sync_accounts"):
            raise Rejected("There is no such account.", details={"code": "ACCOUNT_NOT_FOUND"})
        return await offered(seller, query, timeout=timeout)

    monkeypatch.setattr(world.runtime.sellers, "products", to_members)
    async with sandbox("North") as north:
        await a_seller(world, north.mcp_url)
        for _ in range(2):
            state, products = await asked(world)
            assert (state, products > 0) == (AgentState.COMPLETE, True)
        assert len(await north.calls("sync_accounts")) == 1
        assert all("account" in call["arguments"] for call in await north.calls("get_products"))


async def test_an_advertiser_without_a_brand_has_nobody_to_name(world: World) -> None:
    async with sandbox("North") as north:
        await a_seller(world, north.mcp_url)
        await north.set_faults(http_error=500, tool="get_products")
        assert (await asked(world, brand=None))[0] is AgentState.FAILED


@pytest.mark.parametrize("fault", ["rate_limit", "unauthorized"])
async def test_a_seller_that_refuses_the_caller_is_not_asked_for_another_account(world: World, fault: str) -> None:
    async with sandbox("North") as north:
        await a_seller(world, north.mcp_url)
        await north.set_faults(fault, tool="get_products")
        assert (await asked(world))[0] is AgentState.FAILED
        assert all("account" not in call["arguments"] for call in await north.calls("get_products"))
