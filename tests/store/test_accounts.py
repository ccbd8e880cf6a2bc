"""Accounts, keys and limits as rows: what one account's repository shows, and what it cannot reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from buyside.domain.accounts import Limit, LimitScope, Role
from buyside.domain.errors import Conflict, NotFound
from buyside.domain.ids import AccountId, KeyId
from buyside.domain.money import Money
from buyside.store.accounts import AccountRepository, Registry
from buyside.store.database import Database

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


@asynccontextmanager
async def two_accounts(database: Database) -> AsyncIterator[tuple[AccountRepository, AccountRepository, Registry]]:
    async with database.write.begin() as conn:
        registry = Registry(conn)
        mine, other = [await registry.open(name, NOW) for name in ("Mine", "Other")]
        yield AccountRepository(conn, mine.id), AccountRepository(conn, other.id), registry


async def test_a_key_is_found_by_its_digest_until_it_is_revoked(database: Database) -> None:
    async with two_accounts(database) as (mine, _, registry):
        made = await mine.add_key("reporting", Role.MEMBER, b"digest", NOW)
        assert (made.name, made.role, made.created_at, made.revoked_at) == ("reporting", Role.MEMBER, NOW, None)
        assert await registry.key_of(b"digest") == made
        assert await registry.key_of(b"other") is None
        assert await mine.revoke(made.id, NOW)
        assert not await mine.revoke(made.id, NOW), "once is enough"
        assert await registry.key_of(b"digest") is None
        assert (await mine.key(made.id)).revoked_at == NOW


async def test_keys_of_another_account_are_out_of_reach(database: Database) -> None:
    async with two_accounts(database) as (mine, other, registry):
        made = await mine.add_key("k", Role.ADMIN, b"digest", NOW)
        assert not await other.revoke(made.id, NOW)
        assert not await other.has_key(made.id)
        assert await other.keys() == []
        with pytest.raises(NotFound):
            await other.key(made.id)
        with pytest.raises(NotFound):
            await mine.key(KeyId(2**53 - 1))
        assert await registry.key_of(b"digest") is not None


async def test_an_accounts_name_is_taken_once_and_the_transaction_goes_on(database: Database) -> None:
    async with two_accounts(database) as (mine, _, registry):
        with pytest.raises(Conflict):
            await registry.open("Mine", NOW)
        assert (await mine.current()).name == "Mine"
        assert [each.name for each in await registry.all()] == ["Mine", "Other"]


async def test_limits_come_back_as_they_went_and_stay_in_their_account(database: Database) -> None:
    limits = [
        Limit(LimitScope.ACCOUNT, "JPY", largest_buy=Money(10**13, "JPY")),
        Limit(LimitScope.KEY, "EUR", key=KeyId(0), per_day=Money(1, "EUR")),
    ]
    async with two_accounts(database) as (mine, other, _):
        key = await mine.add_key("k", Role.ADMIN, b"d", NOW)
        limits[1] = Limit(LimitScope.KEY, "EUR", key=key.id, per_day=Money(1, "EUR"))
        await mine.set_limits(limits)
        assert await mine.limits() == limits
        assert await other.limits() == []
        await other.set_limits([])
        assert await mine.limits() == limits
        assert await mine.committed_on(NOW.date(), limits[0]) == Money(0, "JPY")


async def test_a_seal_is_set_once(database: Database) -> None:
    async with database.write.begin() as conn:
        registry = Registry(conn)
        assert await registry.sealed() is None
        assert await registry.set_seal(b"first")
        assert not await registry.set_seal(b"second")
        assert await registry.sealed() == b"first"


async def test_an_account_that_is_not_there_owns_nothing(database: Database) -> None:
    async with database.read.connect() as conn:
        nobody = AccountRepository(conn, AccountId(2**40))
        assert (await nobody.keys(), await nobody.limits()) == ([], [])
