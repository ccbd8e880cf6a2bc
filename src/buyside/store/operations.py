"""Outside writes as rows: committed before the first byte leaves, claimed by a conditional update."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.answers import Dropped, Prepared
from buyside.domain.errors import NotFound
from buyside.domain.ids import AccountId, AgentId, CampaignId, KeyId, MediaBuyId, OperationId
from buyside.domain.money import Money
from buyside.domain.operations import OPEN, Kind, Operation, State
from buyside.store import codec
from buyside.store.tables import operation
from buyside.store.vault import Vault

_SECRET = "operation"  # noqa: S105  the purpose that the ciphertext is bound to


class OperationRepository:
    def __init__(self, conn: AsyncConnection, owner: AccountId, vault: Vault) -> None:
        self._conn, self._owner, self._vault = conn, owner, vault

    async def get(self, operation_id: OperationId) -> Operation:
        """Raises: NotFound."""
        found = select(operation).where(operation.c.account_id == self._owner, operation.c.id == operation_id)
        row = (await self._conn.execute(found)).first()
        if row is None:
            raise NotFound(f"There is no operation {operation_id}.")
        return self._read(row)

    async def of_buy(self, buy_id: MediaBuyId, *, kind: Kind | None = None, opened: bool = False) -> list[Operation]:
        """A buy's operations, oldest first; only open ones where `opened`."""
        wanted = [operation.c.account_id == self._owner, operation.c.media_buy_id == buy_id]
        if kind is not None:
            wanted.append(operation.c.kind == kind.value)
        if opened:
            wanted.append(operation.c.state.in_([s.value for s in OPEN]))
        rows = await self._conn.execute(
            select(operation).where(*wanted).order_by(operation.c.created_at, operation.c.id)
        )
        return [self._read(row) for row in rows]

    async def add(self, new: Operation) -> None:
        secret = json.dumps({"key": new.prepared.key, "body": new.prepared.body.decode()}).encode()
        await self._conn.execute(
            insert(operation).values(
                id=new.id,
                account_id=self._owner,
                kind=new.kind.value,
                agent_id=new.agent_id,
                campaign_id=new.campaign_id,
                media_buy_id=new.media_buy_id,
                key_id=new.key_id,
                day=new.created_at.date().isoformat(),
                currency=new.amount.currency if new.amount else None,
                amount=new.amount.minor if new.amount else None,
                tool=new.prepared.tool,
                secret=self._vault.lock(secret, _SECRET),
                body_hash=sha256(new.prepared.body).hexdigest(),
                replayable=new.prepared.replayable,
                replay_ttl=new.replay_ttl,
                dropped=codec.dump(tuple[Dropped, ...], new.prepared.dropped),
                actor=new.actor,
                purpose=new.purpose,
                created_at=new.created_at,
                **_progress(new),
            )
        )

    async def save(self, changed: Operation) -> None:
        await self._conn.execute(
            update(operation)
            .where(operation.c.account_id == self._owner, operation.c.id == changed.id)
            .values(_progress(changed))
        )

    async def conclude(self, held: Operation, changed: Operation) -> bool:
        """Store what became of an operation, by whoever still holds it.

        False when the lease ran out meanwhile and another took the operation over: then nothing is stored, and what
        this caller knows must not be acted on.
        """
        done = await self._conn.execute(
            update(operation)
            .where(
                operation.c.account_id == self._owner,
                operation.c.id == held.id,
                operation.c.lease_until == held.lease_until,
                operation.c.state.in_([s.value for s in OPEN]),
            )
            .values(_progress(changed))
        )
        return done.rowcount == 1

    async def claim(self, held: Operation, now: datetime, lease: timedelta, *, sending: bool) -> Operation | None:
        """Take the operation over for the length of the lease; None when somebody else holds it.

        `sending`: it will be sent, so from now on the seller may have it. Otherwise it is only looked up.
        """
        changed = replace(
            held,
            state=State.SENT if sending else held.state,
            attempts=held.attempts + (1 if sending else 0),
            lease_until=now + lease,
            next_at=now + lease,
            first_sent_at=held.first_sent_at or (now if sending else None),
        )
        free = or_(operation.c.lease_until.is_(None), operation.c.lease_until <= now)
        done = await self._conn.execute(
            update(operation)
            .where(
                operation.c.account_id == self._owner,
                operation.c.id == held.id,
                operation.c.state == held.state.value,
                operation.c.attempts == held.attempts,
                operation.c.looks == held.looks,
                free,
            )
            .values(_progress(changed))
        )
        return changed if done.rowcount == 1 else None

    def _read(self, row: Row[Any]) -> Operation:
        secret = json.loads(self._vault.open(row.secret, _SECRET))
        dropped: tuple[Dropped, ...] = codec.load(tuple[Dropped, ...], row.dropped)
        return Operation(
            OperationId(row.id),
            Kind(row.kind),
            AgentId(row.agent_id),
            Prepared(row.tool, secret["key"], secret["body"].encode(), row.replayable, dropped),
            State(row.state),
            row.created_at,
            CampaignId(row.campaign_id) if row.campaign_id else None,
            MediaBuyId(row.media_buy_id) if row.media_buy_id else None,
            Money(row.amount, row.currency) if row.amount is not None else None,
            KeyId(row.key_id) if row.key_id is not None else None,
            row.actor,
            row.purpose,
            row.attempts,
            row.looks,
            row.lease_until,
            row.next_at,
            row.first_sent_at,
            row.replay_ttl,
            row.message,
        )


def _progress(value: Operation) -> dict[str, Any]:
    return {
        "state": value.state.value,
        "attempts": value.attempts,
        "looks": value.looks,
        "lease_until": value.lease_until,
        "next_at": value.next_at,
        "first_sent_at": value.first_sent_at,
        "message": value.message,
    }


async def due(conn: AsyncConnection, now: datetime, limit: int) -> Sequence[tuple[AccountId, OperationId]]:
    """Open operations of any account whose lease or pause has run out, the longest due first."""
    rows = await conn.execute(
        select(operation.c.account_id, operation.c.id)
        .where(operation.c.state.in_([s.value for s in OPEN]), operation.c.next_at <= now)
        .order_by(operation.c.next_at)
        .limit(limit)
    )
    return [(AccountId(row.account_id), OperationId(row.id)) for row in rows]
