"""Sellers below the surface: what happens when they move while somebody asks them, and which credential is used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from buyside.domain.discovery import AgentResult, AgentState
from buyside.domain.errors import Conflict, Invalid
from buyside.domain.ids import StorefrontId
from buyside.domain.storefronts import Auth, AuthKind, Protocol, SellerProfile
from buyside.services import profiles, storefronts
from buyside.services.storefronts import Changes, NewSource, NewStorefront, SourceChange
from buyside.services.storefronts.registering import slug_of
from buyside.store.database import Database
from tests.builders import World, a_session, a_world, an_advertiser
from tests.sandbox_server import SandboxHandle, sandbox


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


@pytest.fixture
async def north() -> AsyncIterator[SandboxHandle]:
    async with sandbox("North") as seller:
        yield seller


async def registered(world: World, seller: SandboxHandle, auth: Auth = Auth()) -> StorefrontId:
    source = NewSource(seller.mcp_url, Protocol.MCP, auth)
    shop = await storefronts.register(world.work(), NewStorefront(seller.name, [source]))
    return shop.storefront.id


@pytest.mark.parametrize(
    ("name", "slug"),
    [("The New York Post", "the-new-york-post"), ("Ünïcode & Söhne!", "unicode-sohne"), ("日本", "storefront")],
)
def test_a_slug_is_made_from_the_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug
    assert len(slug_of(name * 50)) <= 60


async def test_agents_are_asked_at_once(world: World) -> None:
    async with sandbox("Slow", faults=["slow=0.6"]) as one, sandbox("Slower", faults=["slow=0.6"]) as two:
        sources = [NewSource(each.mcp_url, Protocol.MCP) for each in (one, two)]
        task = asyncio.create_task(storefronts.register(world.work(), NewStorefront("Both", sources)))
        await asyncio.gather(one.wait(in_flight=1), two.wait(in_flight=1))
        await one.wait(finished=1)
        assert (await task).can_transact


async def test_a_seller_that_never_answers_does_not_hold_the_registration_for_ever(world: World) -> None:
    world.runtime.policy = replace(world.runtime.policy, probe_timeout=0.5)
    async with sandbox("Silent", faults=["slow=30"]) as silent:
        shop = await storefronts.get(world.work(), await registered(world, silent))
    assert shop.sources[0].source.probe_status.value == "unreachable"
    assert "did not answer" in (shop.sources[0].source.probe_message or "")


async def test_a_seller_that_has_fallen_silent_holds_up_neither_a_probe_nor_a_change(
    world: World, north: SandboxHandle
) -> None:
    shop_id = await registered(world, north)
    world.runtime.policy = replace(world.runtime.policy, probe_timeout=0.5)
    await north.hold("get_adcp_capabilities")
    probed = await storefronts.probe(world.work(), shop_id)
    assert "did not answer within 0.5 s" in (probed.sources[0].source.probe_message or "")
    source_id = probed.sources[0].source.source_id
    moved = await storefronts.update(
        world.work(), shop_id, Changes(sources=[SourceChange(source_id, endpoint=north.mcp_url)])
    )
    assert "did not answer within 0.5 s" in (moved.sources[0].source.probe_message or "")


async def test_the_answer_of_an_old_address_is_not_taken_for_the_new_ones(world: World, north: SandboxHandle) -> None:
    shop_id = await registered(world, north)
    async with world.work().reading() as tx:
        (seller,) = await tx.storefronts.sellers([shop_id])
    async with sandbox("East") as east:
        await storefronts.update(
            world.work(), shop_id, Changes(sources=[SourceChange("source-1", endpoint=east.mcp_url)])
        )
        moved = (await storefronts.get(world.work(), shop_id)).sources[0].source
        await profiles.probe(world.work(), seller)
        assert (await storefronts.get(world.work(), shop_id)).sources[0].source == moved


async def test_two_who_take_one_slug_at_once_do_not_both_get_it(world: World, north: SandboxHandle) -> None:
    new = NewStorefront("North", [NewSource(north.mcp_url, Protocol.MCP)], "north")
    done = await asyncio.gather(*(storefronts.register(world.work(), new) for _ in range(3)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Conflict", "StorefrontView"]


async def test_what_the_registration_carried_gives_way_to_a_named_account(world: World, north: SandboxHandle) -> None:
    door = Auth(AuthKind.BEARER, token="door")
    shop_id = await registered(world, north, door)

    async def used() -> tuple[str, str | None]:
        async with world.work().reading() as tx:
            (seller,) = await tx.storefronts.sellers([shop_id])
        return seller.auth.token, seller.account_identifier

    assert await used() == ("door", None)
    for number in (1, 2):
        token = Auth(AuthKind.BEARER, token=f"token {number}")
        await storefronts.add_credential(world.work(), shop_id, "source-1", f"acct-{number}", token)
    assert await used() == ("token 1", "acct-1"), "the first of several"
    with pytest.raises(Conflict):
        await storefronts.add_credential(world.work(), shop_id, "source-1", "acct-2", door)


async def test_a_refused_change_changes_nothing(world: World, north: SandboxHandle) -> None:
    shop_id = await registered(world, north)
    before = await storefronts.get(world.work(), shop_id)
    changes = [SourceChange("source-1", name="New"), SourceChange("nobody", name="x")]
    with pytest.raises(Invalid):
        await storefronts.update(world.work(), shop_id, Changes("Renamed", changes))
    assert await storefronts.get(world.work(), shop_id) == before


async def test_how_fast_agents_answered_is_seen_from_the_accounts_own_searches(
    world: World, north: SandboxHandle
) -> None:
    shop_id = await registered(world, north)
    async with world.work().reading() as tx:
        (seller,) = await tx.storefronts.sellers([shop_id])
    advertiser = await an_advertiser(world)
    for state, took in ((AgentState.COMPLETE, 100), (AgentState.COMPLETE, 300), (AgentState.TIMEOUT, None)):
        session = await a_session(world, advertiser, [])
        result = AgentResult(seller.id, seller.name, shop_id, seller.storefront_name, state, 1, duration_ms=took)
        async with world.work().writing() as tx:
            await tx.discoveries.set_result(session, result, 0)
    seen = (await storefronts.get(world.work(), shop_id)).performance
    assert (seen.samples, seen.successes, seen.timeouts) == (3, 2, 1)
    assert (seen.average_ms, seen.slowest_ms) == (200, 300)


class TestBlockers:
    @pytest.mark.parametrize(
        ("profile", "blockers"),
        [
            (None, ("seller_unreachable",)),
            (SellerProfile(Protocol.MCP, "x", "y"), ("seller_unreachable", "no_create_media_buy")),
        ],
    )
    async def test_what_keeps_a_seller_from_being_bought_from_is_named(
        self, world: World, north: SandboxHandle, profile: SellerProfile | None, blockers: tuple[str, ...]
    ) -> None:
        shop = await storefronts.get(world.work(), await registered(world, north))
        assert shop.blockers == ()
        view = shop.sources[0]
        down = replace(view.source, profile=profile, probe_status=view.source.probe_status.UNREACHABLE)
        assert replace(view, source=down).blockers == blockers

    async def test_a_seller_that_wants_its_own_account_id_waits_for_one(
        self, world: World, north: SandboxHandle
    ) -> None:
        shop = await storefronts.get(world.work(), await registered(world, north))
        view = shop.sources[0]
        assert view.source.profile is not None
        wanting = replace(view.source, profile=replace(view.source.profile, requires_account_id=True))
        closed = replace(shop, sources=(replace(view, source=wanting),))
        assert (closed.connected, closed.can_transact, closed.blockers) == (False, False, ("credentials_required",))
