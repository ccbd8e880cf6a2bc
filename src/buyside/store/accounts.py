"""Accounts, keys and limits: rows of who may call, and for how much."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.accounts import Account, Key, Limit, LimitScope, Role
from buyside.domain.errors import Conflict, NotFound
from buyside.domain.ids import AccountId, AgentId, KeyId, MediaBuyId
from buyside.domain.money import Money
from buyside.domain.operations import COUNTED, Kind
from buyside.store.tables import account, api_key, operation, seal, spending_limit


class Registry:
    """What is looked up before an account is known: keys, accounts by name, the store's seal."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._conn = conn

    async def key_of(self, digest: bytes) -> Key | None:
        row = (
            await self._conn.execute(select(api_key).where(api_key.c.digest == digest, api_key.c.revoked_at.is_(None)))
        ).first()
        return _key(row) if row else None

    async def named(self, name: str) -> Account | None:
        row = (await self._conn.execute(select(account).where(account.c.name == name))).first()
        return _account(row) if row else None

    async def all(self) -> list[Account]:
        return [_account(row) for row in await self._conn.execute(select(account).order_by(account.c.id))]

    async def open(self, name: str, now: datetime) -> Account:
        """Raises: Conflict when the name is taken."""
        new = insert(account).values(name=name, company=name, created_at=now).returning(account)
        try:
            async with self._conn.begin_nested():
                return _account((await self._conn.execute(new)).one())
        except IntegrityError:
            raise Conflict(f"There is an account {name!r} already.") from None

    async def sealed(self) -> bytes | None:
        found: bytes | None = await self._conn.scalar(select(seal.c.check_value))
        return found

    async def set_seal(self, check_value: bytes) -> bool:
        """False when another process was first."""
        try:
            async with self._conn.begin_nested():
                await self._conn.execute(insert(seal).values(id=1, check_value=check_value))
        except IntegrityError:
            return False
        return True


class AccountRepository:
    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def current(self) -> Account:
        return _account((await self._conn.execute(select(account).where(account.c.id == self._owner))).one())

    async def lock(self) -> None:
        """Hold the account's row to the end of the transaction: two commitments are then added up one by one."""
        await self._conn.execute(select(account.c.id).where(account.c.id == self._owner).with_for_update())

    async def keys(self) -> list[Key]:
        rows = await self._conn.execute(
            select(api_key).where(api_key.c.account_id == self._owner).order_by(api_key.c.id)
        )
        return [_key(row) for row in rows]

    async def key(self, key: KeyId) -> Key:
        """Raises: NotFound, also for another account's."""
        found = select(api_key).where(api_key.c.account_id == self._owner, api_key.c.id == key)
        row = (await self._conn.execute(found)).first()
        if row is None:
            raise NotFound(f"There is no API key {key}.")
        return _key(row)

    async def add_key(self, name: str, role: Role, digest: bytes, now: datetime) -> Key:
        values = {"account_id": self._owner, "name": name, "role": role.value, "digest": digest, "created_at": now}
        return _key((await self._conn.execute(insert(api_key).values(values).returning(api_key))).one())

    async def has_key(self, key: KeyId) -> bool:
        found = select(api_key.c.id).where(api_key.c.account_id == self._owner, api_key.c.id == key)
        return (await self._conn.execute(found)).first() is not None

    async def limits(self) -> list[Limit]:
        rows = await self._conn.execute(
            select(spending_limit).where(spending_limit.c.account_id == self._owner).order_by(spending_limit.c.id)
        )
        return [_limit(row) for row in rows]

    async def set_limits(self, limits: list[Limit]) -> None:
        await self._conn.execute(delete(spending_limit).where(spending_limit.c.account_id == self._owner))
        for each in limits:
            await self._conn.execute(
                insert(spending_limit).values(
                    account_id=self._owner,
                    scope=each.scope.value,
                    key_id=each.key,
                    agent_id=each.agent,
                    currency=each.currency,
                    largest_buy=each.largest_buy.minor if each.largest_buy else None,
                    per_day=each.per_day.minor if each.per_day else None,
                )
            )

    async def committed_on(self, day: date, limit: Limit, besides: Sequence[MediaBuyId] = ()) -> Money:
        """What creates of this UTC day commit within the limit's scope, settled or not, `besides` these buys."""
        wanted = [
            operation.c.account_id == self._owner,
            operation.c.day == day.isoformat(),
            operation.c.kind == Kind.CREATE.value,
            operation.c.currency == limit.currency,
            operation.c.state.in_([s.value for s in COUNTED]),
            operation.c.media_buy_id.not_in(besides),
        ]
        if limit.scope is LimitScope.KEY:
            wanted.append(operation.c.key_id == limit.key)
        if limit.scope is LimitScope.SELLER:
            wanted.append(operation.c.agent_id == limit.agent)
        found = await self._conn.scalar(select(func.coalesce(func.sum(operation.c.amount), 0)).where(*wanted))
        return Money(int(found or 0), limit.currency)

    async def revoke(self, key: KeyId, now: datetime) -> bool:
        done = await self._conn.execute(
            update(api_key)
            .where(api_key.c.account_id == self._owner, api_key.c.id == key, api_key.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        return done.rowcount == 1


def _account(row: Row[Any]) -> Account:
    return Account(AccountId(row.id), row.company, row.name, row.domain, row.created_at)


def _key(row: Row[Any]) -> Key:
    return Key(KeyId(row.id), AccountId(row.account_id), row.name, Role(row.role), row.created_at, row.revoked_at)


def _limit(row: Row[Any]) -> Limit:
    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, row.currency)

    return Limit(
        LimitScope(row.scope),
        row.currency,
        KeyId(row.key_id) if row.key_id is not None else None,
        AgentId(row.agent_id) if row.agent_id is not None else None,
        money(row.largest_buy),
        money(row.per_day),
    )
