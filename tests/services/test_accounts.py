"""Callers, keys and limits below the surface: what caching, races and several processes do to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from buyside.domain.accounts import Limit, LimitScope, Role, Surface, limit_facts, limit_of
from buyside.domain.errors import Forbidden, NotFound
from buyside.domain.ids import AgentId, KeyId
from buyside.domain.money import Money
from buyside.services import accounts
from buyside.services.work import Runtime
from buyside.store.database import Database
from tests.builders import World, a_world


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


def another_process(runtime: Runtime) -> Runtime:
    return replace(runtime, callers={})


class TestCallerOf:
    async def test_a_key_names_its_account_role_and_surface(self, world: World) -> None:
        made = await accounts.create_key(world.work(), "reporting", Role.MEMBER)
        for surface in (Surface.REST, Surface.MCP):
            caller = await accounts.caller_of(world.runtime, made.text, surface)
            assert caller is not None
            assert (caller.account, caller.key, caller.role) == (world.account.id, made.key.id, Role.MEMBER)
            assert (caller.surface, caller.name) == (surface, "reporting")

    async def test_the_secret_alone_is_not_the_key(self, world: World) -> None:
        first, second = [await accounts.create_key(world.work(), "k", Role.ADMIN) for _ in range(2)]
        await accounts.caller_of(world.runtime, first.text, Surface.REST)
        crossed = first.text.replace(f"_{first.key.id}_", f"_{second.key.id}_")
        assert await accounts.caller_of(world.runtime, crossed, Surface.REST) is None
        for wrong in ("", "buyside_", f"buyside_0_{'a' * 43}", f"buyside_{'9' * 40}_{'a' * 43}", first.text + "\n"):
            assert await accounts.caller_of(world.runtime, wrong, Surface.REST) is None

    async def test_a_revocation_reaches_other_processes_when_the_cache_runs_out(self, world: World) -> None:
        other = another_process(world.runtime)
        made = await accounts.create_key(world.work(), "k", Role.ADMIN)
        assert await accounts.caller_of(other, made.text, Surface.REST)
        await accounts.revoke_key(world.work(), made.key.id)
        assert await accounts.caller_of(world.runtime, made.text, Surface.REST) is None, "here at once"
        assert await accounts.caller_of(other, made.text, Surface.REST), "elsewhere it is still believed"
        world.clock.pass_by(seconds=world.runtime.policy.key_cache + 0.1)
        assert await accounts.caller_of(other, made.text, Surface.REST) is None
        assert not other.callers

    async def test_looking_twice_within_the_cache_asks_the_store_once(self, world: World) -> None:
        made = await accounts.create_key(world.work(), "k", Role.ADMIN)
        for _ in range(2):
            assert await accounts.caller_of(world.runtime, made.text, Surface.REST)
        assert len(world.runtime.callers) == 1
        stored = next(iter(world.runtime.callers))
        assert made.text.encode() not in stored
        assert made.text.rpartition("_")[2].encode() not in stored


class TestEnsure:
    async def test_an_account_of_one_name_is_made_once(self, world: World) -> None:
        seen: list[int] = []

        async def noted(account: int) -> None:
            seen.append(account)

        world.runtime.on_new_account = noted
        made = [await accounts.ensure(world.runtime, name) for name in ("Acme", " Acme ", "acme")]
        assert made[0] == made[1]
        assert seen == [made[0].id, made[2].id]
        assert (await accounts.named(world.runtime, "Acme")).id == made[0].id
        assert made[2] in await accounts.every(world.runtime)
        with pytest.raises(NotFound):
            await accounts.named(world.runtime, "ACME")

    async def test_two_processes_that_make_it_at_once_agree(self, world: World) -> None:
        made = await asyncio.gather(*(accounts.ensure(world.runtime, "Acme") for _ in range(4)))
        assert len({each.id for each in made}) == 1


class TestKeys:
    async def test_the_operator_needs_no_key_and_is_named_in_the_log(self, world: World) -> None:
        work = accounts.operator(world.runtime, world.account.id, "buyside keys create")
        await accounts.create_key(work, "first", Role.ADMIN)
        async with work.reading() as tx:
            (entry,) = await tx.decisions.page(limit=5)
        assert (entry.surface, entry.actor, entry.key) == (Surface.CLI, "buyside keys create", None)

    async def test_the_text_of_a_key_stands_nowhere(self, world: World) -> None:
        made = await accounts.create_key(world.work(), "k", Role.ADMIN)
        secret = made.text.rpartition("_")[2]
        assert secret not in repr(made)
        async with world.runtime.database.read.connect() as conn:
            rows = [*await conn.exec_driver_sql("SELECT * FROM api_key")]
            rows += [*await conn.exec_driver_sql("SELECT * FROM decision")]
        assert rows
        assert secret not in str(rows)

    async def test_a_member_makes_no_keys(self, world: World) -> None:
        with pytest.raises(Forbidden):
            await accounts.create_key(world.work(Role.MEMBER), "k", Role.MEMBER)


class TestLimits:
    async def test_setting_the_same_limits_again_is_no_decision(self, world: World) -> None:
        limit = Limit(LimitScope.ACCOUNT, "EUR", per_day=Money(100, "EUR"))
        for _ in range(2):
            assert await accounts.set_limits(world.work(), [limit]) == [limit]
        async with world.work().reading() as tx:
            assert [each.action for each in await tx.decisions.page(limit=5)] == ["limits.set"]

    def test_what_the_log_keeps_of_a_limit_makes_it_again(self) -> None:
        limits = [
            Limit(LimitScope.ACCOUNT, "JPY", largest_buy=Money(1_000_000, "JPY")),
            Limit(LimitScope.KEY, "EUR", key=KeyId(7), per_day=Money(100050, "EUR")),
            Limit(LimitScope.SELLER, "BHD", agent=AgentId("agent_x"), largest_buy=Money(1, "BHD")),
        ]
        assert [limit_of(limit_facts(each)) for each in limits] == limits
